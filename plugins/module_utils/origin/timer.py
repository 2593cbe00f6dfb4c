# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for AWS: polling with growing pauses, up to a limit and never past the caller's own deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from ..errors import WaitTimeout

Value = TypeVar("Value")


class Clock(Protocol):
    """What the timer needs of the module :mod:`time`."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class Timer:
    """Waits for things.

    :param deadline_s: seconds from now that no wait may outlast, such as the time that a Lambda invocation has left;
        None for no such limit
    """

    def __init__(self, deadline_s: float | None = None, clock: Clock = time) -> None:
        self._clock = clock
        self._deadline = None if deadline_s is None else clock.monotonic() + deadline_s

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        return self._clock.monotonic()

    def limit(self, timeout_s: float) -> float:
        """When a wait of ``timeout_s`` seconds that begins now must end, on the clock of :meth:`now`."""
        end = self.now() + timeout_s
        return end if self._deadline is None else min(end, self._deadline)

    def pause(self, seconds: float) -> None:
        """Let some time pass."""
        self._clock.sleep(seconds)

    def wait(self, seconds: float, what: str) -> None:
        """Let a given time pass.

        :param what: completes "waiting for …"
        :raises WaitTimeout: at once, when the deadline comes first
        """
        if self._deadline is not None and self.now() + seconds > self._deadline:
            raise WaitTimeout(f"waiting for {what} takes {seconds:g} s, which is longer than the time left")
        self._clock.sleep(seconds)

    def until(
        self,
        attempt: Callable[[], Value | None],
        *,
        timeout_s: float,
        what: Callable[[], str],
        longest_pause_s: float = 15,
    ) -> Value:
        """Call ``attempt`` until it gives something, and return that.

        :param what: completes "waited … for …", asked when the time is up
        :raises WaitTimeout: the time is up
        """
        started, end, pause = self.now(), self.limit(timeout_s), 0.5
        while (value := attempt()) is None:
            if self.now() >= end:
                raise WaitTimeout(f"waited {self.now() - started:.0f} s for {what()}")
            self._clock.sleep(min(pause, max(0.0, end - self.now())))
            pause = min(pause * 1.5, longest_pause_s)
        return value

    def back_off(self, attempt: int) -> None:
        """Pause before another try of a write that lost against somebody else's, longer with each ``attempt``."""
        self._clock.sleep(random.uniform(0.5, 1) * min(0.2 * 2**attempt, 10))  # noqa: S311 - spreads the writers
