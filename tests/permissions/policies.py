# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the policies that the roles write allow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from policy_sentry.querying.actions import get_actions_that_support_wildcard_arns_only

from tests.sandbox.client import Sandbox

BY_LAMBDA_ITSELF = frozenset(
    {
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DetachNetworkInterface",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
)
"""What AWS Lambda does by itself as a function's role, without a call that the sandbox sees: attach it to a VPC, write its log.

Those of EC2 are as AWS has them, on ``*``: "Lambda rotation function execution role permissions for AWS Secrets Manager".
"""


def controller_policy_arn(sandbox: Sandbox) -> str:
    """The ARN of the policy that ``bootstrap`` wrote for the controller, the only managed one of the account's own."""
    (policy,) = sandbox.client("iam").list_policies(Scope="Local")["Policies"]
    return policy["Arn"]


def controller_policy(sandbox: Sandbox) -> dict[str, Any]:
    """The document of the policy that ``bootstrap`` wrote for the controller."""
    iam, arn = sandbox.client("iam"), controller_policy_arn(sandbox)
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def policy_of_role(sandbox: Sandbox, role: str, name: str) -> dict[str, Any]:
    """The document of an inline policy."""
    return sandbox.client("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]


def allowed(policy: dict[str, Any]) -> set[str]:
    """The actions of a policy that only allows."""
    assert all(statement["Effect"] == "Allow" for statement in policy["Statement"])
    return {action for statement in policy["Statement"] for action in listed(statement["Action"])}


def needlessly_on_everything(policy: dict[str, Any]) -> set[str]:
    """The actions that are allowed on ``*``, and that could be allowed on named resources."""
    on_everything = [one for one in policy["Statement"] if "*" in listed(one["Resource"])]
    return {action for one in on_everything for action in listed(one["Action"]) if can_name_resources(action)}


def can_name_resources(action: str) -> bool:
    """Whether an action can be allowed on named resources."""
    return action not in get_actions_that_support_wildcard_arns_only(action.partition(":")[0])


def listed(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
