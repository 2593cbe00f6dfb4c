# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease as a state machine: two controllers with clocks of their own, who may read and write at any moment."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ansible_collections.certwright.aws.plugins.module_utils.host_table.changes import GUARDED
from ansible_collections.certwright.aws.plugins.module_utils.host_table.plans import (
    Lease,
    Rotation,
    leasing,
    recording,
    releasing,
)
from ansible_collections.certwright.aws.plugins.module_utils.host_table.records import read_record

NODE = "i-0123456789abcdef0"
START = datetime(2026, 1, 10, 12, 0, tzinfo=timezone.utc)
SKEW = timedelta(seconds=60)
LEASE = timedelta(seconds=300)
RENEW_BEFORE = timedelta(hours=48)
RUNS = st.sampled_from(["run-a", "run-b"])
OFFSETS = st.sampled_from([timedelta(seconds=-30), timedelta(seconds=30)])


class TwoControllers(RuleBasedStateMachine):
    """Each run plans from what it read last, and its change is written only if the record is still as it was."""

    def __init__(self):
        super().__init__()
        self.time = START
        self.item = {"hostID": {"S": NODE}}
        self.offset = {"run-a": timedelta(0), "run-b": timedelta(0)}
        self.seen = {}
        self.held_until = {}
        self.recorded = 0

    def clock(self, run):
        return self.time + self.offset[run]

    def holds(self, run):
        return run in self.held_until and self.clock(run) < self.held_until[run]

    def read(self, run):
        self.seen[run] = dict(self.item)

    def write(self, change):
        """Write as DynamoDB would: only when the guarded attributes are as the change saw them."""
        seen = {name: change.condition.values.get(f":seen_{name}") for name in GUARDED}
        if any(self.item.get(name) != value for name, value in seen.items()):
            return False
        self.item = change.applied(self.item)
        return True

    @initialize(offsets=st.tuples(OFFSETS, OFFSETS))
    def set_clocks(self, offsets):
        self.offset = dict(zip(("run-a", "run-b"), offsets, strict=True))

    @rule(seconds=st.sampled_from([30, 270]))
    def pass_time(self, seconds):
        self.time += timedelta(seconds=seconds)

    @rule(run=RUNS)
    def read_early(self, run):
        self.read(run)

    @rule(run=RUNS, reads=st.booleans())
    def lease(self, run, reads):
        if reads or run not in self.seen:
            self.read(run)
        until = self.clock(run) + LEASE
        plan = leasing(
            NODE,
            read_record(self.seen[run]),
            Lease(run, until, SKEW),
            self.clock(run),
            renew_before=RENEW_BEFORE,
            defaults={},
            force=False,
        )
        if plan.change is not None and self.write(plan.change):
            self.held_until[run] = until

    @precondition(lambda self: any(self.holds(run) for run in self.held_until))
    @rule(end=st.sampled_from(["success", "failure", "release"]))
    def finish(self, end):
        run = next(run for run in self.held_until if self.holds(run))
        record = read_record(dict(self.item))
        now = self.clock(run)
        if end == "release":
            plan = releasing(NODE, record, run, now, force=False)
        else:
            plan = recording(NODE, record, self.rotation(end, now), run, now=now, renew_before=RENEW_BEFORE)
        assert not plan.failed, plan.reason
        assert self.write(plan.change)
        self.recorded += end == "success"
        del self.held_until[run]

    def rotation(self, end, now):
        if end == "failure":
            return Rotation(NODE, error="node is off line")
        return Rotation(NODE, serial=f"{self.recorded:X}", expiry=now + timedelta(days=7))

    @precondition(lambda self: self.held_until)
    @rule(data=st.data())
    def a_run_whose_lease_has_ended_records_all_the_same(self, data):
        run = data.draw(st.sampled_from(sorted(self.held_until)))
        record = read_record(dict(self.item))
        late = Rotation(NODE, error="late")
        plan = recording(NODE, record, late, run, now=self.clock(run), renew_before=RENEW_BEFORE)
        assert (plan.action == "recorded") == (record.lease_owner == run)

    @invariant()
    def one_holder_at_most(self):
        assert sum(self.holds(run) for run in self.held_until) <= 1

    @invariant()
    def a_valid_certificate_is_not_made_again(self):
        assert self.recorded <= 1  # no example lasts as long as a certificate


TwoControllers.TestCase.settings = settings(max_examples=150, stateful_step_count=20, deadline=None)
TestTwoControllers = TwoControllers.TestCase
