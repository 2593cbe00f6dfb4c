# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings that act only some time after they were written, and not everywhere at the same moment.

CloudFront takes a while to reach its edge locations, WAF and load balancers to reach the hosts that enforce their
rules. Each place gets a write after a delay of its own, at most the delay of the write.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from . import profile

Value = TypeVar("Value")
Delay = float | Sequence[float]
"""Seconds, or a lowest and a highest number of seconds between which a delay is drawn for each write."""


class _Dice:
    """Random numbers that repeat when the profile sets ``delay_seed``."""

    def __init__(self) -> None:
        self._seed: int | None = None
        self._random = random.Random()

    def between(self, low: float, high: float) -> float:
        seed = profile.current().delay_seed
        if seed != self._seed:
            self._seed, self._random = seed, random.Random(seed)
        return self._random.uniform(low, high)


_dice = _Dice()
_log: list[dict[str, Any]] = []


def drawn(delay: Delay) -> float:
    """Seconds for one write: the delay itself, or a number drawn from its range."""
    if isinstance(delay, int | float):
        return float(delay)
    low, high = delay
    return _dice.between(low, high)


class Rollout(Generic[Value]):
    """What was written about one resource, and what is in effect of it where.

    :param resource: the name under which writes are logged, usually an ARN
    :param places: how many places receive a write, each after a delay of its own
    """

    def __init__(self, resource: str, places: int = 1) -> None:
        self._resource = resource
        self._places = places
        self._writes: list[tuple[Value, list[float]]] = []
        self._settled_at = 0.0

    def write(self, value: Value, delay: Delay) -> None:
        """Let ``value`` take effect everywhere within ``delay``; the last place gets it exactly then."""
        now, seconds = time.monotonic(), drawn(delay)
        arrivals = [now + _dice.between(0, seconds) for _place in range(self._places - 1)] + [now + seconds]
        oldest_in_use = min(_newest(self._writes, place, now) for place in range(self._places))
        self._writes = [*self._writes[max(oldest_in_use, 0) :], (value, arrivals)]
        self._settled_at = max(self._settled_at, now + seconds)
        _log.append({"resource": self._resource, "written": time.time(), "seconds": round(seconds, 4)})

    def at(self, place: int = 0) -> Value | None:
        """What is in effect at a place now; None before the first write has reached it."""
        writes = self._writes  # replaced as a whole by write(), never changed
        newest = _newest(writes, place, time.monotonic())
        return writes[newest][0] if newest >= 0 else None

    def settled(self) -> bool:
        """Whether every write has reached every place."""
        return time.monotonic() >= self._settled_at

    def anywhere(self) -> Value | None:
        """What is in effect at a place picked at random, as a request picks one."""
        return self.at(random.randrange(self._places))


def _newest(writes: Sequence[tuple[Any, list[float]]], place: int, now: float) -> int:
    """Index of the newest write that has reached the place, or -1."""
    return max((index for index, (_value, arrivals) in enumerate(writes) if arrivals[place] <= now), default=-1)


def log() -> list[dict[str, Any]]:
    """Every write since the last :func:`forget`: ``resource``, when it was ``written``, and in how many ``seconds`` it
    acts everywhere. Times are the machine's."""
    return list(_log)


def forget() -> None:
    """Empty the log of writes."""
    _log.clear()
