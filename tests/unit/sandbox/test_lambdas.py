# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lambda functions and EventBridge rules of a running sandbox: packages run for real, events arrive."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.awslambda.models import LambdaFunction
from moto.events.models import Rule

from tests.sandbox.client import Sandbox
from tests.sandbox.instance import access_key_of_function

SOURCE = """
import json, os, sys, time
import boto3

def show(event, context):
    try:
        import yaml
        foreign = True
    except ImportError:
        foreign = False
    return {"event": event, "foreign": foreign, "path": sys.path[:2], "name": context.function_name,
            "left": context.get_remaining_time_in_millis(), "region": os.environ["AWS_REGION"],
            "own": os.environ["OWN"], "account": boto3.client("sts").get_caller_identity()["Account"]}

def fail(event, context):
    print("about to fail")
    raise ValueError("no")

def hang(event, context):
    time.sleep(30)

def note(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["OWN"], MessageBody=json.dumps(event))

def rotate(event, context):
    sm, arn, token = boto3.client("secretsmanager"), event["SecretId"], event["ClientRequestToken"]
    if event["Step"] == "createSecret":
        sm.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"])
    if event["Step"] == "finishSecret":
        stages = sm.describe_secret(SecretId=arn)["VersionIdsToStages"]
        current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
        sm.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token,
                                       RemoveFromVersionId=current)
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


@pytest.fixture(scope="module")
def clients(sandbox: Sandbox) -> dict[str, Any]:
    return {name: sandbox.client(name) for name in ("lambda", "iam", "sqs", "sns", "events", "s3", "logs")}


@pytest.fixture(scope="module")
def role(clients: dict[str, Any]) -> str:
    made = clients["iam"].create_role(RoleName="test-lambdas", AssumeRolePolicyDocument=json.dumps(TRUST))
    return made["Role"]["Arn"]


@pytest.fixture
def function(clients: dict[str, Any], role: str) -> Iterator[Callable[..., str]]:
    made: list[str] = []

    def make(handler: str, own: str = "", **more: Any) -> str:
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("index.py", SOURCE)
        created = clients["lambda"].create_function(
            FunctionName=f"test-{handler}-{time.monotonic_ns()}",
            Runtime="python3.11",
            Role=role,
            Handler=f"index.{handler}",
            Code={"ZipFile": package.getvalue()},
            Environment={"Variables": {"OWN": own}},
            **{"Timeout": 10, **more},
        )
        made.append(created["FunctionArn"])
        return created["FunctionArn"]

    yield make
    for arn in made:
        clients["lambda"].delete_function(FunctionName=arn)


@pytest.fixture
def queue(clients: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """URL and ARN of a queue to which EventBridge may send."""
    url = clients["sqs"].create_queue(QueueName=f"test-{time.monotonic_ns()}")["QueueUrl"]
    arn = clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]})
    clients["sqs"].set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    yield url, arn
    clients["sqs"].delete_queue(QueueUrl=url)


def messages(clients: dict[str, Any], url: str, seconds: float = 60) -> list[Any]:
    """What arrives in a queue first, waiting for at most so long."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        received = clients["sqs"].receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if received:
            return [json.loads(message["Body"]) for message in received]
        time.sleep(0.05)
    return []


@pytest.fixture
def rule(clients: dict[str, Any]) -> Iterator[Callable[..., str]]:
    made: list[tuple[str, list[str]]] = []

    def make(pattern: dict[str, Any], *targets: dict[str, Any]) -> str:
        name = f"test-{time.monotonic_ns()}"
        arn = clients["events"].put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        clients["events"].put_targets(Rule=name, Targets=list(targets))
        made.append((name, [target["Id"] for target in targets]))
        return arn

    yield make
    for name, ids in made:
        clients["events"].remove_targets(Rule=name, Ids=ids)
        clients["events"].delete_rule(Name=name)


def invoked(clients: dict[str, Any], arn: str, event: Any, **more: Any) -> tuple[Any, str | None]:
    reply = clients["lambda"].invoke(FunctionName=arn, Payload=json.dumps(event), **more)
    text = reply["Payload"].read()
    return json.loads(text) if text else None, reply.get("FunctionError")


def test_moto_still_offers_the_hooks() -> None:
    for name in ("invoke", "save_logs"):
        assert hasattr(LambdaFunction, name)
    assert hasattr(Rule, "send_to_targets")


def test_a_function_finds_its_package_and_boto3_and_nothing_else(
    clients: dict[str, Any], function: Callable[..., str]
) -> None:
    answer, error = invoked(clients, function("show", "mine"), {"a": 1})
    assert error is None
    assert answer["event"] == {"a": 1}
    assert (answer["foreign"], answer["own"], answer["region"]) == (False, "mine", "us-east-1")
    assert answer["account"] == "123456789012"
    assert 0 < answer["left"] <= 10_000


def test_the_log_tells_which_function_has_called(
    sandbox: Sandbox, clients: dict[str, Any], function: Callable[..., str]
) -> None:
    arn = function("show")
    invoked(clients, arn, {})
    key = access_key_of_function(arn.rpartition(":")[2])
    calls = [(one["service"], one["operation"]) for one in sandbox.control("GET", "/log") if one["access_key"] == key]
    assert calls == [("sts", "GetCallerIdentity")]


def test_failures_are_told_and_logged(clients: dict[str, Any], function: Callable[..., str]) -> None:
    arn = function("fail")
    answer, error = invoked(clients, arn, {})
    assert (answer["errorMessage"], answer["errorType"], error) == ("no", "ValueError", "Unhandled")
    group = f"/aws/lambda/{arn.rpartition(':')[2]}"
    logged = [event["message"] for event in clients["logs"].filter_log_events(logGroupName=group)["events"]]
    assert "about to fail" in logged
    assert any(line.startswith("START RequestId") for line in logged)
    answer, error = invoked(clients, function("hang", Timeout=1), {})
    assert (error, "timed out after 1.00 seconds" in answer["errorMessage"]) == ("Unhandled", True)


