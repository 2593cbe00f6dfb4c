# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError, StateError, WaitTimeout
from ansible_collections.certwright.aws.plugins.module_utils.ssm import flows
from ansible_collections.certwright.aws.plugins.module_utils.ssm.documents import document_hash

NAME = "Certwright-Test"
CONTENT = json.dumps({"schemaVersion": "2.2"})
WANTED = document_hash(CONTENT)
CLIENT = boto3.client("ssm", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def aws() -> Iterator[Stubber]:
    with Stubber(CLIENT) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def described(sha256: str = WANTED, version: str = "1", latest: str = "1", status: str = "Active") -> dict[str, Any]:
    return {"Document": {"Hash": sha256, "DocumentVersion": version, "LatestVersion": latest, "Status": status}}


def expect_found(aws: Stubber, sha256: str, version: str = "1", latest: str = "1", **tags: str) -> None:
    aws.add_response("describe_document", described(sha256, version, latest), {"Name": NAME})
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    aws.add_response("list_tags_for_resource", {"TagList": listed}, {"ResourceType": "Document", "ResourceId": NAME})


def expect_missing(aws: Stubber) -> None:
    aws.add_client_error("describe_document", "InvalidDocument", expected_params={"Name": NAME})


def test_create(aws: Stubber) -> None:
    expect_missing(aws)
    created = {"Name": NAME, "Content": CONTENT, "DocumentType": "Command", "DocumentFormat": "JSON", "TargetType": "/"}
    aws.add_response("create_document", {}, {**created, "Tags": [{"Key": "a", "Value": "b"}]})
    aws.add_response("describe_document", described(), {"Name": NAME})
    before, after = flows.ensure_document(CLIENT, NAME, CONTENT, tags={"a": "b"})
    assert before is None
    assert after == flows.Document(NAME, WANTED, "1", "1", {"a": "b"})


def test_create_whose_reply_was_lost(aws: Stubber) -> None:
    expect_missing(aws)
    aws.add_client_error("create_document", "DocumentAlreadyExists")
    expect_found(aws, WANTED)
    aws.add_response("describe_document", described(), {"Name": NAME})
    assert flows.ensure_document(CLIENT, NAME, CONTENT)[1].sha256 == WANTED


def test_same_content_changes_nothing(aws: Stubber) -> None:
    expect_found(aws, WANTED, a="b")
    before, after = flows.ensure_document(CLIENT, NAME, CONTENT, tags={"a": "b"})
    assert before == after


def test_other_content_becomes_the_default_version(aws: Stubber) -> None:
    expect_found(aws, "0" * 64, version="1", latest="2")
    aws.add_response("update_document", {"DocumentDescription": {"DocumentVersion": "3"}}, ANY_UPDATE)
    aws.add_response("describe_document", described(version="3"), {"Name": NAME, "DocumentVersion": "3"})
    aws.add_response("update_document_default_version", {}, {"Name": NAME, "DocumentVersion": "3"})
    _before, after = flows.ensure_document(CLIENT, NAME, CONTENT)
    assert (after.sha256, after.version, after.latest_version) == (WANTED, "3", "3")


ANY_UPDATE = {
    "Name": NAME,
    "Content": CONTENT,
    "DocumentFormat": "JSON",
    "TargetType": "/",
    "DocumentVersion": "$LATEST",
}


def test_content_of_an_earlier_version_makes_that_the_default(aws: Stubber) -> None:
    expect_found(aws, "0" * 64, version="3", latest="3")
    aws.add_client_error("update_document", "DuplicateDocumentContent")
    versions = {"DocumentVersions": [{"DocumentVersion": "2"}, {"DocumentVersion": "1"}]}
    aws.add_response("list_document_versions", versions, {"Name": NAME})
    for version, sha256 in (("2", "1" * 64), ("1", WANTED), ("1", WANTED)):
        aws.add_response("describe_document", described(sha256), {"Name": NAME, "DocumentVersion": version})
    aws.add_response("update_document_default_version", {}, {"Name": NAME, "DocumentVersion": "1"})
    _before, after = flows.ensure_document(CLIENT, NAME, CONTENT)
    assert (after.version, after.latest_version) == ("1", "3")


def test_tags_are_changed_and_purged(aws: Stubber) -> None:
    expect_found(aws, WANTED, old="1", changed="1", **{"aws:kept": "1"})
    resource = {"ResourceType": "Document", "ResourceId": NAME}
    aws.add_response("add_tags_to_resource", {}, {**resource, "Tags": [{"Key": "changed", "Value": "2"}]})
    aws.add_response("remove_tags_from_resource", {}, {**resource, "TagKeys": ["old"]})
    _before, after = flows.ensure_document(CLIENT, NAME, CONTENT, tags={"changed": "2"})
    assert after.tags == {"aws:kept": "1", "changed": "2"}


def test_check_mode_only_reads(aws: Stubber) -> None:
    expect_found(aws, "0" * 64, latest="4", a="1")
    _before, after = flows.ensure_document(CLIENT, NAME, CONTENT, tags={}, check_mode=True)
    assert after == flows.Document(NAME, WANTED, "5", "5", {})


def test_version_that_does_not_become_active(aws: Stubber) -> None:
    expect_missing(aws)
    aws.add_response(
        "create_document", {}, {name: ANY for name in ANY_UPDATE if name != "DocumentVersion"} | {"DocumentType": ANY}
    )
    aws.add_response("describe_document", described(status="Creating"))
    with pytest.raises(WaitTimeout, match="waited 0 s for document Certwright-Test to become Active; it is Creating"):
        flows.ensure_document(CLIENT, NAME, CONTENT, wait_timeout=0)


def test_version_that_aws_cannot_make(aws: Stubber) -> None:
    expect_found(aws, "0" * 64)
    aws.add_response("update_document", {"DocumentDescription": {"DocumentVersion": "2"}}, ANY_UPDATE)
    aws.add_response("describe_document", described(status="Failed"))
    with pytest.raises(StateError, match="could not make document"):
        flows.ensure_document(CLIENT, NAME, CONTENT)


def test_delete(aws: Stubber) -> None:
    expect_found(aws, WANTED)
    aws.add_client_error("delete_document", "InvalidDocument", expected_params={"Name": NAME})
    assert flows.ensure_no_document(CLIENT, NAME) is not None
    expect_missing(aws)
    assert flows.ensure_no_document(CLIENT, NAME) is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("AWS-Mine", CONTENT, "does not begin with"),
        ("my document", CONTENT, "is no name for a document"),
        (NAME, "schemaVersion: '2.2'", "it is not JSON"),
        (NAME, "[]", "it is no document"),
    ],
)
def test_bad_input_is_refused_before_the_first_call(aws: Stubber, name: str, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        flows.ensure_document(CLIENT, name, content)
