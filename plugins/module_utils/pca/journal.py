# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Telling the caller of issued ARNs as soon as they are known, a few at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import CertwrightError


@dataclass(frozen=True)
class IssuedEntry:
    """A certificate that was issued and is not fetched yet."""

    id: str
    certificate_arn: str
    public_key_sha256: str


OnIssued = Callable[[Sequence[IssuedEntry]], Mapping[str, CertwrightError]]
"""Takes a group of entries; returns, by id, those that it could not take and why, or raises when it took none."""

GROUP_SIZE = 25
GROUP_SECONDS = 1.0


class Journal:
    """Collects entries and hands them on in groups, in the caller's thread.

    A failure is noted, not raised: the certificates exist, whatever the journal says. :meth:`close` tries once more,
    and :attr:`refused` then says by id what nobody has taken, and why.
    """

    def __init__(self, on_issued: OnIssued | None) -> None:
        self._on_issued = on_issued
        self._waiting: list[IssuedEntry] = []
        self._not_taken: list[IssuedEntry] = []
        self._oldest = 0.0
        self.refused: dict[str, CertwrightError] = {}

    def add(self, entry: IssuedEntry) -> None:
        """Note an entry, and hand the group on when it is large or old enough."""
        if not self._waiting:
            self._oldest = time.monotonic()
        self._waiting.append(entry)
        if len(self._waiting) >= GROUP_SIZE or time.monotonic() - self._oldest >= GROUP_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Hand on what waits."""
        group, self._waiting = self._waiting, []
        if self._on_issued is None or not group:
            return
        try:
            refused = dict(self._on_issued(tuple(group)))
        except CertwrightError as error:
            refused = {entry.id: error for entry in group}
        self.refused |= refused
        self._not_taken += [entry for entry in group if entry.id in refused]

    def close(self) -> None:
        """Hand on what waits, and what was not taken before."""
        self._waiting, self._not_taken = self._not_taken + self._waiting, []
        self.refused = {}
        self.flush()
