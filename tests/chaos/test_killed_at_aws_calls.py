# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL to the controller at every call to AWS, before AWS acts and after it has acted."""

from __future__ import annotations

import pytest

from .fleet import Fleet
from .tally import LONG

OPERATIONS = (
    "dynamodb:BatchGetItem",
    "dynamodb:TransactWriteItems",
    "ssm:DescribeInstanceInformation",
    "ssm:SendCommand",
    "ssm:ListCommandInvocations",
    "acm-pca:DescribeCertificateAuthority",
    "acm-pca:IssueCertificate",
    "acm-pca:GetCertificate",
)
MOST_CALLS = 12
CASES = [("first", "before"), ("renewal", "after"), *([("first", "after"), ("renewal", "before")] if LONG else [])]


def test_all_operations_of_a_wave_are_covered(fleet: Fleet) -> None:
    fleet.add(0, 0, 1)
    ended = fleet.run()
    called = {name for name in fleet.account.sandbox.calls() if fleet.called(name)}
    fleet.check_rotated(ended)
    assert called == set(OPERATIONS)


@pytest.mark.parametrize(("rotation", "when"), CASES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_killed_at_call(fleet: Fleet, operation: str, rotation: str, when: str) -> None:
    """At each call of the operation in turn, until the wave has no such call left."""
    service, _colon, name = operation.partition(":")
    fleet.add(0, 0, 1)
    if rotation == "renewal":
        fleet.check_rotated(fleet.run())
    for number in range(MOST_CALLS):
        if rotation == "renewal":
            fleet.make_due()
        elif number:
            fleet.add(0, 0, 1)
        kill = {"kind": "kill", "service": service, "operation": name, "when": when, "after": number}
        ended = fleet.run(kill)
        if not ended.was_killed:
            fleet.account.clear_faults()
            fleet.check_rotated(ended)
            break
        fleet.tally.kill_points.add(f"{operation} {number} {when} {rotation}")
        fleet.check_usable()
        fleet.check_noted()
        fleet.check_rotated(fleet.run_again())
    assert number, f"a wave makes no call of {operation}"
