# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Telling the caller of issued ARNs as soon as they are known, a few at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import CertwrightError


@dataclass(frozen=True)
class IssuedEntry:
    """A certificate that was issued and is not fetched yet."""

    id: str
    certificate_arn: str
    public_key_sha256: str


OnIssued = Callable[[Sequence[IssuedEntry]], None]

GROUP_SIZE = 25
GROUP_SECONDS = 1.0


class Journal:
    """Collects entries and hands them on in groups, in the caller's thread.

    What could not be handed on is kept and tried again with the next group; :attr:`error` says why the last attempt
    failed, and :attr:`waiting` holds what nobody has taken.
    """

    def __init__(self, on_issued: OnIssued | None) -> None:
        self._on_issued = on_issued
        self._oldest = 0.0
        self.waiting: list[IssuedEntry] = []
        self.error: CertwrightError | None = None

    def add(self, entry: IssuedEntry) -> None:
        """Note an entry, and hand the group on when it is large or old enough."""
        if self._on_issued is None:
            return
        if not self.waiting:
            self._oldest = time.monotonic()
        self.waiting.append(entry)
        if len(self.waiting) >= GROUP_SIZE or time.monotonic() - self._oldest >= GROUP_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Hand on what waits. A failure is noted, not raised: the certificates exist, whatever the journal says."""
        if self._on_issued is None or not self.waiting:
            return
        try:
            self._on_issued(tuple(self.waiting))
        except CertwrightError as error:
            self.error = error
            self._oldest = time.monotonic()
        else:
            self.error = None
            self.waiting = []
