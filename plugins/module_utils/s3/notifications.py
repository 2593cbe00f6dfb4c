# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a bucket tells EventBridge of its objects, beside whatever else it notifies.

community.aws.s3_bucket_notification knows queues, topics and functions, not EventBridge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..aws import call
from ..errors import AwsError, InputError

if TYPE_CHECKING:
    from botocore.client import BaseClient

SWITCH = "EventBridgeConfiguration"


def ensure_eventbridge(s3: BaseClient, bucket: str, enabled: bool, *, check_mode: bool) -> bool:
    """Have the bucket tell EventBridge, or not, and return whether it did before.

    :raises InputError: there is no such bucket
    :raises AwsError: AWS refused
    """
    configuration = _configuration(s3, bucket)
    before = SWITCH in configuration
    if before != enabled and not check_mode:
        others = {name: value for name, value in configuration.items() if name != SWITCH}
        call(
            s3,
            "put_bucket_notification_configuration",
            Bucket=bucket,
            NotificationConfiguration={**others, **({SWITCH: {}} if enabled else {})},
        )
    return before


def _configuration(s3: BaseClient, bucket: str) -> dict[str, Any]:
    try:
        reply = call(s3, "get_bucket_notification_configuration", Bucket=bucket)
    except AwsError as error:
        if error.code == "NoSuchBucket":
            raise InputError(f"bucket {bucket!r} does not exist: create it first") from error
        raise
    return {name: value for name, value in reply.items() if name != "ResponseMetadata"}
