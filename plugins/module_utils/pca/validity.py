# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a certificate is asked to be valid, in the terms of the Private CA API."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ..errors import InputError

TYPES = ["DAYS", "MONTHS", "YEARS", "ABSOLUTE", "END_DATE"]


@dataclass(frozen=True)
class Validity:
    """The API's Validity structure.

    ``value`` is a number of days, months or years, for ABSOLUTE the end in seconds since 1970, for END_DATE the end as
    ``YYYYMMDDHHMMSS`` or ``YYMMDDHHMMSS``, a number too.
    """

    type: str
    value: int

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Validity:
        """Read a module's option with ``type`` and ``value``."""
        return cls(options["type"], options["value"])

    def as_request(self) -> dict[str, Any]:
        """The structure for the API."""
        return {"Type": self.type, "Value": self.value}

    def end(self, now: datetime) -> datetime:
        """When a certificate that is issued ``now`` ends (aware, UTC).

        :raises InputError: the value is no date, too far away, or not positive
        """
        if self.value < 1:
            raise InputError(f"validity {self} is not positive")
        try:
            return self._end(now)
        except (ValueError, OverflowError) as error:
            raise InputError(f"validity {self} is not a date: {error}") from error

    def _end(self, now: datetime) -> datetime:
        if self.type == "DAYS":
            return now + timedelta(days=self.value)
        if self.type == "ABSOLUTE":
            return datetime.fromtimestamp(self.value, timezone.utc)
        if self.type == "END_DATE":
            return _parse_end_date(f"{self.value:012d}")
        return _add_months(now, self.value * (12 if self.type == "YEARS" else 1))

    def __str__(self) -> str:
        return f"{self.value} {self.type}"


def _parse_end_date(digits: str) -> datetime:
    """AWS reads a two-digit year from 50 on as one of the last century."""
    if len(digits) == 12:
        digits = ("19" if digits >= "50" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)


def _add_months(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    return moment.replace(year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1]))
