# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that loses a node, AWS or its user in the middle."""

from __future__ import annotations

import pytest

from tests.waiting import wait_until

from .fleet import Fleet

BETWEEN_STAGE_AND_INSTALL = {"kind": "delay", "service": "acm-pca", "operation": "GetCertificate", "seconds": 1}


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({"online": False}, "offline"),
        ({"state": "stopped"}, "not known to Systems Manager"),
        ({"undeliverable": True}, "could not be delivered"),
        ({"loses_results": True}, "could not be delivered"),
    ],
    ids=["off line", "stopped", "undeliverable", "undeliverable, but it runs"],
)
def test_node_cut_off_between_stage_and_install(fleet: Fleet, state: dict, named: str) -> None:
    cut_off, other = fleet.add(0, 1)
    node = f"/nodes/{cut_off.partition('#')[0]}"
    well = {"online": True, "state": "running", "undeliverable": False, "loses_results": False}
    running = fleet.start(BETWEEN_STAGE_AND_INSTALL)
    wait_until(lambda: fleet.called("acm-pca:GetCertificate") > 0)
    fleet.account.sandbox.control("PATCH", node, state)
    ended = running.wait()
    fleet.account.sandbox.control("PATCH", node, well)
    assert named in ended.reason_of(cut_off)
    assert named in fleet.account.row(cut_off)["lastError"]
    assert fleet.account.row(other)["status"] == "DEPLOYED"
    fleet.check_rotated(fleet.run_again())
    fleet.tally.faults.add(f"node {state} between stage and install")


def test_interrupted(fleet: Fleet) -> None:
    """Ctrl-C while certificates are issued: what is under way is finished and noted, nothing new is begun."""
    fleet.add(*range(8), *range(8))
    running = fleet.start(
        {"kind": "delay", "service": "acm-pca", "operation": "IssueCertificate", "seconds": 3, "times": None},
        host_certificates_issue_rate=2,
    )
    wait_until(lambda: fleet.called("acm-pca:IssueCertificate") > 0)
    running.interrupt()
    ended = running.wait()
    assert ended.status != 0, fleet.told(ended)
    reasons = [ended.reason_of(host_id) for host_id in fleet.host_ids]
    issued = fleet.called("acm-pca:IssueCertificate")
    assert issued < len(fleet.host_ids)
    assert sum("interrupted after it was issued" in reason for reason in reasons) == issued
    assert sum("interrupted before it was begun" in reason for reason in reasons) == len(fleet.host_ids) - issued
    fleet.check_rotated(fleet.run_again())
    fleet.tally.faults.add("Ctrl-C while certificates are issued")
