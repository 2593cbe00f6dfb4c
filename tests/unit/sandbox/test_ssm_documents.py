# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents in the sandbox's Systems Manager: what is accepted, versions, hashes, parameters."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.client import Sandbox
from tests.sandbox.errors import Refused
from tests.sandbox.ssm import content, output, parameters

from .conftest import document, finished

PAYLOAD = {"payload": {"type": "String", "allowedPattern": "^[A-Za-z0-9+/=,]*$"}}


def made(ssm: Any, name: str, text: str, **settings: Any) -> dict[str, Any]:
    """A document that is Active."""
    request = {"Name": name, "Content": text, "DocumentType": "Command", "TargetType": "/", **settings}
    described = ssm.create_document(**request)["DocumentDescription"]
    active(ssm, name)
    return described


def active(ssm: Any, name: str, version: str = "$LATEST") -> dict[str, Any]:
    while (found := ssm.describe_document(Name=name, DocumentVersion=version)["Document"])["Status"] != "Active":
        time.sleep(0.01)
    return found


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    return refused.value.response["Error"]["Code"]


def test_a_document_is_created_then_active_and_says_its_hash(ssm: Any) -> None:
    text = document("true")
    described = ssm.create_document(Name="Doc-Life", Content=text, DocumentType="Command", TargetType="/")
    assert described["DocumentDescription"]["Status"] == "Creating"
    found = active(ssm, "Doc-Life")
    assert found["Hash"] == hashlib.sha256(text.encode()).hexdigest()
    assert found["PlatformTypes"] == ["Linux", "MacOS"]
    assert ssm.get_document(Name="Doc-Life")["Content"] == text
    again = {"Name": "Doc-Life", "Content": text, "TargetType": "/"}
    assert refusal(ssm.create_document, **again) == "DocumentAlreadyExists"


def test_versions_are_made_listed_chosen_and_deleted(ssm: Any) -> None:
    made(ssm, "Doc-Versions", document("echo 1"))
    update = {"Name": "Doc-Versions", "Content": document("echo 2"), "DocumentVersion": "$LATEST"}
    assert refusal(ssm.update_document, **{**update, "DocumentVersion": "7"}) == "InvalidDocumentVersion"
    assert ssm.update_document(**update)["DocumentDescription"]["DocumentVersion"] == "2"
    assert refusal(ssm.update_document, **update) == "DuplicateDocumentContent"
    active(ssm, "Doc-Versions")
    assert ssm.describe_document(Name="Doc-Versions")["Document"]["DocumentVersion"] == "1"
    change = {"Name": "Doc-Versions", "DocumentVersion": "2"}
    assert (
        refusal(ssm.update_document_default_version, **{**change, "DocumentVersion": "9"}) == "InvalidDocumentVersion"
    )
    ssm.update_document_default_version(**change)
    versions = ssm.list_document_versions(Name="Doc-Versions")["DocumentVersions"]
    assert [(one["DocumentVersion"], one["IsDefaultVersion"]) for one in versions] == [("2", True), ("1", False)]
    ssm.delete_document(Name="Doc-Versions")
    assert refusal(ssm.describe_document, Name="Doc-Versions") == "InvalidDocument"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "InvalidDocumentContent"),
        ('{"schemaVersion": "2.2"}', "InvalidDocumentContent"),
        ('{"schemaVersion": "9", "mainSteps": []}', "InvalidDocumentSchemaVersion"),
        (document("true", onFailure="exit", surprise="x"), "InvalidDocumentContent"),
        (document("echo {{ missing }}"), "InvalidDocumentContent"),
        (document("true", parameters={"p": {"type": "Text"}}), "InvalidDocumentContent"),
        (document("true", parameters={"p": {"type": "String", "allowedPattern": "("}}), "InvalidDocumentContent"),
        (document("x" * 70_000), "MaxDocumentSizeExceeded"),
    ],
)
def test_bad_content_is_refused(ssm: Any, text: str, code: str) -> None:
    assert refusal(ssm.create_document, Name="Doc-Bad", Content=text, TargetType="/") == code


