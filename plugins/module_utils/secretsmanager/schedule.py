# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rotation schedule of a secret: by which function, how often, in which window."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from . import api

if TYPE_CHECKING:
    from botocore.client import BaseClient

MIN_HOURS = 4
MAX_DAYS = 1000

_RATE = re.compile(r"rate\((?P<number>[1-9]\d*) (?P<unit>hour|hours|day|days)\)")
_CRON = re.compile(r"cron\((?P<minutes>\S+) \S+ (?P<day>\S+) \S+ (?P<weekday>\S+) (?P<year>\S+)\)")
_DURATION = re.compile(r"[1-9]\d?h")


@dataclass(frozen=True)
class ScheduleWish:
    """How a secret should rotate. What is None is left as it is; one of the two schedules replaces the other."""

    rotation_lambda_arn: str | None = None
    schedule_expression: str | None = None
    automatically_after_days: int | None = None
    duration: str | None = None

    def check(self) -> None:
        """Refuse a schedule that Secrets Manager does not take.

        :raises InputError: with what would be right
        """
        if self.automatically_after_days is not None and not 1 <= self.automatically_after_days <= MAX_DAYS:
            raise InputError(f"automatically_after_days must be 1 to {MAX_DAYS}")
        if self.duration is not None and not _DURATION.fullmatch(self.duration):
            raise InputError(f"duration {self.duration!r} is not a number of hours: write it like 3h")
        if self.schedule_expression is not None:
            _check_expression(self.schedule_expression)


@dataclass(frozen=True)
class Schedule:
    """How a secret rotates. ``automatically_after_days`` is None where an expression is the schedule."""

    enabled: bool
    rotation_lambda_arn: str | None
    schedule_expression: str | None
    automatically_after_days: int | None
    duration: str | None

    @classmethod
    def of(cls, described: dict[str, Any]) -> Schedule:
        """The schedule that DescribeSecret tells."""
        rules = described.get("RotationRules", {})
        expression = rules.get("ScheduleExpression")
        return cls(
            enabled=bool(described.get("RotationEnabled")),
            rotation_lambda_arn=described.get("RotationLambdaARN"),
            schedule_expression=expression,
            # AWS calculates this from an expression too.
            automatically_after_days=None if expression else rules.get("AutomaticallyAfterDays"),
            duration=rules.get("Duration"),
        )

    def rules(self) -> dict[str, Any]:
        """The schedule as RotateSecret takes it."""
        rules = {
            "ScheduleExpression": self.schedule_expression,
            "AutomaticallyAfterDays": self.automatically_after_days,
            "Duration": self.duration,
        }
        return {name: value for name, value in rules.items() if value is not None}


NEVER = Schedule(False, None, None, None, None)
"""The schedule of a secret that was never told to rotate."""


@dataclass(frozen=True)
class ScheduleChange:
    """A schedule before and after; ``next_rotation`` is AWS's estimate, None where it has none."""

    before: Schedule
    after: Schedule
    reason: str
    next_rotation: datetime | None

    @property
    def changed(self) -> bool:
        return self.before != self.after


def ensure_scheduled(
    client: BaseClient, secret_id: str, wish: ScheduleWish, *, rotate_immediately: bool, check_mode: bool
) -> ScheduleChange:
    """Have a secret rotate as is wanted.

    :param rotate_immediately: whether a changed schedule begins with a rotation; otherwise AWS runs the function's
        step testSecret once
    :raises InputError: there is no such secret, or no schedule or function
    :raises AwsError: AWS refused
    """
    wish.check()
    described = _described(client, secret_id)
    before = Schedule.of(described)
    after = _merged(before, wish)
    if not after.rotation_lambda_arn:
        raise InputError(f"secret {secret_id} has no rotation function: give rotation_lambda_arn")
    if not (after.schedule_expression or after.automatically_after_days):
        raise InputError(f"secret {secret_id} has no schedule: give schedule_expression or automatically_after_days")
    if before == after:
        return ScheduleChange(before, after, "it rotates as it should", described.get("NextRotationDate"))
    if not check_mode:
        api.rotate_secret(
            client,
            secret_id,
            RotationLambdaARN=after.rotation_lambda_arn,
            RotationRules=after.rules(),
            RotateImmediately=rotate_immediately,
        )
        described = _described(client, secret_id)
    reason = "the schedule differed" if before.enabled else "it did not rotate"
    return ScheduleChange(before, after, reason, described.get("NextRotationDate"))


def ensure_unscheduled(client: BaseClient, secret_id: str, *, check_mode: bool) -> ScheduleChange:
    """Have a secret not rotate by itself. AWS remembers its schedule.

    :raises AwsError: AWS refused
    """
    described = api.describe_secret(client, secret_id)
    if described is None or "DeletedDate" in described:
        return ScheduleChange(NEVER, NEVER, "the secret does not exist", None)
    before = Schedule.of(described)
    after = replace(before, enabled=False)
    if before.enabled and not check_mode:
        api.cancel_rotate_secret(client, secret_id)
    return ScheduleChange(before, after, "it rotated" if before.enabled else "it does not rotate", None)


def _described(client: BaseClient, secret_id: str) -> dict[str, Any]:
    described = api.describe_secret(client, secret_id)
    if described is None:
        raise InputError(f"secret {secret_id} does not exist")
    return described


def _merged(before: Schedule, wish: ScheduleWish) -> Schedule:
    expression, days = wish.schedule_expression, wish.automatically_after_days
    if expression is None and days is None:
        expression, days = before.schedule_expression, before.automatically_after_days
    return Schedule(
        enabled=True,
        rotation_lambda_arn=wish.rotation_lambda_arn or before.rotation_lambda_arn,
        schedule_expression=expression,
        automatically_after_days=days,
        duration=wish.duration or before.duration,
    )


def _check_expression(expression: str) -> None:
    rate, cron = _RATE.fullmatch(expression), _CRON.fullmatch(expression)
    if rate:
        number, hours = int(rate["number"]), rate["unit"].startswith("hour")
        if (number == 1) == rate["unit"].endswith("s"):
            raise InputError(f"schedule_expression {expression!r}: the unit does not fit the number")
        if hours and number < MIN_HOURS:
            raise InputError(f"schedule_expression {expression!r}: a secret rotates every {MIN_HOURS} hours at most")
        if not hours and number > MAX_DAYS:
            raise InputError(f"schedule_expression {expression!r}: at most {MAX_DAYS} days")
    elif cron:
        if (cron["minutes"], cron["year"]) != ("0", "*"):
            raise InputError(f"schedule_expression {expression!r}: the minutes must be 0 and the year *")
        if (cron["day"] == "?") == (cron["weekday"] == "?"):
            raise InputError(f"schedule_expression {expression!r}: one of the two fields for days must be ?")
    else:
        raise InputError(
            f"schedule_expression {expression!r} is neither like rate(10 days) nor like cron(0 16 1,15 * ? *), "
            "with six fields, in UTC"
        )
