# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotation schedules of Secrets Manager: which are acceptable, and when the next rotation window is.

All times are UTC. A schedule is given in days, as ``rate()`` or as ``cron()``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from .errors import Refused

SHORTEST_INTERVAL_H = 4
MOST_DAYS = 1000
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_RATE = re.compile(r"rate\((\d+) (hours?|days?)\)\Z")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)\Z")


@dataclass(frozen=True)
class Window:
    """The time in which one rotation takes place."""

    start: datetime
    end: datetime


def _invalid(message: str) -> Refused:
    return Refused("InvalidParameterException", f"RotationRules: {message}")


def check(rules: Mapping[str, Any]) -> None:
    """Refuse rules that Secrets Manager does not accept.

    :raises Refused: InvalidParameterException
    """
    if ("AutomaticallyAfterDays" in rules) == ("ScheduleExpression" in rules):
        raise _invalid("exactly one of AutomaticallyAfterDays and ScheduleExpression is needed.")
    days = rules.get("AutomaticallyAfterDays", 1)
    if not 1 <= days <= MOST_DAYS:
        raise _invalid(f"AutomaticallyAfterDays must be within 1-{MOST_DAYS}.")
    duration = rules.get("Duration")
    if duration is not None and not re.fullmatch(r"[1-9][0-9]?h", duration):
        raise _invalid("Duration must be hours, for example 3h.")
    hours = _start_hours(rules)
    gaps = [(later - earlier) % 24 or 24 for earlier, later in zip(hours, [*hours[1:], hours[0]], strict=True)]
    if min(gaps) < SHORTEST_INTERVAL_H:
        raise _invalid(f"a secret can be rotated every {SHORTEST_INTERVAL_H} hours at most.")
    if duration and (int(duration[:-1]) > min(gaps) or max(hours) + int(duration[:-1]) > 24):
        raise _invalid("the window must not extend into the next window or the next UTC day.")


def as_held(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Rules as DescribeSecret tells them: with the number of days, also where they were given otherwise."""
    matched = _RATE.match(rules.get("ScheduleExpression", ""))
    if matched and matched[2].startswith("day"):
        return {"AutomaticallyAfterDays": int(matched[1]), **rules}
    return dict(rules)


def next_window(rules: Mapping[str, Any], after: datetime) -> Window:
    """The first window that opens after a time."""
    hours = _start_hours(rules)
    midnight = after.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    interval = _interval_days(rules)
    if interval:
        start = midnight + timedelta(days=interval)
        return Window(start, _end(start, rules, daily=True))
    for day in range(366 * 4):
        date = midnight + timedelta(days=day)
        for hour in hours:
            start = date + timedelta(hours=hour)
            if start > after and _day_matches(rules, date):
                return Window(start, _end(start, rules, daily=len(hours) == 1))
    raise _invalid("the schedule has no next date.")


def _end(start: datetime, rules: Mapping[str, Any], daily: bool) -> datetime:
    if "Duration" in rules:
        return start + timedelta(hours=int(rules["Duration"][:-1]))
    if daily:
        return start.replace(hour=23, minute=59, second=59)
    return start + timedelta(hours=1)


def _interval_days(rules: Mapping[str, Any]) -> int | None:
    """Days between rotations, for schedules that count them."""
    if "AutomaticallyAfterDays" in rules:
        return int(rules["AutomaticallyAfterDays"])
    matched = _RATE.match(rules["ScheduleExpression"])
    return int(matched[1]) if matched and matched[2].startswith("day") else None


def _start_hours(rules: Mapping[str, Any]) -> list[int]:
    """Hours of a day at which windows open."""
    if "AutomaticallyAfterDays" in rules:
        return [0]
    expression = rules["ScheduleExpression"]
    rate = _RATE.match(expression)
    if rate:
        count, unit = int(rate[1]), rate[2]
        if count < 1 or unit.endswith("s") == (count == 1):
            raise _invalid(f"{expression}: the unit does not fit the number.")
        if unit.startswith("day"):
            if count > MOST_DAYS:
                raise _invalid(f"{expression}: at most {MOST_DAYS} days.")
            return [0]
        if count < SHORTEST_INTERVAL_H:
            raise _invalid(f"a secret can be rotated every {SHORTEST_INTERVAL_H} hours at most.")
        return list(range(0, 24, count))
    cron = _CRON.match(expression)
    if not cron:
        raise _invalid(f"{expression} is neither rate() nor cron() with six fields.")
    minute, hour, day, _month, weekday, year = cron.groups()
    if minute != "0" or year != "*":
        raise _invalid(f"{expression}: the minutes must be 0 and the year *.")
    if (day == "?") == (weekday == "?"):
        raise _invalid(f"{expression}: exactly one of day-of-month and day-of-week must be ?.")
    return sorted(_values(hour, 0, 23))


def _day_matches(rules: Mapping[str, Any], date: datetime) -> bool:
    cron = _CRON.match(rules["ScheduleExpression"])
    if not cron:
        return True
    _minute, _hour, day, month, weekday, _year = cron.groups()
    if date.month not in _values(month, 1, 12, _MONTHS):
        return False
    if weekday == "?":
        last = (date.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        return date.day == last.day if day == "L" else date.day in _values(day, 1, 31)
    today = date.isoweekday() % 7 + 1  # Sunday is 1
    if "#" in weekday:
        name, _hash, nth = weekday.partition("#")
        return today in _values(name, 1, 7, _WEEKDAYS) and (date.day - 1) // 7 + 1 == int(nth)
    if weekday.endswith("L"):
        return today in _values(weekday[:-1], 1, 7, _WEEKDAYS) and (date + timedelta(days=7)).month != date.month
    return today in _values(weekday, 1, 7, _WEEKDAYS)


def _values(text: str, low: int, high: int, names: list[str] | None = None) -> set[int]:
    """The numbers that a field of a cron expression stands for."""
    found: set[int] = set()
    for part in text.split(","):
        span, _slash, step = part.partition("/")
        first, _dash, last = span.partition("-")
        start = low if first in ("*", "") else _number(first, low, names)
        end = _number(last, low, names) if last else (high if step or first in ("*", "") else start)
        if not low <= start <= end <= high:
            raise _invalid(f"{text} is not between {low} and {high}.")
        found |= set(range(start, end + 1, int(step or 1)))
    return found


def _number(text: str, low: int, names: list[str] | None) -> int:
    if names and text.upper() in names:
        return names.index(text.upper()) + low
    if not text.isdigit():
        raise _invalid(f"{text} is not a number.")
    return int(text)
