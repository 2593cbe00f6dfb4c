# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Elastic Load Balancing: one function for each call that the collection makes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..aws import call
from ..errors import AwsError, InputError
from .lossless import refuse_losses, watch

if TYPE_CHECKING:
    from botocore.client import BaseClient

_RULE_ARN = re.compile(r"arn:[^:]+:elasticloadbalancing:(?P<region>[^:]+):\d{12}:listener-rule/app/.+")


def region_of_rule(arn: str) -> str:
    """The Region of an Application Load Balancer's listener rule.

    :raises InputError: it is the ARN of something else
    """
    found = _RULE_ARN.fullmatch(arn)
    if not found:
        raise InputError(
            f"{arn!r} is not the ARN of an Application Load Balancer's listener rule: it looks like "
            "arn:aws:elasticloadbalancing:REGION:ACCOUNT:listener-rule/app/NAME/ID/LISTENER/RULE"
        )
    return found["region"]


def describe_rule(client: BaseClient, arn: str) -> dict[str, Any]:
    """A listener rule.

    :raises InputError: it does not exist
    :raises StateError: botocore does not know all of its conditions
    :raises AwsError: AWS refused
    """
    watch(client, "DescribeRules")
    try:
        answer = call(client, "describe_rules", RuleArns=[arn])
    except AwsError as error:
        if error.code in ("RuleNotFound", "RuleNotFoundException"):
            raise InputError(f"there is no listener rule {arn}") from error
        raise
    refuse_losses(answer, "Rules.Conditions", f"listener rule {arn}")
    return answer["Rules"][0]


def modify_rule(client: BaseClient, arn: str, conditions: list[dict[str, Any]]) -> None:
    """Replace the conditions of a listener rule; its actions stay.

    :raises AwsError: AWS refused
    """
    call(client, "modify_rule", RuleArn=arn, Conditions=conditions)
