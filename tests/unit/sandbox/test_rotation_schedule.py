# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotation schedules: what Secrets Manager accepts, and the windows that follow."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from tests.sandbox.errors import Refused
from tests.sandbox.rotation_schedule import as_held, check, next_window


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"Duration": "3h"},
        {"AutomaticallyAfterDays": 0},
        {"AutomaticallyAfterDays": 1001},
        {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"},
        {"ScheduleExpression": "rate(3 hours)"},
        {"ScheduleExpression": "rate(1 days)"},
        {"ScheduleExpression": "rate(10 minutes)"},
        {"ScheduleExpression": "cron(5 8 * * ? *)"},
        {"ScheduleExpression": "cron(0 8 * * ? 2030)"},
        {"ScheduleExpression": "cron(0 8 1 * MON *)"},
        {"ScheduleExpression": "cron(0 8 ? * ? *)"},
        {"ScheduleExpression": "cron(0 /2 * * ? *)"},
        {"ScheduleExpression": "cron(0 25 * * ? *)"},
        {"ScheduleExpression": "cron(0 8 * *)"},
        {"ScheduleExpression": "cron(0 20 * * ? *)", "Duration": "5h"},
        {"ScheduleExpression": "rate(4 hours)", "Duration": "5h"},
        {"ScheduleExpression": "rate(4 days)", "Duration": "25h"},
        {"ScheduleExpression": "rate(4 days)", "Duration": "3"},
    ],
)
def test_what_is_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        check(rules)


@pytest.mark.parametrize(
    ("rules", "start", "end"),
    [
        ({"AutomaticallyAfterDays": 30}, "2026-03-31T00:00", "2026-03-31T23:59:59"),
        ({"ScheduleExpression": "rate(10 days)", "Duration": "2h"}, "2026-03-11T00:00", "2026-03-11T02:00"),
        ({"ScheduleExpression": "rate(6 hours)"}, "2026-03-01T12:00", "2026-03-01T13:00"),
        ({"ScheduleExpression": "cron(0 /8 * * ? *)"}, "2026-03-01T16:00", "2026-03-01T17:00"),
        ({"ScheduleExpression": "cron(0 8 1 * ? *)"}, "2026-04-01T08:00", "2026-04-01T23:59:59"),
        ({"ScheduleExpression": "cron(0 8 L * ? *)"}, "2026-03-31T08:00", "2026-03-31T23:59:59"),
        ({"ScheduleExpression": "cron(0 8 ? * MON-FRI *)"}, "2026-03-02T08:00", "2026-03-02T23:59:59"),
        ({"ScheduleExpression": "cron(0 8 ? JUN 2#2 *)", "Duration": "4h"}, "2026-06-08T08:00", "2026-06-08T12:00"),
        ({"ScheduleExpression": "cron(0 8 ? * SUNL *)"}, "2026-03-29T08:00", "2026-03-29T23:59:59"),
    ],
)
def test_the_next_window(rules: dict[str, Any], start: str, end: str) -> None:
    check(rules)
    window = next_window(rules, at("2026-03-01T10:00"))
    assert (window.start, window.end) == (at(start), at(end))


def test_the_number_of_days_is_told_for_a_rate_in_days() -> None:
    rules = {"ScheduleExpression": "rate(10 days)"}
    assert as_held(rules) == {"AutomaticallyAfterDays": 10, **rules}
    assert as_held({"ScheduleExpression": "rate(6 hours)"}) == {"ScheduleExpression": "rate(6 hours)"}
