# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands against an SSM that answers as a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.errors import (
    AwsError,
    InputError,
    StateError,
    WaitTimeout,
)
from ansible_collections.certwright.aws.plugins.module_utils.host.payload import NodeRecord
from ansible_collections.certwright.aws.plugins.module_utils.host.report import render
from ansible_collections.certwright.aws.plugins.module_utils.scheduler import Outcome
from ansible_collections.certwright.aws.plugins.module_utils.ssm import commands
from ansible_collections.certwright.aws.plugins.module_utils.ssm.commands import Job, run_on_nodes
from ansible_collections.certwright.aws.plugins.module_utils.ssm.packing import MAX_PAYLOAD_BYTES, pack, payload_bytes
from tests.unit.module_utils.ssm.fakes import NODES, FakeSsm, done, refusal

JOB = Job("Certwright-StageKey", "ab" * 32, wait_timeout=60, comment="a test")
A, B, *_OTHERS = NODES


def record(host_id: str, value: str = "x") -> NodeRecord:
    return NodeRecord(host_id, (host_id, value))


@pytest.fixture
def ssm() -> FakeSsm:
    return FakeSsm()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that moves by sleeping alone; the sleeps."""
    slept: list[float] = []
    monkeypatch.setattr(commands.time, "sleep", slept.append)
    monkeypatch.setattr(commands.time, "monotonic", lambda: sum(slept))
    return slept


def fates(ssm: FakeSsm, *host_ids: str) -> dict[str, Any]:
    outcomes = run_on_nodes(ssm, JOB, [record(host_id) for host_id in host_ids])
    assert [outcome.item.host_id for outcome in outcomes] == list(host_ids)
    return {outcome.item.host_id: outcome.error or outcome.result().action for outcome in outcomes}


def test_one_command_for_all(ssm: FakeSsm) -> None:
    assert fates(ssm, A, f"{A}#web", B) == dict.fromkeys([A, f"{A}#web", B], "staged")
    (request,) = ssm.sent
    assert request["InstanceIds"] == [A, B]
    assert request["DocumentHash"] == "ab" * 32
    assert (request["MaxConcurrency"], request["MaxErrors"], request["TimeoutSeconds"]) == ("100%", "100%", 60)
    assert request["Parameters"]["executionTimeout"] == ["60"]


def test_nothing_to_do_asks_nothing(ssm: FakeSsm) -> None:
    assert run_on_nodes(ssm, JOB, []) == []
    assert ssm.sent == []


def test_nodes_that_are_away_hold_up_nobody(ssm: FakeSsm) -> None:
    del ssm.status[NODES[3]]
    ssm.status[NODES[4]] = "ConnectionLost"
    ended = fates(ssm, *NODES)
    assert [ended[node] for node in NODES[:3]] == ["staged"] * 3
    assert str(ended[NODES[3]]) == f"node {NODES[3]} is not known to Systems Manager in this Region"
    assert str(ended[NODES[4]]) == f"node {NODES[4]} is offline: its ping status is ConnectionLost"
    assert ssm.sent[0]["InstanceIds"] == NODES[:3]


def test_node_that_goes_away_meanwhile_is_found(ssm: FakeSsm) -> None:
    ssm.gone = {NODES[2]}
    ssm.answer = lambda node, _look: done(node)
    ended = fates(ssm, *NODES)
    assert ended.pop(NODES[2]).code == "node_offline"
    assert set(ended.values()) == {"staged"}


def test_results_that_cannot_be_seen_yet_are_waited_for(ssm: FakeSsm, clock: list[float]) -> None:
    def look(number: int) -> None:
        if number == 1:
            raise refusal("InvocationDoesNotExist")

    ssm.look = look
    ssm.answer = lambda node, number: None if number < 3 else ("In Progress", "") if number < 5 else done(node)
    assert fates(ssm, A) == {A: "staged"}
    assert ssm.looks == 5
    assert clock == sorted(clock)
    assert clock[0] < 0.5


def test_nodes_that_never_end_take_no_time_from_those_that_come_later(
    ssm: FakeSsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_after_the_other(items: Sequence[Any], work: Callable[[Any], Any]) -> list[Outcome[Any, Any]]:
        return [Outcome(item, work(item)) for item in items]

    monkeypatch.setattr(commands, "run_each", one_after_the_other)
    ssm.answer = lambda node, _look: ("In Progress", "") if node == A else done(node)
    first, second = run_on_nodes(ssm, JOB, [record(A, "a" * 20_000), record(B, "b" * 20_000)])
    assert len(ssm.sent) == 2
    assert isinstance(first.error, WaitTimeout)
    assert second.result().action == "staged"


def test_report_counts_whatever_the_status_is(ssm: FakeSsm) -> None:
    ssm.answer = lambda node, _look: ("Undeliverable", done(node)[1])
    assert fates(ssm, A) == {A: "staged"}
    assert len(ssm.sent) == 1


def test_undeliverable_command_is_sent_once_more(ssm: FakeSsm) -> None:
    ssm.answer = lambda node, _look: done(node) if node == A or len(ssm.sent) == 2 else ("Undeliverable", "")
    assert fates(ssm, A, B) == {A: "staged", B: "staged"}
    assert [request["InstanceIds"] for request in ssm.sent] == [[A, B], [B]]
    ssm.answer = lambda _node, _look: ("Undeliverable", "")
    error = fates(ssm, A)[A]
    assert (len(ssm.sent), error.code) == (4, "undeliverable")
    assert "is the agent of the node running?" in str(error)


def test_cut_output_is_asked_for_whole(ssm: FakeSsm) -> None:
    whole = done(A, f"{A}#web")[1]
    ssm.answer = lambda _node, _look: ("Success", whole[:-9])
    ssm.whole_outputs[A] = whole
    assert fates(ssm, A, f"{A}#web") == {A: "staged", f"{A}#web": "staged"}


def test_output_without_a_report_is_quoted(ssm: FakeSsm) -> None:
    ssm.answer = lambda _node, _look: ("Failed", "sh: base64: not found")
    ssm.whole_outputs[A] = "sh: base64: not found"
    error = fates(ssm, A)[A]
    assert error.code == "no_report"
    assert (
        str(error)
        == f"{JOB.document_name} on node {A} ended as Failed without a report: it printed 'sh: base64: not found'"
    )


def test_failed_report_is_a_report(ssm: FakeSsm) -> None:
    ssm.answer = lambda node, _look: ("Failed", render(node, "failed", {"reason": "busy"}, {}))
    assert fates(ssm, A) == {A: "failed"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("Delivery Timed Out", "delivery_timed_out"),
        ("ExecutionTimedOut", "execution_timed_out"),
        ("Access Denied", "access_denied"),
    ],
)
def test_statuses_are_told_apart(ssm: FakeSsm, status: str, code: str) -> None:
    ssm.answer = lambda node, _look: (status, "") if node == A else done(node)
    ended = fates(ssm, A, B)
    assert (ended[A].code, ended[B]) == (code, "staged")


def test_waiting_ends_with_a_message(ssm: FakeSsm, clock: list[float]) -> None:
    ssm.answer = lambda node, _look: ("InProgress", "") if node == A else done(node)
    ended = fates(ssm, A, B)
    assert isinstance(ended[A], WaitTimeout)
    assert str(ended[A]) == f"waited 60 s for {JOB.document_name} on node {A}, which is still InProgress"
    assert ended[B] == "staged"
    assert sum(clock) == pytest.approx(60)
    assert ssm.looks < 20


def test_document_that_was_changed_is_not_run(ssm: FakeSsm) -> None:
    def send(_request: dict[str, Any]) -> None:
        raise refusal("InvalidDocument")

    ssm.send = send
    error = fates(ssm, A)[A]
    assert isinstance(error, StateError)
    assert "run the playbook certwright.aws.bootstrap" in str(error)


@pytest.mark.parametrize("failing", ["send", "look"])
def test_call_that_keeps_failing_ends_the_records_of_its_command(ssm: FakeSsm, failing: str) -> None:
    def fail(_argument: Any) -> None:
        raise refusal("AccessDeniedException")

    setattr(ssm, failing, fail)
    error = fates(ssm, A)[A]
    assert isinstance(error, AwsError)
    assert error.code == "AccessDeniedException"


def test_look_that_fails_once_is_repeated(ssm: FakeSsm) -> None:
    def look(number: int) -> None:
        if number in (1, 2, 4, 5):
            raise refusal("InternalServerError")

    ssm.look = look
    ssm.answer = lambda node, number: ("InProgress", "") if number < 6 else done(node)
    assert fates(ssm, A) == {A: "staged"}


def test_record_that_no_command_can_carry(ssm: FakeSsm) -> None:
    too_long = "".join(map(str, range(20_000)))
    ended = {outcome.item.host_id: outcome for outcome in run_on_nodes(ssm, JOB, [record(A, too_long), record(B)])}
    assert isinstance(ended[A].error, InputError)
    assert ended[B].error is None


class TestPacking:
    def ids(self, batches: Sequence[Sequence[NodeRecord]]) -> list[list[str]]:
        return [[each.host_id for each in batch] for batch in batches]

    def test_at_most_fifty_nodes(self) -> None:
        batches = pack(record(f"i-{number:017x}") for number in range(120))
        assert [len(batch) for batch in batches] == [50, 50, 20]

    def test_records_of_a_node_stay_together(self) -> None:
        assert self.ids(pack([record(A), record(B), record(f"{A}#web")])) == [[A, f"{A}#web", B]]

    def test_size_is_kept(self) -> None:
        big = [record(f"i-{number:017x}", f"{number:020000}") for number in range(5)]
        batches = pack(big)
        assert [len(batch) for batch in batches] == [1, 1, 1, 1, 1]
        assert all(payload_bytes(batch) <= MAX_PAYLOAD_BYTES for batch in batches)

    def test_node_with_too_many_records_for_a_command_gets_several(self) -> None:
        records = [record(f"{A}#{number}", f"{number:012000}") for number in range(6)]
        batches = pack(records)
        assert len(batches) == 2
        assert [each for batch in batches for each in batch] == records

    def test_nothing_is_lost(self) -> None:
        records = [record(f"{NODES[number % 5]}#{number}", "y" * number) for number in range(200)]
        assert sorted(self.ids([sum(pack(records), ())])[0]) == sorted(each.host_id for each in records)
