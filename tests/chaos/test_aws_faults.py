# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS throttles, fails, resets connections, loses replies and takes its time.

What passes by itself, a run gets over; what does not is named, and the next run repairs it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.aws import client_config
from ansible_collections.certwright.aws.plugins.module_utils.ssm.flows import (
    ensure_document,
    ensure_no_document,
    find_document,
)

from .account import Account
from .fleet import Fleet
from .tally import Tally
from .test_killed_at_aws_calls import OPERATIONS

PASSING = {
    "throttled": {"kind": "throttle"},
    "5xx": {"kind": "error", "code": "InternalServerError", "status": 500},
    "connection reset": {"kind": "reset"},
    "reply lost": {"kind": "reply_lost"},
}
PASSING_ON_ONE = [
    ("dynamodb:TransactWriteItems", "conflict", {"kind": "conflict", "times": 2}),
    ("dynamodb:TransactWriteItems", "busy", {"kind": "error", "code": "TransactionInProgressException", "status": 400}),
    ("dynamodb:BatchGetItem", "unprocessed keys", {"kind": "unprocessed", "times": 2}),
    ("acm-pca:IssueCertificate", "every reply lost", {"kind": "reply_lost", "times": 6}),
    ("acm-pca:GetCertificate", "reset again and again", {"kind": "reset", "times": 3}),
]
CALLED_ONCE = ("acm-pca:DescribeCertificateAuthority", 1)
SOME_DOCUMENT = {
    "schemaVersion": "2.2",
    "description": "Does nothing.",
    "mainSteps": [{"action": "aws:runShellScript", "name": "nothing", "inputs": {"runCommand": ["true"]}}],
}
LASTING = {"kind": "error", "code": "AccessDeniedException", "status": 400, "times": None}


def _on(operation: str, fault: dict[str, Any]) -> dict[str, Any]:
    service, _colon, name = operation.partition(":")
    return {"service": service, "operation": name, **fault}


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("kind", PASSING)
def test_passing_fault_of_every_operation(fleet: Fleet, kind: str, after: int) -> None:
    """Every operation that a wave calls fails, at its first or second call, and the wave gets over them all."""
    fleet.add(0, 0, 1)
    for operation in OPERATIONS:
        fleet.account.plan(**_on(operation, {**PASSING[kind], "after": after}))
    fleet.check_rotated(fleet.run())
    for operation in OPERATIONS:
        if fleet.called(operation) > after + 1:
            fleet.tally.faults.add(f"{operation} {kind} at call {after}")


@pytest.mark.parametrize(("operation", "name", "fault"), PASSING_ON_ONE, ids=[case[1] for case in PASSING_ON_ONE])
def test_passing_fault_of_one_operation(fleet: Fleet, operation: str, name: str, fault: dict[str, Any]) -> None:
    fleet.add(0, 0, 1)
    fleet.check_rotated(fleet.run(_on(operation, fault)))
    fleet.tally.faults.add(f"{operation} {name}")


@pytest.mark.parametrize(
    ("operation", "after"),
    [(operation, after) for operation in OPERATIONS for after in (0, 1) if (operation, after) != CALLED_ONCE],
)
def test_lasting_fault(fleet: Fleet, operation: str, after: int) -> None:
    """From its first or second call on, an operation is refused for as long as the run takes; the topic is told."""
    fleet.add(0, 0, 1)
    fleet.account.messages()
    ended = fleet.run(_on(operation, {**LASTING, "after": after}))
    fleet.check_usable()
    assert fleet.called(operation) > after
    assert "AccessDeniedException" in ended.everything
    message = "".join(fleet.account.messages())
    for host_id in fleet.host_ids:
        row = fleet.account.row(host_id)
        renewed = row.get("status") == "DEPLOYED"
        assert renewed != (host_id in message)
        assert renewed or "AccessDeniedException" in row.get("lastError", message)
    fleet.check_rotated(fleet.run_again())
    fleet.tally.faults.add(f"{operation} refused from call {after} on")


def test_certificate_in_progress_for_long(fleet: Fleet) -> None:
    fleet.add(0, 1)
    fleet.account.sandbox.control("POST", "/profile", {"issue_delay_s": 3})
    try:
        ended = fleet.run(host_certificates_wait_timeout=1)
    finally:
        fleet.account.sandbox.control("POST", "/profile", {"issue_delay_s": 0.02})
    for host_id in fleet.host_ids:
        assert "not ready after 1 s" in ended.reason_of(host_id)
    fleet.check_rotated(fleet.run_again())
    fleet.tally.faults.add("RequestInProgressException for longer than wait_timeout")


@pytest.mark.parametrize("size", [0, 40, 200])
def test_output_cut(fleet: Fleet, size: int) -> None:
    """Systems Manager cuts a command's output: what is missing is noticed, and nothing is taken for whole."""
    fleet.add(0, 0, 1)
    ended = fleet.run(
        {"service": "ssm", "operation": "*Invocation*", "kind": "output_cut", "bytes": size, "times": None}
    )
    assert all(ended.reason_of(host_id) for host_id in fleet.host_ids)
    fleet.check_rotated(fleet.run_again())
    fleet.tally.faults.add(f"output cut to {size} bytes")


def test_documents_that_somebody_else_updates(account: Account, tally: Tally) -> None:
    """Systems Manager refuses concurrent updates of one resource: each is tried again until it is done."""
    ssm = account.sandbox.client("ssm", config=client_config())
    content = json.dumps(SOME_DOCUMENT)
    for operation in ("CreateDocument", "AddTagsToResource", "RemoveTagsFromResource", "DeleteDocument"):
        account.plan(service="ssm", operation=operation, kind="error", code="TooManyUpdates", status=400)
    ensure_document(ssm, "Chaos", content, tags={"a": "b"})
    ensure_document(ssm, "Chaos", content, tags={"c": "d"})
    assert find_document(ssm, "Chaos").tags == {"c": "d"}
    ensure_no_document(ssm, "Chaos")
    assert find_document(ssm, "Chaos") is None
    tally.faults.add("ssm TooManyUpdates")


def test_topic_that_cannot_be_told(fleet: Fleet) -> None:
    """The records that were renewed have not failed for that."""
    failing = fleet.account.register(fleet.nodes[0], "untold", reload_command="exit 1")
    good = fleet.add(1)
    fleet.host_ids = [failing, *good]
    ended = fleet.run(_on("sns:Publish", LASTING))
    assert ended.status == 0
    assert ended.results["Tell the topic what failed"]["failed"]
    assert [fleet.account.row(host_id)["status"] for host_id in fleet.host_ids] == ["FAILED", "DEPLOYED"]
    fleet.tally.faults.add("sns:Publish refused")
