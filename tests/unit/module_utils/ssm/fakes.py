# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Systems Manager that answers as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from ansible_collections.certwright.aws.plugins.module_utils.host.payload import decode
from ansible_collections.certwright.aws.plugins.module_utils.host.report import render

NODES = [f"i-{number:017x}" for number in range(5)]
Invocation = tuple[str, str]
"""StatusDetails and output of a node."""


def done(*host_ids: str) -> Invocation:
    return "Success", "".join(render(host_id, "staged", {}, {}) for host_id in host_ids)


def refusal(code: str, operation: str = "Any") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"AWS says {code}"}}, operation)


class FakeSsm:
    """Systems Manager for one test. By default every node is online and reports success for each record at once.

    :ivar sent: the parameters of each SendCommand that was accepted
    """

    def __init__(self) -> None:
        operations = ("SendCommand", "GetCommandInvocation", "ListCommandInvocations", "DescribeInstanceInformation")
        snake = ("send_command", "get_command_invocation", "list_command_invocations", "describe_instance_information")
        self.meta = SimpleNamespace(method_to_api_mapping=dict(zip(snake, operations, strict=True)))
        self.sent: list[dict[str, Any]] = []
        self.looks = 0
        self.status = dict.fromkeys(NODES, "Online")
        self.gone: set[str] = set()
        self.whole_outputs: dict[str, str] = {}
        self.answer: Callable[[str, int], Invocation | None] = lambda node, _look: done(*self.records_of(node))
        self.send: Callable[[dict[str, Any]], None] = lambda _request: None
        self.look: Callable[[int], None] = lambda _look: None

    def records_of(self, node: str) -> list[str]:
        payload = self.sent[-1]["Parameters"]["payload"][0]
        host_ids = [str(each["host_id"]) for each in decode(payload, ("host_id", "value"))]
        return [host_id for host_id in host_ids if host_id.partition("#")[0] == node]

    def send_command(self, **request: Any) -> dict[str, Any]:
        self.send(request)
        if self.gone & set(request["InstanceIds"]):
            raise refusal("InvalidInstanceId")
        self.sent.append(request)
        return {"Command": {"CommandId": f"command-{len(self.sent)}"}}

    def get_command_invocation(self, **request: Any) -> dict[str, Any]:
        output = self.whole_outputs[request["InstanceId"]]
        return {"StandardOutputContent": output, "StandardErrorContent": ""}

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=getattr(self, f"_{operation}"))

    def _describe_instance_information(self, Filters: Any, MaxResults: int) -> Iterator[dict[str, Any]]:
        known = [node for node in Filters[0]["Values"] if node in self.status]
        if len(known) < len(Filters[0]["Values"]):
            raise refusal("InvalidInstanceId")
        listed = [{"InstanceId": node, "PingStatus": self.status[node]} for node in known]
        yield {"InstanceInformationList": listed}

    def _list_command_invocations(self, CommandId: str, **_how: Any) -> Iterator[dict[str, Any]]:
        self.looks += 1
        self.look(self.looks)
        request = self.sent[int(CommandId.removeprefix("command-")) - 1]
        answers = {node: self.answer(node, self.looks) for node in request["InstanceIds"]}
        yield {
            "CommandInvocations": [
                {"InstanceId": node, "StatusDetails": answer[0], "CommandPlugins": [{"Output": answer[1]}]}
                for node, answer in answers.items()
                if answer
            ]
        }
