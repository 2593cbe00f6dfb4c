# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records as people look at them: with their settings and state, selected and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..host.settings import RecordSettings
from ..renewal import Verdict
from .batches import read_all, scan_all
from .records import Record, check_defaults, known_part, plain_settings, read_record, standing

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from .api import Item

RECORD_STATES = ("missing", "failed", "expired", "due", "valid")
"""A record is in exactly one of these."""
STATES = (*RECORD_STATES, "leased")
"""What records can be selected by. ``leased`` stands beside the other states: a run works on the record now."""


@dataclass(frozen=True)
class Listed:
    """A record and its state. ``settings`` is None when the record holds something that cannot be used."""

    record: Record
    verdict: Verdict
    settings: RecordSettings | None

    def as_result(self) -> dict[str, Any]:
        """Settings, fields and state as one dictionary."""
        return {
            **(plain_settings(self.settings) if self.settings else self.record.settings),
            **self.record.as_result(),
            "node_id": self.record.host_id.partition("#")[0],
            "state": self.verdict.state,
            "due": self.verdict.due,
            "reason": self.verdict.reason,
        }

    def states(self, now: datetime) -> set[str]:
        """The state of the record, and ``leased`` when a run works on it now."""
        return {self.verdict.state} | ({"leased"} if self.record.leased(now) else set())


@dataclass(frozen=True)
class Selection:
    """What to show.

    :ivar states: records in one of these
    :ivar expiring_within: of those only the ones whose certificate ends within this time, or has ended; None for all
    """

    states: frozenset[str] = frozenset(STATES)
    expiring_within: timedelta | None = None

    def takes(self, listed: Listed, now: datetime) -> bool:
        """Whether a record is shown."""
        if not self.states & listed.states(now):
            return False
        expiry = listed.record.expiry
        return self.expiring_within is None or (expiry is not None and expiry - now <= self.expiring_within)


def counted(listed: Iterable[Listed], now: datetime) -> dict[str, int]:
    """How many records are in each of :data:`STATES`."""
    counts = Counter(state for one in listed for state in one.states(now))
    return {state: counts[state] for state in STATES}


def read_items(dynamodb: BaseClient, table_name: str, host_ids: Sequence[str] | None = None) -> list[Item]:
    """Read records, or in the order of their ids the whole table, without the attributes that nobody here knows.

    :param host_ids: each once; one that has no record is not in the answer
    :raises InputError: the table does not exist
    """
    if host_ids is None:
        return [known_part(item) for item in scan_all(dynamodb, table_name)]
    found = read_all(dynamodb, table_name, host_ids)
    return [known_part(found[host_id]) for host_id in host_ids if host_id in found]


def assess_all(
    items: Iterable[Item], *, now: datetime, renew_before: timedelta, defaults: Mapping[str, Any] | None
) -> list[Listed]:
    """Decide in which state each record is.

    :param defaults: the settings that apply where a record has none. With them, a certificate that was made for other
        settings is due; without them (None) that cannot be told.
    :raises InputError: one of the defaults is no setting
    """
    check_defaults(defaults)
    return [assess(read_record(item), now=now, renew_before=renew_before, defaults=defaults) for item in items]


def assess(
    record: Record,
    *,
    now: datetime,
    renew_before: timedelta,
    defaults: Mapping[str, Any] | None,
    forced: bool = False,
) -> Listed:
    """A record with its state; one that holds something unusable is listed as failed, with the reason."""
    try:
        settings = record.checked_settings(defaults or {})
    except InputError as error:
        return Listed(record, Verdict(False, "failed", str(error)), None)
    verdict = standing(
        record, settings, now=now, renew_before=renew_before, compared=defaults is not None, forced=forced
    )
    return Listed(record, verdict, settings)
