# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bucket's notifications to EventBridge are switched, and its others stay as they were."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.s3.notifications import SWITCH, ensure_eventbridge
from tests.sandbox import s3 as sandbox_s3

OTHERS = {
    "QueueConfigurations": [
        {
            "Id": "backup",
            "QueueArn": "arn:aws:sqs:us-east-1:123456789012:backup",
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "crl/"}]}},
        }
    ]
}


def configuration(s3: Any) -> dict[str, Any]:
    reply = s3.get_bucket_notification_configuration(Bucket="crls")
    return {name: value for name, value in reply.items() if name != "ResponseMetadata"}


@mock_aws
def test_other_notifications_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    sandbox_s3.install()
    s3 = boto3.client("s3", "us-east-1", aws_access_key_id="A" * 20, aws_secret_access_key="s")
    with pytest.raises(InputError, match="bucket 'crls' does not exist"):
        ensure_eventbridge(s3, "crls", True, check_mode=True)
    s3.create_bucket(Bucket="crls")
    s3.put_bucket_notification_configuration(Bucket="crls", NotificationConfiguration=OTHERS)
    assert ensure_eventbridge(s3, "crls", True, check_mode=True) is False
    assert configuration(s3) == OTHERS
    assert ensure_eventbridge(s3, "crls", True, check_mode=False) is False
    assert configuration(s3) == {**OTHERS, SWITCH: {}}
    assert ensure_eventbridge(s3, "crls", False, check_mode=False) is True
    assert configuration(s3) == OTHERS
