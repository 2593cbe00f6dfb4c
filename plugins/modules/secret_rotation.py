#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_rotation
short_description: Have AWS Secrets Manager rotate a secret on a schedule
version_added: 0.1.0
description:
  - Sets which Lambda function rotates a secret, how often, and in which window of time; or turns rotation off.
  - The secret and the function must exist, and the function's policy must let C(secretsmanager.amazonaws.com) invoke it.
options:
  secret_id:
    description: Name or ARN of the secret.
    type: str
    required: true
  state:
    description:
      - V(present) has the secret rotate.
      - V(absent) turns its rotation off, if it exists. AWS remembers function and schedule.
    type: str
    choices: [present, absent]
    default: present
  rotation_lambda_arn:
    description:
      - ARN of the Lambda function that rotates the secret.
      - When it is not given, it is left as it is.
    type: str
  schedule_expression:
    description:
      - When to rotate, in UTC, such as C(rate(10 days)), C(rate(12 hours)) or C(cron(0 16 1,15 * ? *)).
      - At most every four hours. In C(cron()) the minutes must be 0 and the year C(*).
      - When neither this nor O(automatically_after_days) is given, the schedule is left as it is.
    type: str
  automatically_after_days:
    description: After how many days to rotate, 1 to 1000, counted from the last rotation.
    type: int
  duration:
    description:
      - Length of the window in which the rotation takes place, such as V(3h). It must not reach into the next UTC day.
      - When it is not given, it is left as it is; without one the window ends with the day, or after an hour when the
        schedule is in hours.
    type: str
  rotate_immediately:
    description:
      - Whether a change of function or schedule begins with a rotation. It takes place while the module has long ended.
      - Otherwise AWS runs only the function's step C(testSecret), to see that it works.
    type: bool
    default: true
seealso:
  - module: certwright.aws.waf_origin_secret
  - module: community.aws.secretsmanager_secret
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Rotate on the first and fifteenth of the month, between four and seven in the afternoon UTC
  certwright.aws.secret_rotation:
    secret_id: origin/www
    rotation_lambda_arn: arn:aws:lambda:eu-west-1:123456789012:function:rotate-origin-www
    schedule_expression: cron(0 16 1,15 * ? *)
    duration: 3h
    rotate_immediately: false

- name: Rotate every ninety days
  certwright.aws.secret_rotation:
    secret_id: origin/www
    automatically_after_days: 90

- name: Rotate no more
  certwright.aws.secret_rotation:
    secret_id: origin/www
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be in check mode; V(scheduled), V(unscheduled) or V(kept).
  returned: success
  type: str
  sample: scheduled
reason:
  description: Why.
  returned: success
  type: str
  sample: the schedule differed
rotation:
  description: How the secret rotates now, or would in check mode.
  returned: success
  type: dict
  contains:
    enabled:
      description: Whether it rotates by itself.
      returned: always
      type: bool
      sample: true
    rotation_lambda_arn:
      description: ARN of the function; V(null) when it never had one.
      returned: always
      type: str
      sample: arn:aws:lambda:eu-west-1:123456789012:function:rotate-origin-www
    schedule_expression:
      description: The schedule; V(null) where it is given in days.
      returned: always
      type: str
      sample: cron(0 16 1,15 * ? *)
    automatically_after_days:
      description: The schedule in days; V(null) where it is given by an expression.
      returned: always
      type: int
      sample: 90
    duration:
      description: Length of the window; V(null) for AWS's default.
      returned: always
      type: str
      sample: 3h
next_rotation_date:
  description: The time by which AWS means to have rotated next, ISO 8601 in UTC; V(null) where it does not say.
  returned: success
  type: str
  sample: "2026-01-31T23:59:59Z"
"""

from datetime import timezone

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.secretsmanager.schedule import (
    ScheduleChange,
    ScheduleWish,
    ensure_scheduled,
    ensure_unscheduled,
)

WISH = {
    "rotation_lambda_arn": {"type": "str"},
    "schedule_expression": {"type": "str"},
    "automatically_after_days": {"type": "int"},
    "duration": {"type": "str"},
}
ARGUMENT_SPEC = {
    "secret_id": {"type": "str", "required": True, "no_log": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "rotate_immediately": {"type": "bool", "default": True},
    **WISH,
}


def do(module: CertwrightModule) -> None:
    """Set or end the rotation and say what changed."""
    options, client = module.params, module.client("secretsmanager")
    if options["state"] == "absent":
        change = ensure_unscheduled(client, options["secret_id"], check_mode=module.check_mode)
    else:
        change = ensure_scheduled(
            client,
            options["secret_id"],
            ScheduleWish(**{name: options[name] for name in WISH}),
            rotate_immediately=options["rotate_immediately"],
            check_mode=module.check_mode,
        )
    module.exit_json(**_result(change))


def _result(change: ScheduleChange) -> dict:
    action = "kept"
    if change.changed:
        action = "scheduled" if change.after.enabled else "unscheduled"
    next_date = change.next_rotation
    return {
        "changed": change.changed,
        "action": action,
        "reason": change.reason,
        "rotation": vars(change.after),
        "next_rotation_date": next_date.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if next_date else None,
        "diff": {"before": vars(change.before), "after": vars(change.after)},
    }


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        requires_cryptography=False,
        mutually_exclusive=[("schedule_expression", "automatically_after_days")],
    )


if __name__ == "__main__":
    main()
