# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DynamoDB in the sandbox: transactions, batches, and conditions among threads."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.sandbox.client import Sandbox

TABLE = "transactions"


@pytest.fixture(scope="session")
def table(sandbox: Sandbox) -> str:
    client = sandbox.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return TABLE


@pytest.fixture
def dynamodb(clean: Sandbox, table: str) -> Any:
    return clean.client("dynamodb", config=Config(retries={"total_max_attempts": 1}, max_pool_connections=16))


def put(item_id: str, **settings: Any) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": {"id": {"S": item_id}, "n": {"N": "1"}}, **settings}}


def add(item_id: str, expression: str = "ADD n :one", **settings: Any) -> dict[str, Any]:
    update = {"TableName": TABLE, "Key": {"id": {"S": item_id}}, "UpdateExpression": expression, **settings}
    return {"Update": {"ExpressionAttributeValues": {":one": {"N": "1"}}, **update}}


def value(dynamodb: Any, item_id: str) -> str | None:
    item = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": item_id}}, ConsistentRead=True).get("Item")
    return item["n"]["N"] if item else None


def refused(call: Any, **request: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response


def test_a_table_has_an_id_that_stays(dynamodb: Any) -> None:
    first, second = (dynamodb.describe_table(TableName=TABLE)["Table"]["TableId"] for _read in range(2))
    assert first == second


def test_a_transaction_writes_all_or_nothing_and_says_why_for_each_item(dynamodb: Any) -> None:
    dynamodb.transact_write_items(TransactItems=[put("a1"), put("a2")])
    new = {"ConditionExpression": "attribute_not_exists(id)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    items = [add("a1"), put("a2", **new), put("a3", **new)]
    response = refused(dynamodb.transact_write_items, TransactItems=items)
    assert response["Error"]["Code"] == "TransactionCanceledException"
    reasons = response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed", "None"]
    assert reasons[1]["Item"] == {"id": {"S": "a2"}, "n": {"N": "1"}}
    assert (value(dynamodb, "a1"), value(dynamodb, "a3")) == ("1", None)


def test_an_item_that_cannot_be_updated_undoes_the_others(dynamodb: Any) -> None:
    dynamodb.put_item(TableName=TABLE, Item={"id": {"S": "b1"}, "n": {"S": "text"}})
    response = refused(dynamodb.transact_write_items, TransactItems=[put("b2"), put("b3"), add("b1")])
    assert response["Error"]["Code"] in {"ValidationException", "TransactionCanceledException"}
    assert (value(dynamodb, "b2"), value(dynamodb, "b3")) == (None, None)


def test_a_token_makes_a_transaction_idempotent(dynamodb: Any) -> None:
    request = {"TransactItems": [add("c1")], "ClientRequestToken": "token-1"}
    for _attempt in range(3):
        dynamodb.transact_write_items(**request)
    assert value(dynamodb, "c1") == "1"
    response = refused(dynamodb.transact_write_items, **{**request, "TransactItems": [add("c2")]})
    assert response["Error"]["Code"] == "IdempotentParameterMismatchException"


def test_a_lost_reply_can_be_repeated_with_its_token(clean: Sandbox, dynamodb: Any) -> None:
    clean.control("POST", "/faults", {"kind": "reply_lost", "service": "dynamodb", "operation": "TransactWriteItems"})
    retrying = clean.client("dynamodb")
    retrying.transact_write_items(TransactItems=[add("d1")], ClientRequestToken="token-d")
    assert value(dynamodb, "d1") == "1"
    assert clean.calls()["dynamodb:TransactWriteItems"] == 2


def test_limits_of_transactions(clean: Sandbox, dynamodb: Any) -> None:
    many = [put(f"e{number}") for number in range(101)]
    assert refused(dynamodb.transact_write_items, TransactItems=many)["Error"]["Code"] == "ValidationException"
    twice = [put("e1"), add("e1")]
    assert refused(dynamodb.transact_write_items, TransactItems=twice)["Error"]["Code"] == "ValidationException"
    large = [
        {"Put": {"TableName": TABLE, "Item": {"id": {"S": f"e{n}"}, "x": {"S": "x" * 390_000}}}} for n in range(11)
    ]
    assert refused(dynamodb.transact_write_items, TransactItems=large)["Error"]["Code"] == "ValidationException"
    clean.control("POST", "/faults", {"kind": "conflict", "service": "dynamodb"})
    response = refused(dynamodb.transact_write_items, TransactItems=[put("e2"), put("e3")])
    assert [reason["Code"] for reason in response["CancellationReasons"]] == ["TransactionConflict", "None"]
    assert value(dynamodb, "e2") is None


def test_conditions_hold_among_threads(dynamodb: Any) -> None:
    dynamodb.put_item(TableName=TABLE, Item={"id": {"S": "f1"}, "n": {"N": "0"}})
    outcomes: list[str] = []

    def take() -> None:
        lease = add("f1", "SET holder = :one", ConditionExpression="attribute_not_exists(holder)")
        try:
            dynamodb.transact_write_items(TransactItems=[lease])
            outcomes.append("won")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=take) for _thread in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [*["TransactionCanceledException"] * 11, "won"]


def test_batches_have_their_limits(dynamodb: Any) -> None:
    def writes(*item_ids: str) -> dict[str, Any]:
        return {"RequestItems": {TABLE: [{"PutRequest": {"Item": {"id": {"S": one}}}} for one in item_ids]}}

    codes = [
        refused(dynamodb.batch_write_item, **writes(*map(str, range(26))))["Error"]["Code"],
        refused(dynamodb.batch_write_item, **writes("g1", "g1"))["Error"]["Code"],
        refused(
            dynamodb.batch_write_item,
            RequestItems={
                TABLE: [
                    {"PutRequest": {"Item": {"id": {"S": "g1"}}}},
                    {"DeleteRequest": {"Key": {"id": {"S": "g1"}}}},
                ]
            },
        )["Error"]["Code"],
        refused(dynamodb.batch_get_item, RequestItems={TABLE: {"Keys": [{"id": {"S": str(n)}} for n in range(101)]}})[
            "Error"
        ]["Code"],
        refused(dynamodb.batch_get_item, RequestItems={TABLE: {"Keys": [{"id": {"S": "g"}}] * 2}})["Error"]["Code"],
    ]
    assert codes == ["ValidationException"] * 5


def test_a_part_of_a_batch_may_be_left_unprocessed(clean: Sandbox, dynamodb: Any) -> None:
    clean.control("POST", "/faults", {"kind": "unprocessed", "service": "dynamodb", "operation": "Batch*", "times": 2})
    writes = {TABLE: [{"PutRequest": {"Item": {"id": {"S": f"h{number}"}}}} for number in range(4)]}
    left = dynamodb.batch_write_item(RequestItems=writes)["UnprocessedItems"]
    assert left == {TABLE: writes[TABLE][2:]}
    keys = [{"id": {"S": f"h{number}"}} for number in range(2)]
    answer = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
    assert [item["id"]["S"] for item in answer["Responses"][TABLE]] == ["h0"]
    assert answer["UnprocessedKeys"] == {TABLE: {"Keys": keys[1:], "ConsistentRead": True}}
    assert dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys}})["UnprocessedKeys"] == {}


