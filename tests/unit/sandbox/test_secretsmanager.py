# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's Secrets Manager, seen through boto3 with moto's mock in this process; Lambda functions are Python."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import moto.secretsmanager.models as moto_models
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.sandbox import calls, clock, lambdas, profile, rotation, secretsmanager

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:rotate"


@pytest.fixture(scope="module")
def client() -> Any:
    return boto3.client("secretsmanager", "us-east-1", aws_access_key_id="A" * 20, aws_secret_access_key="s")


@pytest.fixture
def secrets(client: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    secretsmanager.install()
    profile.change({"rotation_retry_s": 0.01})
    with mock_aws():
        yield client
    rotation.scheduler.forget()
    profile.restore()
    clock.set_offset(0)


class Function:
    """A rotation function in this process: the four steps as AWS's templates do them, unless told otherwise."""

    def __init__(self, secrets: Any) -> None:
        self.secrets = secrets
        self.events: list[dict[str, Any]] = []
        self.failing: set[str] = set()

    def invoke(self, _function: Any, event: dict[str, Any]) -> tuple[str, bool]:
        self.events.append(event)
        if event["Step"] in self.failing:
            return "{}", True
        token, arn = event["ClientRequestToken"], event["SecretId"]
        if event["Step"] == "createSecret":
            self.secrets.put_secret_value(
                SecretId=arn, ClientRequestToken=token, SecretString=f"value {token}", VersionStages=["AWSPENDING"]
            )
        if event["Step"] == "finishSecret":
            stages = self.secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
            current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
            self.secrets.update_secret_version_stage(
                SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
            )
        return "null", False

    @property
    def steps(self) -> list[str]:
        return [event["Step"] for event in self.events]


@pytest.fixture
def function(secrets: Any, monkeypatch: pytest.MonkeyPatch) -> Function:
    made = Function(secrets)
    monkeypatch.setattr(lambdas, "find", lambda arn: SimpleNamespace(arn=arn))
    monkeypatch.setattr(lambdas, "permits", lambda *_asked: True)
    monkeypatch.setattr(lambdas, "invoke", made.invoke)
    return made


def code_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    return failure.value.response["Error"]["Code"]


def eventually(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < ends, "it did not happen within 5 s"
        time.sleep(0.01)


def labels(secrets: Any, label: str) -> str | None:
    stages = secrets.describe_secret(SecretId="s").get("VersionIdsToStages", {})
    return next((version for version, held in stages.items() if label in held), None)


def put(secrets: Any, value: str, token: str | None = None, **more: Any) -> str:
    token = token or str(uuid.uuid4())
    return secrets.put_secret_value(SecretId="s", SecretString=value, ClientRequestToken=token, **more)["VersionId"]


def test_moto_still_offers_the_hooks() -> None:
    for name in ("FakeSecret", "ReplicaSecret", "time", "utcnow"):
        assert hasattr(moto_models, name)
    for name in ("set_default_version_id", "to_short_dict", "to_dict"):
        assert hasattr(moto_models.FakeSecret, name)


def test_a_new_value_takes_awscurrent_and_awsprevious_follows(secrets: Any) -> None:
    first = secrets.create_secret(Name="s", SecretString="one")["VersionId"]
    second = put(secrets, "two")
    assert (labels(secrets, "AWSCURRENT"), labels(secrets, "AWSPREVIOUS")) == (second, first)
    third = put(secrets, "three")
    assert secrets.describe_secret(SecretId="s")["VersionIdsToStages"] == {
        second: ["AWSPREVIOUS"],
        third: ["AWSCURRENT"],
    }
    listed = secrets.list_secret_version_ids(SecretId="s", IncludeDeprecated=True)
    assert {version["VersionId"] for version in listed["Versions"]} == {first, second, third}
    assert len(secrets.list_secret_version_ids(SecretId="s")["Versions"]) == 2


def test_the_same_token_again_is_nothing_new_and_with_another_value_an_error(secrets: Any) -> None:
    secrets.create_secret(Name="s", SecretString="one")
    token = put(secrets, "two", VersionStages=["AWSPENDING"])
    assert put(secrets, "two", token) == token
    assert labels(secrets, "AWSPENDING") == token
    with pytest.raises(ClientError) as failure:
        put(secrets, "other", token, VersionStages=["AWSPENDING"])
    assert code_of(failure) == "ResourceExistsException"


def test_labels_move_only_from_the_version_that_has_them(secrets: Any) -> None:
    first = secrets.create_secret(Name="s", SecretString="one")["VersionId"]
    pending = put(secrets, "two", VersionStages=["AWSPENDING"])
    arguments = {"SecretId": "s", "VersionStage": "AWSCURRENT", "MoveToVersionId": pending}
    for wrong in ({}, {"RemoveFromVersionId": pending}):
        with pytest.raises(ClientError) as failure:
            secrets.update_secret_version_stage(**arguments, **wrong)
        assert code_of(failure) == "InvalidParameterException"
    secrets.update_secret_version_stage(**arguments, RemoveFromVersionId=first)
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "two"
    assert secrets.get_secret_value(SecretId="s", VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    secrets.update_secret_version_stage(SecretId="s", VersionStage="AWSPENDING", RemoveFromVersionId=pending)
    assert labels(secrets, "AWSPENDING") is None
    with pytest.raises(ClientError) as failure:
        secrets.update_secret_version_stage(SecretId="s", VersionStage="AWSCURRENT", RemoveFromVersionId=pending)
    assert code_of(failure) == "InvalidParameterException"


def test_deleting_has_a_window_and_ends_with_it(secrets: Any) -> None:
    secrets.create_secret(Name="s", SecretString="one")
    with pytest.raises(ClientError) as failure:
        secrets.delete_secret(SecretId="s", RecoveryWindowInDays=6)
    assert code_of(failure) == "InvalidParameterException"
    secrets.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    with pytest.raises(ClientError) as failure:
        put(secrets, "two")
    assert code_of(failure) == "InvalidRequestException"
    with pytest.raises(ClientError) as failure:
        secrets.create_secret(Name="s", SecretString="two")
    assert code_of(failure) == "InvalidRequestException"
    clock.set_offset(timedelta(days=7, seconds=1).total_seconds())
    secrets.create_secret(Name="s", SecretString="two")


def test_public_policies_can_be_blocked(secrets: Any) -> None:
    secrets.create_secret(Name="s", SecretString="one")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with pytest.raises(ClientError) as failure:
        secrets.put_resource_policy(SecretId="s", ResourcePolicy=policy, BlockPublicPolicy=True)
    assert code_of(failure) == "PublicPolicyException"
    secrets.put_resource_policy(SecretId="s", ResourcePolicy=policy)
    with pytest.raises(ClientError) as failure:
        secrets.put_resource_policy(SecretId="s", ResourcePolicy="no json")
    assert code_of(failure) == "MalformedPolicyDocumentException"


def test_rotation_runs_its_steps_later_with_the_arn(secrets: Any, function: Function) -> None:
    arn = secrets.create_secret(Name="s", SecretString="one")["ARN"]
    token = str(uuid.uuid4())
    rules = {"ScheduleExpression": "rate(10 days)"}
    secrets.rotate_secret(SecretId="s", RotationLambdaARN=FUNCTION, RotationRules=rules, ClientRequestToken=token)
    eventually(lambda: labels(secrets, "AWSCURRENT") == token and len(function.events) == 4)
    eventually(lambda: "LastRotatedDate" in secrets.describe_secret(SecretId="s"))
    assert function.steps == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert {event["SecretId"] for event in function.events} == {arn}
    assert all(event["RotationToken"] for event in function.events)
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == f"value {token}"
    described = secrets.describe_secret(SecretId="s")
    assert described["RotationRules"] == {"AutomaticallyAfterDays": 10, **rules}
    assert described["VersionIdsToStages"][token] == ["AWSPENDING", "AWSCURRENT"]
    secrets.rotate_secret(SecretId="s", ClientRequestToken=token)
    assert len(function.events) == 4
    again = secrets.rotate_secret(SecretId="s")["VersionId"]
    eventually(lambda: labels(secrets, "AWSCURRENT") == again)


def test_a_failed_step_leaves_awspending_and_the_next_call_is_refused_but_tries_again(
    secrets: Any, function: Function
) -> None:
    first = secrets.create_secret(Name="s", SecretString="one")["VersionId"]
    function.failing = {"setSecret"}
    profile.change({"rotation_attempts": 2})
    token = secrets.rotate_secret(SecretId="s", RotationLambdaARN=FUNCTION)["VersionId"]
    eventually(lambda: function.steps == ["createSecret", "setSecret"] * 2)
    assert (labels(secrets, "AWSPENDING"), labels(secrets, "AWSCURRENT")) == (token, first)
    function.failing = set()
    with pytest.raises(ClientError) as failure:
        eventually(lambda: bool(secrets.rotate_secret(SecretId="s")))
    assert code_of(failure) == "InvalidRequestException"
    eventually(lambda: labels(secrets, "AWSCURRENT") == token)


def test_without_rotating_at_once_only_the_test_step_runs(secrets: Any, function: Function) -> None:
    current = secrets.create_secret(Name="s", SecretString="one")["VersionId"]
    rules = {"AutomaticallyAfterDays": 30}
    secrets.rotate_secret(SecretId="s", RotationLambdaARN=FUNCTION, RotationRules=rules, RotateImmediately=False)
    eventually(lambda: function.steps == ["testSecret"])
    eventually(lambda: list(secrets.describe_secret(SecretId="s")["VersionIdsToStages"]) == [current])


def test_a_value_stored_by_hand_abandons_the_rotation(secrets: Any, function: Function) -> None:
    secrets.create_secret(Name="s", SecretString="one")
    function.failing = {"testSecret"}
    profile.change({"rotation_attempts": 1})
    secrets.rotate_secret(SecretId="s", RotationLambdaARN=FUNCTION)
    eventually(lambda: "testSecret" in function.steps)
    by_hand = put(secrets, "by hand")
    assert labels(secrets, "AWSPENDING") is None
    assert labels(secrets, "AWSCURRENT") == by_hand


def test_the_schedule_rotates_when_its_window_opens(secrets: Any, function: Function) -> None:
    first = secrets.create_secret(Name="s", SecretString="one")["VersionId"]
    rules = {"AutomaticallyAfterDays": 2}
    secrets.rotate_secret(SecretId="s", RotationLambdaARN=FUNCTION, RotationRules=rules, RotateImmediately=False)
    eventually(lambda: function.steps == ["testSecret"])
    clock.set_offset(timedelta(days=2).total_seconds())
    eventually(lambda: labels(secrets, "AWSCURRENT") != first)
    assert labels(secrets, "AWSPREVIOUS") == first


def test_rotation_needs_a_function_that_secrets_manager_may_invoke(
    secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.create_secret(Name="s", SecretString="one")
    with pytest.raises(ClientError) as failure:
        secrets.rotate_secret(SecretId="s")
    assert code_of(failure) == "InvalidRequestException"
    with pytest.raises(ClientError) as failure:
        secrets.rotate_secret(SecretId="s", RotationLambdaARN=FUNCTION)
    assert code_of(failure) == "ResourceNotFoundException"
    monkeypatch.setattr(lambdas, "find", lambda arn: SimpleNamespace(policy=SimpleNamespace(statements=[])))
    with pytest.raises(ClientError) as failure:
        secrets.rotate_secret(SecretId="s", RotationLambdaARN=FUNCTION)
    assert code_of(failure) == "AccessDeniedException"
    assert "RotationEnabled" not in secrets.describe_secret(SecretId="s")


@pytest.mark.parametrize(
    ("operation", "actions"),
    [
        ("GetSecretValue", ["kms:Decrypt"]),
        ("PutSecretValue", ["kms:GenerateDataKey"]),
        ("DescribeSecret", []),
    ],
)
def test_values_under_a_key_of_ones_own_need_it(secrets: Any, operation: str, actions: list[str]) -> None:
    arn = secrets.create_secret(Name="own", SecretString="a", KmsKeyId="alias/own")["ARN"]
    secrets.create_secret(Name="plain", SecretString="a")
    needed = calls.actions_on_resources["secretsmanager"]
    assert needed("us-east-1", operation, {"SecretId": arn}) == actions
    assert needed("us-east-1", operation, {"SecretId": "plain"}) == []
    assert needed("us-east-1", operation, {"SecretId": "none"}) == []
