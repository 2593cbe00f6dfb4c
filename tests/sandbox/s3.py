# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""S3: moto's, but a bucket tells that it tells EventBridge, and does so in AWS's words."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.s3 import notifications
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

from . import events

REASONS = {"Put": "PutObject", "Copy": "CopyObject", "CompleteMultipartUpload": "CompleteMultipartUpload"}
"""What an event calls the operation that wrote the object."""
_serialized = S3Response.serialized


def _with_eventbridge(response: S3Response, result: ActionResult) -> Any:
    """Replaces moto's method, whose reply to GetBucketNotificationConfiguration says nothing of EventBridge."""
    if response.data.get("Action") == "GetBucketNotificationConfiguration":
        held = response.backend.get_bucket_notification_configuration(response.bucket_name)
        if held is not None and held.event_bridge is not None:
            result = ActionResult({**vars(result)["_result"], "EventBridgeConfiguration": {}})
    return _serialized(response, result)


def _tell_eventbridge(account_id: str, bucket: FakeBucket, event_name: str, key: Any) -> None:
    """Replaces moto's function, which names another reason than AWS and hides its own failures."""
    operation = event_name.partition(":")[2].partition(":")[2]
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": {"key": key.name, "size": key.size, "etag": key.etag.strip('"'), "sequencer": "617f08299329d189"},
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": account_id,
        "reason": REASONS.get(operation, "DeleteObject"),
    }
    detail_type = notifications._detail_type(event_name)
    events.publish(events.event(detail_type, "aws.s3", bucket.region_name, [bucket.arn], detail))


def install() -> None:
    """Put our functions in the place of moto's."""
    S3Response.serialized = _with_eventbridge  # type: ignore[method-assign]
    notifications._send_event_bridge_message = _tell_eventbridge
