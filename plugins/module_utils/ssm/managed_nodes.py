# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes Systems Manager knows, and whether their agents answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..aws import pages
from ..errors import AwsError
from ..scheduler import run_each

if TYPE_CHECKING:
    from botocore.client import BaseClient

NODES_PER_CALL = 50


def ping_statuses(ssm: BaseClient, node_ids: Sequence[str]) -> dict[str, str]:
    """The ping status of nodes, for example ``Online``; a node that Systems Manager does not know is left out.

    :param node_ids: ids in the form of a node's, each once
    :raises AwsError: AWS refused
    """
    chunks = [node_ids[start : start + NODES_PER_CALL] for start in range(0, len(node_ids), NODES_PER_CALL)]
    outcomes = run_each(chunks, lambda chunk: _described(ssm, chunk))
    return {node_id: status for outcome in outcomes for node_id, status in outcome.result().items()}


def _described(ssm: BaseClient, node_ids: Sequence[str]) -> dict[str, str]:
    """The statuses of nodes that fit in one call. AWS refuses the call as a whole for one unknown id and need not say
    which, so the ids are halved until it is found."""
    try:
        return {
            node["InstanceId"]: node["PingStatus"]
            for page in pages(
                ssm,
                "describe_instance_information",
                Filters=[{"Key": "InstanceIds", "Values": list(node_ids)}],
                MaxResults=NODES_PER_CALL,
            )
            for node in page["InstanceInformationList"]
        }
    except AwsError as error:
        if error.code != "InvalidInstanceId":
            raise
        if len(node_ids) == 1:
            return {}
        middle = len(node_ids) // 2
        return _described(ssm, node_ids[:middle]) | _described(ssm, node_ids[middle:])
