# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for tests against a running sandbox."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.sandbox.client import Sandbox

Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def clean(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The shared sandbox; faults, quotas, clock and profile that a test sets are gone after it."""
    usual = sandbox.control("GET", "/profile")
    sandbox.control("POST", "/calls/reset")
    yield sandbox
    sandbox.control("DELETE", "/faults")
    sandbox.control("POST", "/profile", usual)
    sandbox.control("POST", "/clock", {"offset_seconds": 0})


@pytest.fixture
def ssm(clean: Sandbox) -> Any:
    from botocore.config import Config

    # One attempt, so that a test sees each refusal, and no checks by botocore, so that the sandbox has to make them.
    settings = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    return clean.client("ssm", config=settings)


@pytest.fixture
def node(clean: Sandbox) -> str:
    """A real node of the test's own."""
    return clean.control("POST", "/nodes", {"count": 1})[0]


def finished(ssm: Any, command_id: str, timeout_s: float = 10) -> list[dict[str, Any]]:
    """The invocations of a command, with their details, as soon as all of them have ended."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = ssm.list_command_invocations(CommandId=command_id, Details=True)["CommandInvocations"]
        if found and all(one["Status"] not in {"Pending", "InProgress", "Cancelling"} for one in found):
            return found
        time.sleep(0.01)
    raise AssertionError(f"not finished after {timeout_s} s: {found}")


@pytest.fixture
def shell(ssm: Any) -> Run:
    """Run lines of shell on nodes by AWS-RunShellScript; the invocations in the order of the nodes."""

    def run(node_ids: list[str], *lines: str, **settings: Any) -> list[dict[str, Any]]:
        parameters = {"commands": list(lines), **settings.pop("Parameters", {})}
        command = ssm.send_command(
            InstanceIds=node_ids, DocumentName="AWS-RunShellScript", Parameters=parameters, **settings
        )["Command"]
        by_node = {one["InstanceId"]: one for one in finished(ssm, command["CommandId"])}
        return [by_node[node_id] for node_id in node_ids]

    return run


def document(*lines: str, parameters: Mapping[str, Any] | None = None, **inputs: Any) -> str:
    """A Command document of one shell step."""
    step = {"action": "aws:runShellScript", "name": "run", "inputs": {"runCommand": list(lines), **inputs}}
    return json.dumps({"schemaVersion": "2.2", "parameters": parameters or {}, "mainSteps": [step]})