def test_a_transaction_costs_little_in_a_large_table(dynamodb: Any) -> None:
    for start in range(0, 1_000, 25):
        items = [
            {"PutRequest": {"Item": {"id": {"S": f"i{number}"}, "x": {"S": "x"}}}}
            for number in range(start, start + 25)
        ]
        dynamodb.batch_write_item(RequestItems={TABLE: items})
    begun = time.monotonic()
    dynamodb.transact_write_items(TransactItems=[add(f"i{number}") for number in range(100)])
    assert time.monotonic() - begun < 2


def test_an_item_is_read_as_it_was_written(dynamodb: Any) -> None:
    every_type = {
        "id": {"S": "types"},
        "n": {"N": "1"},
        "b": {"B": b"\x00\xff"},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "set": {"SS": ["a", "b"]},
        "numbers": {"NS": ["1", "2"]},
        "list": {"L": [{"S": "ä"}, {"M": {"inner": {"L": [{"N": "7"}]}}}]},
        "map": {"M": {"outer": {"M": {"inner": {"B": b"\x01"}}}}},
    }
    dynamodb.put_item(TableName=TABLE, Item=every_type)
    key = {"id": {"S": "types"}}
    wanted = {"ExpressionAttributeValues": {":id": {"S": "types"}}}
    read = [
        dynamodb.get_item(TableName=TABLE, Key=key)["Item"],
        dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": [key]}})["Responses"][TABLE][0],
        dynamodb.query(TableName=TABLE, KeyConditionExpression="id = :id", **wanted)["Items"][0],
        dynamodb.scan(TableName=TABLE, FilterExpression="id = :id", **wanted)["Items"][0],
    ]
    assert read == [every_type] * 4


def test_who_uses_a_table_has_to_be_allowed_to_use_its_key(clean: Sandbox) -> None:
    dynamodb, key = clean.client("dynamodb"), clean.client("kms").create_key()["KeyMetadata"]["Arn"]
    dynamodb.create_table(
        TableName="encrypted",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.scan(TableName="encrypted")
    dynamodb.update_table(TableName="encrypted", SSESpecification={"Enabled": True, "KMSMasterKeyId": key})
    described = dynamodb.describe_table(TableName="encrypted")["Table"]["SSEDescription"]
    dynamodb.scan(TableName="encrypted")
    dynamodb.batch_get_item(RequestItems={"encrypted": {"Keys": [{"id": {"S": "1"}}]}})
    dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": "encrypted", "Item": {"id": {"S": "1"}}}}])
    assert described["KMSMasterKeyArn"] == key
    actions = [entry["actions"] for entry in clean.control("GET", "/log") if entry["service"] == "dynamodb"]
    assert (actions[1], actions[3]) == (["dynamodb:Scan"], ["dynamodb:DescribeTable"])
    assert actions[4:] == [
        ["dynamodb:Scan", "kms:Decrypt"],
        ["dynamodb:BatchGetItem", "kms:Decrypt"],
        ["dynamodb:PutItem", "kms:Decrypt"],
    ]
