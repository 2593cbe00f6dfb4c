# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API operations of Systems Manager that the sandbox adds to moto's, or does better."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

from moto.ssm.responses import SimpleSystemManagerResponse

from .. import faults
from ..errors import Refused
from ..shapes import input_shape, violations
from . import managed
from .backend import Backend
from .commands import Command

NOT_IN_SANDBOX = ("OutputS3BucketName", "ServiceRoleArn", "CloudWatchOutputConfig", "AlarmConfiguration")
PLUGIN_OUTPUT_LIMIT = 2_500
Reply = tuple[str, dict[str, str]]
COMMAND_FILTERS: dict[str, Callable[[Command], str]] = {
    "DocumentName": lambda command: command.document_name,
    "Status": lambda command: command.as_json()["StatusDetails"],
}


class Responses(SimpleSystemManagerResponse):
    """Each operation is a method; a request is checked against botocore's model before the method runs."""

    @property
    def backend(self) -> Backend:
        return self.ssm_backend

    def _checked(self) -> dict[str, Any]:
        """The request, checked as AWS does before it looks at what is asked.

        :raises Refused: ValidationException
        """
        request = json.loads(self.body)
        errors = list(violations(input_shape("ssm", self._get_action()), request))
        if errors:
            count = "1 validation error" if len(errors) == 1 else f"{len(errors)} validation errors"
            raise Refused("ValidationException", f"{count} detected: {'; '.join(errors)}")
        return request

    def create_document(self) -> Any:
        self._checked()
        return super().create_document()

    def update_document(self) -> Any:
        self._checked()
        return super().update_document()

    def list_document_versions(self) -> Reply:
        request = self._checked()
        return _page("DocumentVersions", self.backend.document_versions(request["Name"]), request, 50)

    def send_command(self) -> Reply:
        request = self._checked()
        for name in NOT_IN_SANDBOX:
            if request.get(name):
                raise Refused("NotImplementedInSandbox", f"The sandbox does not implement {name} of SendCommand.")
        return _json({"Command": self.backend.run_command(request).as_json()})

    def cancel_command(self) -> Reply:
        request = self._checked()
        self.backend.cancel_command(request["CommandId"], request.get("InstanceIds", []))
        return _json({})

    def list_commands(self) -> Reply:
        request = self._checked()
        commands = list(self.backend.commands.values())
        if "CommandId" in request:
            commands = [self.backend.command(request["CommandId"])]
        if "InstanceId" in request:
            commands = [command for command in commands if request["InstanceId"] in command.invocations]
        for item in request.get("Filters", []):
            matcher = COMMAND_FILTERS.get(item["key"])
            if matcher is None:
                raise Refused("InvalidFilterKey", f"The sandbox filters by {', '.join(COMMAND_FILTERS)}.")
            commands = [command for command in commands if matcher(command) == item["value"]]
        newest_first = sorted(commands, key=lambda command: command.sent_at, reverse=True)
        return _page("Commands", [command.as_json() for command in newest_first], request, 50)

    def list_command_invocations(self) -> Reply:
        request = self._checked()
        if request.get("Filters"):
            raise Refused("NotImplementedInSandbox", "The sandbox does not filter command invocations.")
        commands = list(self.backend.commands.values())
        if "CommandId" in request:
            commands = [self.backend.command(request["CommandId"])]
        chosen = [
            (command, invocation)
            for command in commands
            if command.is_visible
            for invocation in command.invocations.values()
            if request.get("InstanceId", invocation.node_id) == invocation.node_id
        ]
        with_details = request.get("Details", False)
        shown, token = _slice(chosen, request, 50)
        entries = [command.invocation_as_json(invocation, with_details) for command, invocation in shown]
        limit = self._output_limit("ListCommandInvocations", PLUGIN_OUTPUT_LIMIT)
        for entry in entries:
            for plugin in entry["CommandPlugins"]:
                plugin["Output"] = plugin["Output"][:limit]
        return _json({"CommandInvocations": entries, "NextToken": token})

    def get_command_invocation(self) -> Reply:
        request = self._checked()
        command = self.backend.command(request["CommandId"])
        invocation = command.invocations.get(request["InstanceId"])
        if invocation is None or not command.is_visible:
            raise Refused("InvocationDoesNotExist", "")
        step_name = request.get("PluginName")
        if step_name and step_name not in [step.name for step in command.content.steps]:
            raise Refused("InvalidPluginName", f"The plugin name {step_name} is not valid.")
        entry = command.step_as_json(invocation, step_name)
        limit = self._output_limit("GetCommandInvocation", len(entry["StandardOutputContent"]))
        entry["StandardOutputContent"] = entry["StandardOutputContent"][:limit]
        return _json(entry)

    def describe_instance_information(self) -> Reply:
        request = self._checked()
        return _page("InstanceInformationList", managed.described(self.region, request), request, 10)

    def create_activation(self) -> Reply:
        return _json(self.backend.activations.create(self._checked()))

    def describe_activations(self) -> Reply:
        request = self._checked()
        return _page("ActivationList", self.backend.activations.described(request), request, 50)

    def delete_activation(self) -> Reply:
        self.backend.activations.delete(self._checked()["ActivationId"])
        return _json({})

    def deregister_managed_instance(self) -> Reply:
        self.backend.deregister(self._checked()["InstanceId"])
        return _json({})

    @staticmethod
    def _output_limit(operation: str, usual: int) -> int:
        fault = faults.plan.take(f"ssm:{operation}", frozenset({"output_cut"}))
        return fault.bytes if fault else usual


def _page(member: str, entries: Sequence[Any], request: dict[str, Any], default_size: int) -> Reply:
    shown, token = _slice(entries, request, default_size)
    return _json({member: shown, "NextToken": token})


def _slice(entries: Sequence[Any], request: dict[str, Any], default_size: int) -> tuple[Sequence[Any], str | None]:
    """One page of a list, and the token for the next. A token is its offset, in base64 as AWS's are opaque."""
    try:
        start = int(base64.b64decode(request.get("NextToken", ""), validate=True) or b"0")
    except (ValueError, binascii.Error) as error:
        raise Refused("InvalidNextToken", "The specified token is not valid.") from error
    end = start + request.get("MaxResults", default_size)
    return entries[start:end], base64.b64encode(str(end).encode()).decode() if end < len(entries) else None


def _json(value: Any) -> Reply:
    return json.dumps(_without_nulls(value), default=_timestamp), {"Content-Type": "application/x-amz-json-1.1"}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(member) for member in value] if isinstance(value, list) else value


def _timestamp(value: Any) -> float:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} in a reply")
    aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return aware.timestamp()
