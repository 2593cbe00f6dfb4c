# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way in which the core calls AWS: client settings, a call with its error translated, paging.

The thin functions of each ``api.py`` go through :func:`call` and :func:`pages`. Retries are botocore's, but for what it does
not know to pass by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .errors import AwsError

try:
    from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule reports a missing boto3; a Lambda runtime always has it

if TYPE_CHECKING:
    from botocore.client import BaseClient


CONCURRENT_UPDATES = "TooManyUpdates"
"""Systems Manager's answer while somebody else updates the same resource; botocore does not try again."""

CONCURRENT_UPDATES_PAUSES_S = (0.5, 1, 2, 4, 8)


def client_config() -> Config:
    """Settings of every client of the collection, in modules and in Lambda functions.

    ``adaptive`` makes botocore slow down by itself when AWS throttles; the pool is as wide as the scheduler.
    """
    return Config(
        retries={"mode": "adaptive", "max_attempts": 8}, connect_timeout=10, read_timeout=60, max_pool_connections=32
    )


def call(client: BaseClient, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call one operation and return its response.

    :param operation: the name of the client's method, for example ``issue_certificate``
    :param parameters: the request; members whose value is None are left out
    :raises AwsError: whatever way the call failed
    """
    request = {name: value for name, value in parameters.items() if value is not None}
    pauses = iter(CONCURRENT_UPDATES_PAUSES_S)
    while True:
        try:
            return getattr(client, operation)(**request)
        except (ClientError, BotoCoreError) as error:
            refusal = translated(error, client.meta.method_to_api_mapping[operation])
            pause_s = next(pauses, None) if refusal.code == CONCURRENT_UPDATES else None
            if pause_s is None:
                raise refusal from error
        time.sleep(pause_s)


def pages(client: BaseClient, operation: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Yield each page of an operation that botocore can page through.

    :raises AwsError: whatever way a call failed
    """
    request = {name: value for name, value in parameters.items() if value is not None}
    try:
        yield from client.get_paginator(operation).paginate(**request)
    except (ClientError, BotoCoreError) as error:
        raise translated(error, client.meta.method_to_api_mapping[operation]) from error


def translated(error: Exception, operation: str) -> AwsError:
    """Turn botocore's exception into ours, with AWS's code and the operation."""
    if isinstance(error, ClientError):
        reply = error.response.get("Error", {})
        detail = reply.get("Message", "") or "AWS gave no message"
        return AwsError(operation, reply.get("Code", "Unknown"), detail, error.response)
    return AwsError(operation, type(error).__name__, str(error))


def to_dynamodb(value: Any) -> dict[str, Any]:
    """A plain value in the form in which DynamoDB's low-level client takes it, for example ``{"S": "text"}``."""
    attribute: Any = TypeSerializer().serialize(value)
    return attribute


def from_dynamodb(attribute: Any) -> Any:
    """The plain value of an attribute as DynamoDB's low-level client gives it. Numbers come as ``decimal.Decimal``."""
    return TypeDeserializer().deserialize(attribute)