@pytest.mark.parametrize("name", ["AWS-Mine", "amazon-x", "amzn.x", "AWSSupport-x", "no", "with space"])
def test_reserved_and_malformed_names_are_refused(ssm: Any, name: str) -> None:
    assert refusal(ssm.create_document, Name=name, Content=document("true"), TargetType="/") == "ValidationException"


def test_yaml_is_understood(ssm: Any, node: str) -> None:
    text = "schemaVersion: '2.2'\nmainSteps:\n- action: aws:runShellScript\n  name: a\n  inputs:\n    runCommand: [echo yaml]\n"
    made(ssm, "Doc-Yaml", text, DocumentFormat="YAML")
    (invocation,) = _sent(ssm, node, "Doc-Yaml")
    assert invocation["CommandPlugins"][0]["Output"] == "yaml\n"


def test_a_document_runs_only_with_a_target_type_when_active_and_with_the_right_hash(
    clean: Sandbox, ssm: Any, node: str
) -> None:
    made(ssm, "Doc-NoTarget", document("true"), TargetType=None)
    send = {"InstanceIds": [node], "DocumentName": "Doc-NoTarget"}
    assert refusal(ssm.send_command, **send) == "InvalidDocument"
    assert refusal(ssm.send_command, **{**send, "DocumentName": "Doc-Nowhere"}) == "InvalidDocument"
    hash_ = made(ssm, "Doc-Hash", document("true"))["Hash"]
    send["DocumentName"] = "Doc-Hash"
    assert refusal(ssm.send_command, **send, DocumentHash="0" * 64) == "InvalidDocument"
    assert refusal(ssm.send_command, **send, DocumentVersion="3") == "InvalidDocumentVersion"
    ssm.send_command(**send, DocumentHash=hash_, DocumentHashType="Sha256")
    clean.control("POST", "/profile", {"document_active_s": 5})
    ssm.create_document(Name="Doc-Early", Content=document("true"), TargetType="/")
    assert refusal(ssm.send_command, **{**send, "DocumentName": "Doc-Early"}) == "InvalidDocument"


def test_parameters_are_checked_before_anything_is_sent(clean: Sandbox, ssm: Any, node: str) -> None:
    made(ssm, "Doc-Payload", document("echo {{ payload }}", parameters=PAYLOAD))

    def sent_with(**values: list[str]) -> str:
        return refusal(ssm.send_command, InstanceIds=[node], DocumentName="Doc-Payload", Parameters=values)

    assert sent_with() == "InvalidParameters"
    assert sent_with(payload=["a;id"]) == "InvalidParameters"
    assert sent_with(payload=["a\n"]) == "InvalidParameters"
    assert sent_with(payload=["a", "b"]) == "InvalidParameters"
    assert sent_with(payload=["a"], other=["b"]) == "InvalidParameters"
    assert sent_with(payload=["A" * 65_500]) == "MaxDocumentSizeExceeded"
    assert clean.control("GET", "/calls")["by_operation"]["ssm:SendCommand"] == 6
    assert ssm.list_commands(Filters=[{"key": "DocumentName", "value": "Doc-Payload"}])["Commands"] == []


def test_parameters_reach_script_environment_and_timeout(ssm: Any, node: str) -> None:
    wanted = {
        "word": {"type": "String"},
        "lines": {"type": "StringList"},
        "hidden": {"type": "String", "interpolationType": "ENV_VAR"},
        "seconds": {"type": "String", "default": "600"},
    }
    text = document(
        "echo {{word}} {{ word }} $SSM_hidden", "{{ lines }}", parameters=wanted, timeoutSeconds="{{ seconds }}"
    )
    made(ssm, "Doc-Values", text)
    given = {"word": ["w"], "lines": ["echo one", "echo two"], "hidden": ["$(id) `id`"]}
    (invocation,) = _sent(ssm, node, "Doc-Values", Parameters=given)
    assert invocation["CommandPlugins"][0]["Output"] == "w w $(id) `id`\none\ntwo\n"


