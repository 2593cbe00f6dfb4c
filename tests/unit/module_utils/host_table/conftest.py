# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

TABLE = "certificates"


def one_at_a_time(dynamodb: Any) -> None:
    """Send the client's calls one after the other: moto's DynamoDB is not made for threads."""
    lock = threading.RLock()
    send = dynamodb._make_api_call

    def locked(*call: Any) -> Any:
        with lock:
            return send(*call)

    dynamodb._make_api_call = locked


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of moto's DynamoDB, with an empty host table."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1", config=Config(retries={"max_attempts": 0}))
        client.create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": "hostID", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "hostID", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        one_at_a_time(client)
        yield client


@pytest.fixture
def calls(dynamodb: Any) -> list[str]:
    """The operations that were called, as they are called."""
    made: list[str] = []
    dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: made.append(model.name))
    return made