def test_an_asynchronous_failure_reaches_the_dead_letter_queue(
    clients: dict[str, Any], function: Callable[..., str], queue: tuple[str, str]
) -> None:
    arn = function("fail", DeadLetterConfig={"TargetArn": queue[1]})
    assert invoked(clients, arn, {"lost": True}, InvocationType="Event") == (None, None)
    assert messages(clients, queue[0]) == [{"lost": True}]


def test_a_function_tells_and_changes_its_dead_letter_queue(
    clients: dict[str, Any], function: Callable[..., str], queue: tuple[str, str]
) -> None:
    arn, wanted = function("note"), {"TargetArn": queue[1]}
    assert "DeadLetterConfig" not in clients["lambda"].get_function_configuration(FunctionName=arn)
    clients["lambda"].update_function_configuration(FunctionName=arn, DeadLetterConfig=wanted)
    assert clients["lambda"].get_function_configuration(FunctionName=arn)["DeadLetterConfig"] == wanted


def test_a_rule_invokes_a_function_that_permits_it(
    clients: dict[str, Any], function: Callable[..., str], queue: tuple[str, str], rule: Callable[..., str]
) -> None:
    arn = function("note", queue[0])
    rule_arn = rule({"source": ["shop"]}, {"Id": "f", "Arn": arn, "DeadLetterConfig": {"Arn": queue[1]}})
    entry = {"Source": "shop", "DetailType": "Sold", "Detail": json.dumps({"what": "tea"})}
    clients["events"].put_events(Entries=[entry])
    (undelivered,) = messages(clients, queue[0])
    assert undelivered["detail"] == {"what": "tea"}
    clients["lambda"].add_permission(
        FunctionName=arn,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule_arn,
    )
    clients["events"].put_events(Entries=[entry, {**entry, "Source": "other"}])
    (event,) = messages(clients, queue[0])
    assert (event["detail-type"], event["account"], event["detail"]) == ("Sold", "123456789012", {"what": "tea"})


def test_a_new_object_is_told_to_queues_and_topics_in_the_form_that_the_target_wants(
    clients: dict[str, Any], queue: tuple[str, str], rule: Callable[..., str]
) -> None:
    clients["s3"].create_bucket(Bucket="test-events")
    clients["s3"].put_bucket_notification_configuration(
        Bucket="test-events", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    template = {
        "InputPathsMap": {"key": "$.detail.object.key", "all": "$.detail.bucket"},
        "InputTemplate": '{"key": "<key>", "bucket": <all>}',
    }
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": ["test-events"]}}}
    rule(pattern, {"Id": "q", "Arn": queue[1], "InputTransformer": template})
    clients["s3"].put_object(Bucket="test-events", Key="crl/a.crl", Body=b"x")
    assert messages(clients, queue[0]) == [{"key": "crl/a.crl", "bucket": {"name": "test-events"}}]


def test_a_disabled_rule_delivers_nothing(
    clients: dict[str, Any], queue: tuple[str, str], rule: Callable[..., str]
) -> None:
    name = rule({"source": ["shop"]}, {"Id": "q", "Arn": queue[1]}).rpartition("/")[2]
    clients["events"].disable_rule(Name=name)
    clients["events"].put_events(Entries=[{"Source": "shop", "DetailType": "Sold", "Detail": "{}"}])
    assert messages(clients, queue[0], seconds=0.2) == []


def test_secrets_manager_rotates_with_a_function_and_tells_it(
    sandbox: Sandbox,
    clients: dict[str, Any],
    function: Callable[..., str],
    queue: tuple[str, str],
    rule: Callable[..., str],
) -> None:
    secrets = sandbox.client("secretsmanager")
    arn = function("rotate")
    secret = secrets.create_secret(Name="test-lambdas", SecretString="old")["ARN"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        secrets.rotate_secret(SecretId=secret, RotationLambdaARN=arn)
    clients["lambda"].add_permission(
        FunctionName=arn,
        StatementId="secretsmanager",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
    )
    told = {"source": ["aws.secretsmanager"], "detail": {"eventName": ["RotationSucceeded"]}}
    rule(told, {"Id": "q", "Arn": queue[1], "InputPath": "$.detail.additionalEventData.SecretId"})
    secrets.rotate_secret(SecretId=secret, RotationLambdaARN=arn)
    assert messages(clients, queue[0]) == [secret]
    assert secrets.get_secret_value(SecretId=secret)["SecretString"] == "new"


def test_calls_of_private_ca_are_told_as_a_trail_records_them(
    sandbox: Sandbox, clients: dict[str, Any], queue: tuple[str, str], rule: Callable[..., str]
) -> None:
    pattern = {"detail-type": ["AWS API Call via CloudTrail"], "detail": {"eventName": ["CreateCertificateAuthority"]}}
    rule(pattern, {"Id": "q", "Arn": queue[1]})
    made = sandbox.client("acm-pca").create_certificate_authority(
        CertificateAuthorityType="ROOT",
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": "told"},
        },
    )
    (event,) = messages(clients, queue[0])
    assert event["source"] == "aws.acm-pca"
    assert event["detail"]["requestParameters"]["certificateAuthorityConfiguration"]["subject"] == {
        "commonName": "told"
    }
    assert event["detail"]["responseElements"] == {"certificateAuthorityArn": made["CertificateAuthorityArn"]}
