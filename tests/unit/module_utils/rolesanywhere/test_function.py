# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the function does with S3's event: bring the CRL, and tell the topic when it could not."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from ansible_collections.certwright.aws.plugins.module_utils.errors import AwsError
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.flows import Wanted, ensure_trust_anchor
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.function import Settings, bring_published_crl
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.transformations import source_of
from tests import pki

from .conftest import CREDENTIALS

KEY = "crl/ca.crl"
EVENT = {"detail": {"bucket": {"name": "crls"}, "object": {"key": KEY}}}


class Account:
    """A bucket, a trust anchor, and a topic whose messages can be read."""

    def __init__(self, client: Any, authority: pki.Entity) -> None:
        self.clients = {name: boto3.client(name, **CREDENTIALS) for name in ("s3", "sns", "sqs")}
        self.clients["rolesanywhere"] = client
        self.clients["s3"].create_bucket(Bucket="crls")
        wanted = Wanted(name="fleet", members={"source": source_of(None, authority.pem)})
        anchor = ensure_trust_anchor(client, wanted, check_mode=False).after
        assert anchor
        self.settings = Settings(anchor["trust_anchor_arn"], "certwright", self._topic())

    def _topic(self) -> str:
        topic: str = self.clients["sns"].create_topic(Name="failures")["TopicArn"]
        self._queue = self.clients["sqs"].create_queue(QueueName="failures")["QueueUrl"]
        attributes = self.clients["sqs"].get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        self.clients["sns"].subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])
        return topic

    def publish(self, body: bytes) -> dict[str, str]:
        self.clients["s3"].put_object(Bucket="crls", Key=KEY, Body=body)
        return self.bring()

    def bring(self) -> dict[str, str]:
        return bring_published_crl(EVENT, self.settings, self.clients.__getitem__)

    def told(self) -> list[dict[str, str]]:
        messages = self.clients["sqs"].receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def account(client: Any, authority: pki.Entity) -> Account:
    return Account(client, authority)


def test_each_list_takes_the_place_of_the_former(account: Account, authority: pki.Entity) -> None:
    first, second = authority.crl(der=True), authority.crl([7], der=True)
    assert account.publish(first) == {"action": "created", "reason": "does not exist"}
    assert account.publish(second) == {"action": "updated", "reason": "differs in crlData"}
    assert account.bring()["action"] == "kept"
    assert len(account.clients["rolesanywhere"].list_crls()["crls"]) == 1
    assert account.told() == []


def test_a_list_that_was_disabled_stays_disabled(account: Account, authority: pki.Entity) -> None:
    account.publish(authority.crl(der=True))
    (crl,) = account.clients["rolesanywhere"].list_crls()["crls"]
    account.clients["rolesanywhere"].disable_crl(crlId=crl["crlId"])
    account.publish(authority.crl([7], der=True))
    (crl,) = account.clients["rolesanywhere"].list_crls()["crls"]
    assert crl["enabled"] is False


def test_what_went_wrong_is_told_once_with_what_to_do(account: Account) -> None:
    done = account.publish(pki.authority("Another CA").crl(der=True))
    assert done["action"] == "failed"
    (message,) = account.told()
    assert message["Subject"] == "A revocation list did not reach IAM Roles Anywhere"
    assert "s3://crls/crl/ca.crl was not brought to trust anchor arn:" in message["Message"]
    assert "not signed by a certificate authority of the trust anchor" in message["Message"]
    assert "certwright.aws.sync_crl" in message["Message"]


def test_lambda_tries_again_when_nobody_could_be_told(account: Account) -> None:
    account.settings = Settings(account.settings.trust_anchor_arn, "certwright", account.settings.topic_arn + "x")
    with pytest.raises(AwsError, match="Publish failed"):
        account.publish(b"no list")
