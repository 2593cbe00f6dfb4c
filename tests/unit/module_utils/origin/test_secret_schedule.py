# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schedule of a secret's rotation, with a Secrets Manager in memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.secretsmanager.schedule import (
    ScheduleWish,
    ensure_scheduled,
    ensure_unscheduled,
)
from tests.unit.module_utils.origin.fakes import METAS

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:rotate"


class Secret:
    """A client of a Secrets Manager that holds one secret."""

    meta = METAS["secretsmanager"]

    def __init__(self) -> None:
        self.described = {"Name": "s", "ARN": "arn"}
        self.writes = []

    def describe_secret(self, SecretId):
        return self.described

    def rotate_secret(self, SecretId, RotateImmediately, RotationLambdaARN, RotationRules):
        self.writes.append(RotateImmediately)
        days = {"AutomaticallyAfterDays": 10} if "ScheduleExpression" in RotationRules else {}
        self.described |= {
            "RotationEnabled": True,
            "RotationLambdaARN": RotationLambdaARN,
            "RotationRules": {**RotationRules, **days},  # AWS tells days for an expression too
        }

    def cancel_rotate_secret(self, SecretId):
        self.writes.append("cancelled")
        self.described["RotationEnabled"] = False


def schedule(secret, *, check_mode=False, **wish):
    return ensure_scheduled(secret, "s", ScheduleWish(**wish), rotate_immediately=False, check_mode=check_mode)


def test_one_schedule_replaces_the_other_and_the_rest_stays():
    secret = Secret()
    wish = {"rotation_lambda_arn": FUNCTION, "schedule_expression": "rate(10 days)", "duration": "2h"}
    assert schedule(secret, check_mode=True, **wish).changed
    assert secret.writes == []
    assert schedule(secret, **wish).reason == "it did not rotate"
    assert not schedule(secret, **wish).changed
    assert not schedule(secret).changed
    changed = schedule(secret, automatically_after_days=30)
    assert changed.reason == "the schedule differed"
    assert changed.after.rules() == {"AutomaticallyAfterDays": 30, "Duration": "2h"}
    assert changed.after.rotation_lambda_arn == FUNCTION
    assert secret.writes == [False, False]


def test_rotation_is_turned_off_once_and_its_schedule_remembered():
    secret = Secret()
    schedule(secret, rotation_lambda_arn=FUNCTION, automatically_after_days=5)
    assert ensure_unscheduled(secret, "s", check_mode=True).changed
    assert ensure_unscheduled(secret, "s", check_mode=False).changed
    assert not ensure_unscheduled(secret, "s", check_mode=False).changed
    assert secret.writes == [False, "cancelled"]
    assert schedule(secret).after.automatically_after_days == 5
    secret.described["DeletedDate"] = 1
    assert ensure_unscheduled(secret, "s", check_mode=False).reason == "the secret does not exist"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({}, "has no rotation function"),
        ({"rotation_lambda_arn": FUNCTION}, "has no schedule"),
        ({"schedule_expression": "rate(3 hours)"}, "every 4 hours at most"),
        ({"schedule_expression": "rate(1 days)"}, "the unit does not fit"),
        ({"schedule_expression": "rate(10 day)"}, "the unit does not fit"),
        ({"schedule_expression": "rate(1001 days)"}, "at most 1000 days"),
        ({"schedule_expression": "cron(5 16 * * ? *)"}, "the minutes must be 0"),
        ({"schedule_expression": "cron(0 16 * * ? 2026)"}, "the year"),
        ({"schedule_expression": "cron(0 16 1 * 1 *)"}, "one of the two fields for days"),
        ({"schedule_expression": "cron(0 16 ? * ? *)"}, "one of the two fields for days"),
        ({"schedule_expression": "every day"}, "neither like rate"),
        ({"automatically_after_days": 0}, "must be 1 to 1000"),
        ({"duration": "3 h"}, "write it like 3h"),
    ],
)
def test_bad_schedules(wish, message):
    secret = Secret()
    with pytest.raises(InputError, match=message):
        schedule(secret, **wish)
    assert secret.writes == []


@given(st.integers(4, 1000), st.sampled_from(["hours", "days"]))
def test_rates_are_taken(number, unit):
    ScheduleWish(schedule_expression=f"rate({number} {unit})").check()
