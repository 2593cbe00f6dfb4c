# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one scheduler: independent work at once, within AWS's rates, one outcome an item.

No other code of the collection starts a thread.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Generic, TypeVar

from .errors import CertwrightError, NotAttempted

Item = TypeVar("Item")
Value = TypeVar("Value")

# Calls a second for an account and Region, from AWS's service quotas (October 2023 where AWS does not publish newer
# ones). A user with raised quotas passes a rate of his own.
QUOTAS: dict[str, float] = {
    "acm-pca:IssueCertificate": 25,
    "acm-pca:GetCertificate": 75,
    "acm-pca:RevokeCertificate": 20,
    "acm-pca:DescribeCertificateAuthority": 20,
    "rolesanywhere:*": 1,
}
MAX_WORKERS = 32


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """What became of one item: exactly one of ``value`` and ``error`` counts, ``error`` when it is not None."""

    item: Item
    value: Value | None = None
    error: CertwrightError | None = None

    def result(self) -> Value:
        """The value, or the error raised."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


class RateLimit:
    """A token bucket, one second deep, that threads share.

    :param per_second: calls a second, of :data:`QUOTAS` or the user's own; None for no limit
    """

    def __init__(self, per_second: float | None) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._burst_s = 1.0 if per_second and per_second > 1 else 0.0
        self._lock = threading.Lock()
        self._next = time.monotonic()

    def wait(self) -> None:
        """Return when the next call may be sent."""
        if not self._interval:
            return
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now - self._burst_s) + self._interval
            delay = self._next - self._interval - now
        if delay > 0:
            time.sleep(delay)


def run_each(
    items: Iterable[Item],
    work: Callable[[Item], Value],
    *,
    rate: RateLimit | None = None,
    max_workers: int = MAX_WORKERS,
    on_outcome: Callable[[Outcome[Item, Value]], None] | None = None,
) -> list[Outcome[Item, Value]]:
    """Do ``work`` on every item at once and return the outcomes in the order of the items.

    An item that fails with a :class:`CertwrightError` stops no other. Any other exception is a defect: it is raised
    after the work under way has ended. On Ctrl-C nothing new is begun, what is under way is finished, and the items
    that were not begun come back with :class:`NotAttempted`, so that a caller can report what was done.

    :param rate: taken once before each item
    :param on_outcome: called in the caller's thread as each item ends
    """
    pending = list(items)
    stop = threading.Event()

    def attempt(item: Item) -> Outcome[Item, Value]:
        if rate is not None and not stop.is_set():
            rate.wait()
        if stop.is_set():
            return Outcome(item, error=NotAttempted("interrupted before it was begun"))
        try:
            return Outcome(item, work(item))
        except CertwrightError as error:
            return Outcome(item, error=error)

    workers = max(1, min(max_workers, len(pending)))
    with _stopped_by_interrupt(stop), ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(attempt, item) for item in pending]
        try:
            for future in as_completed(futures):
                outcome = future.result()
                if on_outcome is not None:
                    on_outcome(outcome)
        except BaseException:
            stop.set()
            raise
    return [future.result() for future in futures]


_under_way: list[threading.Event] = []
"""What stops each :func:`run_each` of the main thread; they may be nested, by way of ``on_outcome``."""


@contextmanager
def _stopped_by_interrupt(stop: threading.Event) -> Iterator[None]:
    """Have Ctrl-C set ``stop``, instead of an exception that would strike wherever the main thread happens to be."""
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if ignored or threading.current_thread() is not threading.main_thread():
        yield
        return
    _under_way.append(stop)
    before = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        _under_way.remove(stop)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    for stop in _under_way:
        stop.set()
