# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls of DynamoDB that the host table needs, one function each.

An item is kept as DynamoDB's low-level client gives it (``{"hostID": {"S": "i-…"}}``); ``records.py`` reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..aws import call, pages
from ..errors import AwsError, CertwrightError, InputError

if TYPE_CHECKING:
    from botocore.client import BaseClient

    Item = dict[str, dict[str, Any]]

KEY = "hostID"
MAX_KEYS_PER_READ = 100
MAX_WRITES_PER_TRANSACTION = 100


def batch_get(dynamodb: BaseClient, table_name: str, host_ids: Sequence[str]) -> tuple[list[Item], list[str]]:
    """Read up to :data:`MAX_KEYS_PER_READ` records, consistently.

    :return: the items that exist, and the ids that DynamoDB did not get to and that must be asked for again
    :raises InputError: there is no such table
    """
    keys = [{KEY: {"S": host_id}} for host_id in host_ids]
    try:
        answer = call(dynamodb, "batch_get_item", RequestItems={table_name: {"Keys": keys, "ConsistentRead": True}})
    except AwsError as error:
        raise without_table(error, dynamodb, table_name) from error
    left = answer.get("UnprocessedKeys", {}).get(table_name, {}).get("Keys", [])
    return answer["Responses"].get(table_name, []), [key[KEY]["S"] for key in left]


def scan_first_page(dynamodb: BaseClient, table_name: str) -> tuple[list[Item], bool]:
    """Read the first page of a table, up to 1 MB, and say whether that was all.

    :raises InputError: there is no such table
    """
    try:
        page = call(dynamodb, "scan", TableName=table_name, ConsistentRead=True)
    except AwsError as error:
        raise without_table(error, dynamodb, table_name) from error
    return page["Items"], "LastEvaluatedKey" not in page


def scan_segment(dynamodb: BaseClient, table_name: str, segment: int, total_segments: int) -> Iterator[Item]:
    """Yield the items of one of ``total_segments`` parts of a table."""
    for page in pages(
        dynamodb,
        "scan",
        TableName=table_name,
        ConsistentRead=True,
        Segment=segment,
        TotalSegments=total_segments,
    ):
        yield from page["Items"]


def transact_write(dynamodb: BaseClient, writes: Sequence[dict[str, Any]]) -> None:
    """Write all of up to :data:`MAX_WRITES_PER_TRANSACTION` records, or none.

    botocore adds a ``ClientRequestToken`` and keeps it over its retries, so a reply that was lost after DynamoDB had
    written does not become a refusal.

    :raises AwsError: nothing was written; with the code ``TransactionCanceledException`` its ``reply`` holds
        ``CancellationReasons``, one for each write
    """
    call(dynamodb, "transact_write_items", TransactItems=list(writes))


def without_table(error: AwsError, dynamodb: BaseClient, table_name: str) -> CertwrightError:
    """Say which table is missing, where DynamoDB only says that something is; any other error comes back as it is."""
    if error.code != "ResourceNotFoundException":
        return error
    return InputError(
        f"host table {table_name!r} does not exist in {dynamodb.meta.region_name}: name the table and the Region in "
        "which it was created, or create it with the role certwright.aws.certificate_platform"
    )
