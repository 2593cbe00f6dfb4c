# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several controllers at once, and controllers that come late: each record is one run's alone."""

from __future__ import annotations

from random import Random

import pytest

from tests.waiting import wait_until

from .fleet import Fleet
from .tally import LONG, seeds

ROUNDS = 20 if LONG else 3
LEASE = "Lease the records of this wave that are due"


def _overlapping(fleet: Fleet, random: Random) -> list[list[str]]:
    """Two waves that share at least one record."""
    shared = random.randint(1, len(fleet.host_ids))
    order = random.sample(fleet.host_ids, len(fleet.host_ids))
    first = order[: random.randint(shared, len(order))]
    return [first, order[len(first) - shared :]]


@pytest.mark.parametrize("seed", seeds(), ids=["fixed", "random"])
@pytest.mark.parametrize("waves", ["same", "overlapping"])
def test_two_controllers_at_once(fleet: Fleet, waves: str, seed: int) -> None:
    random = Random(seed)
    fleet.add(0, 0, 1, 2)
    for number in range(ROUNDS):
        if number:
            fleet.make_due()
        batches = [fleet.host_ids, fleet.host_ids] if waves == "same" else _overlapping(fleet, random)
        delay = {"kind": "delay", "seconds": random.random() / 5, "after": random.randrange(8)}
        running = [fleet.start(delay, host_ids=batch) for batch in batches]
        ended = [run.wait() for run in running]
        assert [run.status for run in ended] == [0, 0], [run.error for run in ended]
        fleet.check_rotated(ended[0])
        fleet.tally.faults.add(f"two controllers, {waves} waves, round {number} of seed {seed}")


def test_two_controllers_that_both_found_the_records_free(fleet: Fleet) -> None:
    """Both have read the table before either writes to it: each record is leased to one of them all the same."""
    fleet.add(0, 1)
    fleet.account.plan(kind="delay", service="dynamodb", operation="TransactWriteItems", seconds=2, times=2)
    ended = [run.wait() for run in [fleet.start(), fleet.start()]]
    leases = [item["action"] for run in ended for item in run.results[LEASE]["results"]]
    assert sorted(leases) == ["busy", "busy", "leased", "leased"]
    fleet.check_rotated(ended[0])
    fleet.tally.faults.add("two controllers that both found the records free")


def test_a_run_that_meets_a_lease_leaves_the_record_alone(fleet: Fleet) -> None:
    fleet.add(0)
    first = fleet.start({"kind": "delay", "service": "acm-pca", "operation": "GetCertificate", "seconds": 1.5})
    wait_until(lambda: fleet.called("acm-pca:GetCertificate") > 0)
    second = fleet.run()
    assert "busy" in second.everything
    fleet.check_rotated(first.wait())
    fleet.tally.faults.add("a record that another run has leased")


@pytest.mark.parametrize("operation", ["IssueCertificate", "GetCertificate"])
def test_a_controller_that_was_away_for_longer_than_its_lease(fleet: Fleet, operation: str) -> None:
    """Another run takes the record over; the first one comes back, and may neither issue again nor overwrite."""
    fleet.add(0, 1)
    late = fleet.start({"kind": "delay", "service": "acm-pca", "operation": operation, "seconds": 3, "times": 1})
    wait_until(lambda: fleet.called(f"acm-pca:{operation}") > 0)
    fleet.account.end_leases(fleet.host_ids)
    second = fleet.run()
    late.wait()
    fleet.check_rotated(second)
    fleet.tally.faults.add(f"a lease that ended during {operation}")


def test_a_lease_that_its_owner_never_released_is_taken_over(fleet: Fleet) -> None:
    """After its time and the clocks' difference, without anybody's doing."""
    fleet.add(0, 1)
    killed = fleet.run({"kind": "kill", "service": "ssm", "operation": "SendCommand", "when": "after"},
                       host_certificates_lease_seconds=1)  # fmt: skip
    assert killed.was_killed
    early = fleet.run()
    assert "busy" in early.everything
    for host_id in fleet.host_ids:
        left = int(fleet.account.row(host_id)["leaseUntil"])
        fleet.account.change_row(host_id, leaseUntil=left - 3600)
    taken_over = fleet.run()
    assert "taken over" in taken_over.everything
    fleet.check_rotated(taken_over)
    fleet.tally.faults.add("a lease that was never released")
