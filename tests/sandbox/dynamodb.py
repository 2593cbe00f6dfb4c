# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DynamoDB: moto's, one request at a time, with transactions that are whole, idempotent and cheap.

moto copies the whole table for every item of a transaction, and lets two requests interleave between the check of a
condition and the write that depends on it.
"""

from __future__ import annotations

import copy
import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_json_dump, dynamo_to_dict
from moto.dynamodb.responses import DynamoHandler

from . import calls, faults
from .errors import Refused

MAX_BATCH_WRITES = 25
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
TOKEN_VALID_S = 600
READS = ("BatchGetItem", "GetItem", "Query", "Scan")
Key = dict[str, Any]


class Backend(DynamoDBBackend):
    """moto's backend with transactions of its own."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.tokens: dict[str, tuple[float, str]] = {}

    @property
    def _url_module(self) -> ModuleType:
        return _urls

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        """Write all or nothing.

        :raises TransactionCanceledException: with a reason for each item, in order
        """
        if len(transact_items) > 100:
            raise TooManyTransactionsException
        if any(len(item) != 1 for item in transact_items):
            raise TransactWriteSingleOpException
        operations = [next(iter(item.items())) for item in transact_items]
        keys = [self._key(kind, operation) for kind, operation in operations]
        if len({_name(operation, key) for (_kind, operation), key in zip(operations, keys, strict=True)}) < len(keys):
            raise MultipleTransactionsException
        if faults.plan.take("dynamodb:TransactWriteItems", frozenset({"conflict"})):
            raise _conflict(len(operations))
        reasons = [self._refusal(operation, key) for (_kind, operation), key in zip(operations, keys, strict=True)]
        if any(code for code, _message, _item in reasons):
            raise TransactionCanceledException(reasons)
        with self._undone_on_error(operations, keys):
            for (kind, operation), key in zip(operations, keys, strict=True):
                self._write(kind, operation, key)

    def _key(self, kind: str, operation: Mapping[str, Any]) -> Key:
        if kind != "Put":
            return operation["Key"]
        table = self.get_table(operation["TableName"])
        return {name: operation["Item"][name] for name in table.table_key_attrs}

    def _refusal(self, operation: Mapping[str, Any], key: Key) -> tuple[Any, Any, Any]:
        """Why an item cannot be written: code, message and item as a cancellation reason has them, or Nones."""
        current = self.get_item(operation["TableName"], key)
        expression = operation.get("ConditionExpression")
        if expression is None:
            return None, None, None
        condition = get_filter_expression(
            expression, operation.get("ExpressionAttributeNames"), operation.get("ExpressionAttributeValues")
        )
        if condition.expr(current):
            return None, None, None
        shown = operation.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and current
        item = current.to_json()["Attributes"] if shown else None
        return "ConditionalCheckFailed", ConditionalCheckFailed().message, item

    def _write(self, kind: str, operation: Mapping[str, Any], key: Key) -> None:
        table_name = operation["TableName"]
        if kind == "Put":
            self.put_item(table_name, operation["Item"])
        elif kind == "Delete":
            self.delete_item(table_name, key)
        elif kind == "Update":
            self.update_item(
                table_name,
                key,
                update_expression=operation["UpdateExpression"],
                expression_attribute_names=operation.get("ExpressionAttributeNames", {}),
                expression_attribute_values=operation.get("ExpressionAttributeValues", {}),
            )

    @contextmanager
    def _undone_on_error(self, operations: Sequence[tuple[str, Any]], keys: Sequence[Key]) -> Iterator[None]:
        """Put every item back as it was if one cannot be written, for example for a wrong update expression."""
        before = [
            copy.deepcopy(self.get_item(operation["TableName"], key))
            for (_kind, operation), key in zip(operations, keys, strict=True)
        ]
        try:
            yield
        except Exception:
            for (_kind, operation), key, item in zip(operations, keys, before, strict=True):
                if item is None:
                    self.delete_item(operation["TableName"], key)
                else:
                    self.put_item(operation["TableName"], dynamo_to_dict(item.to_json()["Attributes"]))
            raise


