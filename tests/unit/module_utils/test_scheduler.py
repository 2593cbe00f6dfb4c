# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils import scheduler
from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError, NotAttempted
from ansible_collections.certwright.aws.plugins.module_utils.scheduler import Outcome, RateLimit, run_each


@pytest.fixture(autouse=True)
def interruptible():
    """A shell may start the tests with interrupts ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt():
    """What Ctrl-C does to the process."""
    os.kill(os.getpid(), signal.SIGINT)


def names(outcomes):
    """Each outcome's value, or the name of its error's class."""
    return [outcome.value if outcome.error is None else type(outcome.error).__name__ for outcome in outcomes]


def test_outcomes_come_in_the_order_of_the_items():
    def work(item):
        time.sleep(0.01 * (5 - item))
        return item * 10

    ended = []
    outcomes = run_each(range(5), work, on_outcome=lambda outcome: ended.append(outcome.item))
    assert [(outcome.item, outcome.result()) for outcome in outcomes] == [(item, item * 10) for item in range(5)]
    assert ended[0] == 4
    assert sorted(ended) == list(range(5))


def test_items_are_worked_on_at_once():
    together = threading.Barrier(4, timeout=5)
    assert names(run_each(range(4), lambda item: together.wait() >= 0)) == [True] * 4


def test_no_more_at_once_than_allowed():
    under_way, most = [], []
    lock = threading.Lock()

    def work(item):
        with lock:
            under_way.append(item)
            most.append(len(under_way))
        time.sleep(0.01)
        with lock:
            under_way.remove(item)

    run_each(range(9), work, max_workers=3)
    assert max(most) == 3


def test_nothing_to_do():
    assert run_each([], lambda item: item) == []


def test_one_failure_stops_no_other():
    def work(item):
        if item == 1:
            raise InputError("one is bad")
        return item

    outcomes = run_each(range(3), work)
    assert names(outcomes) == [0, "InputError", 2]
    with pytest.raises(InputError, match="one is bad"):
        outcomes[1].result()


def test_a_value_of_none_is_no_error():
    assert Outcome("item").result() is None


def test_a_defect_is_raised_and_nothing_new_is_begun():
    begun = []

    def work(item):
        begun.append(item)
        if item == 0:
            raise KeyError("defect")
        time.sleep(0.02)

    with pytest.raises(KeyError, match="defect"):
        run_each(range(100), work, max_workers=2)
    assert len(begun) < 10


def test_a_defect_of_the_callback_is_raised_and_nothing_new_is_begun():
    begun = []

    def work(item):
        begun.append(item)
        time.sleep(0.01)

    def tell(_outcome):
        raise KeyError("defect")

    with pytest.raises(KeyError, match="defect"):
        run_each(range(100), work, max_workers=2, on_outcome=tell)
    assert len(begun) < 10


def test_an_interrupt_begins_nothing_new_and_loses_nothing():
    def work(item):
        if item == 1:
            interrupt()
        time.sleep(0.05)
        return item

    told = []
    outcomes = run_each(range(20), work, max_workers=2, on_outcome=lambda outcome: told.append(outcome.item))
    assert names(outcomes) == [0, 1, *["NotAttempted"] * 18]
    assert sorted(told) == list(range(20))


def test_an_interrupt_while_the_caller_is_told_loses_nothing():
    told = []

    def tell(outcome):
        if outcome.item == 0:
            interrupt()
        told.append(outcome.item)

    def work(item):
        time.sleep(0.01)
        return item

    outcomes = run_each(range(20), work, max_workers=1, on_outcome=tell)
    assert sorted(told) == list(range(20))
    done = [outcome.item for outcome in outcomes if outcome.error is None]
    assert done == list(range(len(done)))
    assert 1 <= len(done) < 5


def test_an_interrupt_of_inner_work_stops_the_outer_work_too():
    def tell(outcome):
        if outcome.item == 0:
            run_each(range(2), lambda _inner: interrupt(), max_workers=1)

    def work(item):
        time.sleep(0.01)
        return item

    outcomes = run_each(range(20), work, max_workers=1, on_outcome=tell)
    assert names(outcomes).count("NotAttempted") > 10


def test_after_it_an_interrupt_is_what_it_was_before():
    run_each(range(3), lambda item: item)
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert scheduler._under_way == []


def test_an_interrupt_that_the_process_ignores_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert names(run_each(range(3), lambda item: interrupt() or item, max_workers=1)) == [0, 1, 2]
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_it_works_in_a_thread_too():
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.extend(run_each(range(3), lambda item: item)))
    thread.start()
    thread.join(5)
    assert names(outcomes) == [0, 1, 2]


def test_the_rate_is_kept():
    begun = time.monotonic()
    run_each(range(11), lambda item: item, rate=RateLimit(100))
    assert 0.09 < time.monotonic() - begun < 1


def test_an_interrupt_ends_the_wait_for_the_rate():
    outcomes = run_each(range(50), lambda item: interrupt() if item == 0 else item, rate=RateLimit(50), max_workers=2)
    assert any(isinstance(outcome.error, NotAttempted) for outcome in outcomes)


class Clock:
    """A clock that only moves when somebody sleeps or waits."""

    def __init__(self):
        self.now = 1000.0

    def sleep(self, seconds):
        self.now += seconds

    def monotonic(self):
        return self.now


@given(
    st.floats(0.2, 100),
    st.lists(st.floats(0, 3), min_size=1, max_size=40),
)
def test_no_more_than_the_rate_and_one_second_of_burst(rate, pauses):
    clock, taken = Clock(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scheduler, "time", clock)
        limit = RateLimit(rate)
        for pause in pauses:
            clock.now += pause
            limit.wait()
            taken.append(clock.now)
    for start, first in enumerate(taken):
        for count, last in enumerate(taken[start:], 1):
            assert count <= rate * (last - first) + rate + 1 + 1e-6


def test_no_limit_never_waits():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scheduler.time, "sleep", lambda _seconds: pytest.fail("waited"))
        for _call in range(1000):
            RateLimit(None).wait()


def test_the_quotas_are_rates():
    assert all(rate > 0 for rate in scheduler.QUOTAS.values())
    assert scheduler.QUOTAS["acm-pca:IssueCertificate"] == 25
