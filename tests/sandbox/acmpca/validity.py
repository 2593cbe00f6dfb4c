# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API's Validity structure: when a certificate ends."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta, timezone
from typing import Any

from .errors import refusal


def end_of(validity: dict[str, Any], now: datetime) -> datetime:
    """The moment that a validity ends, for a certificate issued ``now`` (aware, whole seconds).

    :raises JsonRESTError: it is not a date, or not in the future
    """
    kind, value = validity["Type"], validity["Value"]
    try:
        end = _END[kind](value, now)
    except (ValueError, OverflowError) as error:
        raise refusal("ValidationException", f"The validity {kind} {value} is not a date: {error}") from error
    if end <= now:
        raise refusal("ValidationException", f"The validity {kind} {value} ends in the past.")
    return end


def start_of(validity: dict[str, Any] | None, now: datetime) -> datetime:
    """The moment that a certificate begins: 60 minutes before it is issued, unless asked otherwise.

    :raises JsonRESTError: the structure is not of the type ABSOLUTE
    """
    if validity is None:
        return now - timedelta(minutes=60)
    if validity["Type"] != "ABSOLUTE":
        raise refusal("InvalidArgsException", "ValidityNotBefore must be of type ABSOLUTE.")
    return datetime.fromtimestamp(validity["Value"], timezone.utc)


def _end_date(value: int, _now: datetime) -> datetime:
    """YYMMDDHHMMSS, or YYYYMMDDHHMMSS; two-digit years from 50 on are in the last century."""
    text = f"{value:012d}"
    if len(text) == 12:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)


def _add_months(now: datetime, months: int) -> datetime:
    years, month = divmod(now.month - 1 + months, 12)
    year = now.year + years
    last_day = calendar.monthrange(year, month + 1)[1]
    return now.replace(year=year, month=month + 1, day=min(now.day, last_day))


_END = {
    "END_DATE": _end_date,
    "ABSOLUTE": lambda value, _now: datetime.fromtimestamp(value, timezone.utc),
    "DAYS": lambda value, now: now + timedelta(days=value),
    "MONTHS": lambda value, now: _add_months(now, value),
    "YEARS": lambda value, now: _add_months(now, 12 * value),
}