def _sent(ssm: Any, node: str, name: str, **settings: Any) -> list[dict[str, Any]]:
    command = ssm.send_command(InstanceIds=[node], DocumentName=name, **settings)["Command"]
    return finished(ssm, command["CommandId"])


CHECKED = content.parse(
    document(
        "true",
        parameters={
            "choice": {"type": "String", "allowedValues": ["a", "b"], "default": "a"},
            "count": {"type": "Integer", "default": "1"},
            "flag": {"type": "Boolean", "default": "true"},
            "short": {"type": "String", "minChars": 2, "maxChars": 3, "default": "ab"},
            "list": {"type": "StringList", "minItems": 1, "maxItems": 2, "default": ["x"]},
        },
    ),
    "JSON",
)


@pytest.mark.parametrize(
    "given",
    [
        {"choice": ["c"]},
        {"count": ["one"]},
        {"flag": ["maybe"]},
        {"short": ["a"]},
        {"short": ["abcd"]},
        {"list": []},
        {"list": ["1", "2", "3"]},
    ],
)
def test_each_constraint_of_a_parameter_holds(given: dict[str, list[str]]) -> None:
    with pytest.raises(Refused) as refused:
        parameters.checked(CHECKED, given)
    assert refused.value.code == "InvalidParameters"


def test_defaults_fill_what_is_not_given() -> None:
    values = parameters.checked(CHECKED, {"list": ["y", "z"]})
    assert values == {"choice": "a", "count": "1", "flag": "true", "short": "ab", "list": ["y", "z"]}


@given(st.text("o", max_size=3_000), st.text("e", max_size=3_000))
def test_combined_output_is_short_and_tells_when_it_was_cut(stdout: str, stderr: str) -> None:
    text = output.combined(stdout, stderr)
    assert len(text) <= output.MAX_COMBINED
    whole = stdout + (output.HEADING if stderr else "") + stderr
    assert text == whole or "truncated---" in text
    assert text.startswith(stdout[:1_000])


def test_preconditions_and_failures_of_steps(ssm: Any, node: str) -> None:
    def step(name: str, platform: str, *lines: str, **inputs: Any) -> dict[str, Any]:
        precondition = {"StringEquals": ["platformType", platform]}
        inputs = {"runCommand": list(lines), **inputs}
        return {"action": "aws:runShellScript", "name": name, "inputs": inputs, "precondition": precondition}

    steps = [
        step("windows", "Windows", "exit 9"),
        step("first", "Linux", "exit 3"),
        step("second", "Linux", "echo second", "exit 4", onFailure="exit"),
        step("never", "Linux", "echo never"),
        step("last", "Linux", "echo last", finallyStep=True),
    ]
    made(ssm, "Doc-Steps", json.dumps({"schemaVersion": "2.2", "mainSteps": steps}))
    (invocation,) = _sent(ssm, node, "Doc-Steps")
    plugins = {one["Name"]: (one["Status"], one["ResponseCode"]) for one in invocation["CommandPlugins"]}
    assert plugins == {
        "windows": ("Success", 0),
        "first": ("Failed", 3),
        "second": ("Failed", 4),
        "last": ("Success", 0),
    }
    assert invocation["Status"] == "Failed"
    get = {"CommandId": invocation["CommandId"], "InstanceId": node}
    assert ssm.get_command_invocation(**get)["StandardOutputContent"] == ""
    assert ssm.get_command_invocation(**get, PluginName="second")["StandardOutputContent"] == "second\n"
    assert refusal(ssm.get_command_invocation, **get, PluginName="other") == "InvalidPluginName"