class Handler(DynamoHandler):
    """Checks what moto's handler does not, and serves one request at a time, so that conditions hold."""

    _lock = threading.RLock()

    def call_action(self) -> Any:
        with self._lock:
            return super().call_action()

    def update_table(self) -> ActionResult:
        """As moto's, which forgets the key that is to encrypt the table."""
        if "SSESpecification" in self.body:
            table = self.dynamodb_backend.get_table(self.body["TableName"])
            table.sse_specification = self.body["SSESpecification"]
        return super().update_table()

    def serialized(self, action_result: ActionResult) -> Any:
        """The answer's body. Items are JSON in AWS's form already; moto would look up each member of each attribute of
        them, at 1.7 ms an item."""
        if self._get_action() not in READS or isinstance(action_result.result, Exception):
            return super().serialized(action_result)
        headers = {**self.response_headers, "Content-Type": "application/x-amz-json-1.0"}
        return 200, headers, dynamo_json_dump(action_result.result)

    def transact_write_items(self) -> ActionResult:
        token, request = self.body.get("ClientRequestToken"), json.dumps(self.body["TransactItems"], default=repr)
        if len(request) > MAX_TRANSACTION_BYTES:
            raise Refused("ValidationException", "Transaction request cannot exceed 4 MB.")
        tokens = self.dynamodb_backend.tokens
        used = tokens.get(token) if token else None
        if used and time.monotonic() < used[0] + TOKEN_VALID_S:
            if used[1] != request:
                raise Refused(
                    "IdempotentParameterMismatchException", "The client request token was used with other parameters."
                )
            return ActionResult({})
        result = super().transact_write_items()
        if token:
            tokens[token] = (time.monotonic(), request)
        return result

    def batch_write_item(self) -> ActionResult:
        requests = [
            (table_name, request)
            for table_name, table_requests in self.body["RequestItems"].items()
            for request in table_requests
        ]
        if not 1 <= len(requests) <= MAX_BATCH_WRITES:
            raise Refused("ValidationException", f"A batch has 1 to {MAX_BATCH_WRITES} requests, not {len(requests)}.")
        self._refuse_doubled(requests)
        served, left = _halves("dynamodb:BatchWriteItem", requests)
        self.body["RequestItems"] = _by_table(served)
        result = super().batch_write_item()
        result.result["UnprocessedItems"] = _by_table(left)  # type: ignore[index]
        return result

    def batch_get_item(self) -> ActionResult:
        asked = self.body["RequestItems"]
        keys = [(table_name, key) for table_name, request in asked.items() for key in request["Keys"]]
        served, left = _halves("dynamodb:BatchGetItem", keys)
        if not left:
            return super().batch_get_item()
        self.body["RequestItems"] = {name: {**asked[name], "Keys": some} for name, some in _by_table(served).items()}
        result = super().batch_get_item()
        unprocessed = {name: {**asked[name], "Keys": some} for name, some in _by_table(left).items()}
        result.result["UnprocessedKeys"] = unprocessed  # type: ignore[index]
        return result

    def _refuse_doubled(self, requests: Sequence[tuple[str, Any]]) -> None:
        seen = set()
        for table_name, request in requests:
            (member,) = request.values()
            item = member.get("Key") or member["Item"]
            key = {name: item.get(name) for name in self.dynamodb_backend.get_table(table_name).table_key_attrs}
            seen.add((table_name, json.dumps(key, sort_keys=True, default=repr)))
        if len(seen) < len(requests):
            raise Refused("ValidationException", "Provided list of item keys contains duplicates")


def install() -> None:
    dynamodb_backends.backend = Backend
    Table.describe = _described_with_id(Table.describe)
    calls.actions_on_resources["dynamodb"] = _actions_on_keys


def _actions_on_keys(region: str, operation: str, members: Mapping[str, Any]) -> list[str]:
    """What using the items of a table needs on a key that encrypts it.

    DynamoDB "caches the plaintext table keys for each caller", and has KMS decrypt them on the caller's behalf: "DynamoDB
    encryption at rest usage notes".
    """
    if not operation.endswith(("Item", "Items", "Query", "Scan")):
        return []
    parts = [part for element in members.get("TransactItems", []) for part in element.values()]
    named = {part["TableName"] for part in [members, *parts] if "TableName" in part} | {
        *members.get("RequestItems", {})
    }
    tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][region].tables
    encrypted = any(tables[name].sse_specification for name in named if name in tables)
    return ["kms:Decrypt"] if encrypted else []


def _described_with_id(describe: Any) -> Any:
    """DescribeTable with a TableId, which moto leaves out and amazon.aws asks for."""

    def describe_with_id(table: Table, base_key: str = "TableDescription") -> dict[str, Any]:
        description = describe(table, base_key)
        description[base_key]["TableId"] = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{table.table_arn}{table.created_at}"))
        return description

    return describe_with_id


def _name(operation: Mapping[str, Any], key: Key) -> tuple[str, str]:
    return operation["TableName"], json.dumps(key, sort_keys=True, default=repr)


def _conflict(count: int) -> TransactionCanceledException:
    """The refusal of a transaction whose first item another one is writing."""
    first = ("TransactionConflict", "Transaction is ongoing for the item", None)
    return TransactionCanceledException([first, *[(None, None, None)] * (count - 1)])


def _halves(operation: str, requests: list[Any]) -> tuple[list[Any], list[Any]]:
    """What of a batch is served, and what a planned fault leaves unprocessed."""
    if not faults.plan.take(operation, frozenset({"unprocessed"})):
        return requests, []
    middle = (len(requests) + 1) // 2
    return requests[:middle], requests[middle:]


def _by_table(requests: Sequence[tuple[str, Any]]) -> dict[str, list[Any]]:
    tables: dict[str, list[Any]] = {}
    for table_name, request in requests:
        tables.setdefault(table_name, []).append(request)
    return tables


_urls: Any = SimpleNamespace(
    url_bases=[r"https?://dynamodb\.(.+)\.amazonaws\.com"], url_paths={"{0}/": Handler.dispatch}
)
