# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ansible_collections.certwright.aws.plugins.module_utils.errors import AwsError
from ansible_collections.certwright.aws.plugins.module_utils.ssm.managed_nodes import ping_statuses

NODES = [f"i-{number:017x}" for number in range(120)]


def answering(answer: Callable[[list[str]], list[str]]) -> tuple[Any, list[int]]:
    """A client whose calls are answered with the ids that ``answer`` makes of those asked for, and the calls' sizes."""
    ssm = boto3.client("ssm", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    sizes: list[int] = []

    def reply(_operation: str, request: dict[str, Any]) -> dict[str, Any]:
        (asked,) = [item["Values"] for item in request["Filters"]]
        sizes.append(len(asked))
        return {"InstanceInformationList": [{"InstanceId": node, "PingStatus": "Online"} for node in answer(asked)]}

    ssm._make_api_call = reply
    return ssm, sizes


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeInstanceInformation")


def test_fifty_nodes_a_call():
    ssm, sizes = answering(lambda asked: asked)
    assert ping_statuses(ssm, NODES) == dict.fromkeys(NODES, "Online")
    assert sorted(sizes) == [20, 50, 50]


def test_no_nodes_no_call():
    ssm, sizes = answering(lambda asked: asked)
    assert ping_statuses(ssm, []) == {}
    assert sizes == []


def test_an_unknown_node_hides_no_other():
    def strict(asked: list[str]) -> list[str]:
        if NODES[33] in asked:
            raise refused("InvalidInstanceId")
        return [node for node in asked if node != NODES[7]]

    ssm, sizes = answering(strict)
    assert ping_statuses(ssm, NODES[:50]).keys() == set(NODES[:50]) - {NODES[33], NODES[7]}
    assert len(sizes) <= 13


def test_another_refusal_is_an_error():
    def deny(_asked: list[str]) -> list[str]:
        raise refused("AccessDeniedException")

    with pytest.raises(AwsError, match="DescribeInstanceInformation failed: AccessDeniedException"):
        ping_statuses(answering(deny)[0], NODES[:2])
