# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many records at once: reads and conditional writes in as few calls as DynamoDB allows, one outcome a record."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import AwsError, CertwrightError
from ..scheduler import run_each
from .api import (
    KEY,
    MAX_KEYS_PER_READ,
    MAX_WRITES_PER_TRANSACTION,
    batch_get,
    scan_first_page,
    scan_segment,
    transact_write,
)
from .changes import Change

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from .api import Item

Element = TypeVar("Element")

SCAN_SEGMENTS = 4
# botocore retries a call that was refused as a whole. What it does not retry is a part of a call that DynamoDB put
# off: these are the seconds to wait before each further try of that part.
PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
PUT_OFF = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")


@dataclass
class Written:
    """What became of changes that were not simply written.

    :ivar refused: records whose condition did not hold, with the item as it is now (None where there is none)
    :ivar failed: records that could not be written
    """

    refused: dict[str, Item | None] = field(default_factory=dict)
    failed: dict[str, CertwrightError] = field(default_factory=dict)


def read_all(dynamodb: BaseClient, table_name: str, host_ids: Sequence[str]) -> dict[str, Item]:
    """Read records, consistently; an id that has no record is not in the answer.

    :raises InputError: there is no such table
    :raises AwsError: a part could not be read
    """
    chunks = _chunks(host_ids, MAX_KEYS_PER_READ)
    outcomes = run_each(chunks, lambda chunk: _read_chunk(dynamodb, table_name, chunk))
    return {item[KEY]["S"]: item for outcome in outcomes for item in outcome.result()}


def scan_all(dynamodb: BaseClient, table_name: str) -> list[Item]:
    """Read a whole table, in the order of the ids. One that is longer than a page is read in parallel segments.

    :raises InputError: there is no such table
    :raises AwsError: a part could not be read
    """
    items, complete = scan_first_page(dynamodb, table_name)
    if not complete:
        outcomes = run_each(
            range(SCAN_SEGMENTS),
            lambda segment: list(scan_segment(dynamodb, table_name, segment, SCAN_SEGMENTS)),
        )
        items = [item for outcome in outcomes for item in outcome.result()]
    return sorted(items, key=lambda item: item[KEY]["S"])


def write_all(dynamodb: BaseClient, table_name: str, changes: Sequence[Change]) -> Written:
    """Write changes, each under its condition. One that is refused or fails holds up no other."""
    chunks = _chunks(changes, MAX_WRITES_PER_TRANSACTION)
    total = Written()
    for outcome in run_each(chunks, lambda chunk: _write_chunk(dynamodb, table_name, chunk)):
        if outcome.error is not None:
            total.failed |= {change.host_id: outcome.error for change in outcome.item}
        else:
            written = outcome.result()
            total.refused |= written.refused
            total.failed |= written.failed
    return total


def _read_chunk(dynamodb: BaseClient, table_name: str, host_ids: Sequence[str]) -> list[Item]:
    items, left = batch_get(dynamodb, table_name, host_ids)
    for pause_s in PAUSES_S:
        if not left:
            break
        time.sleep(pause_s)
        more, left = batch_get(dynamodb, table_name, left)
        items += more
    if left:
        raise AwsError(
            "BatchGetItem", "UnprocessedKeys", f"{len(left)} of {len(host_ids)} records were put off again and again"
        )
    return items


def _write_chunk(dynamodb: BaseClient, table_name: str, changes: Sequence[Change]) -> Written:
    """Write changes in one transaction; those that stand in its way are taken out, and the others tried again."""
    written = Written()
    left = list(changes)
    pauses = iter(PAUSES_S)
    while left:
        try:
            transact_write(dynamodb, [change.as_write(table_name) for change in left])
        except AwsError as error:
            refusal = {"Code": error.code, "Message": error.detail}
            reasons = error.reply.get("CancellationReasons") or [refusal] * len(left)
        else:
            break
        put_off = any(reason["Code"] in PUT_OFF for reason in reasons)
        pause_s = next(pauses, None) if put_off else 0
        left = [
            change
            for change, reason in zip(left, reasons, strict=True)
            if _stays(change, reason, written, patient=pause_s is not None)
        ]
        time.sleep(pause_s or 0)
    return written


def _stays(change: Change, reason: dict[str, Any], written: Written, *, patient: bool) -> bool:
    """Whether a change of a cancelled transaction is tried again; if not, note what became of it."""
    code = reason["Code"]
    if code == "None" or (patient and code in PUT_OFF):
        return True
    if code == "ConditionalCheckFailed":
        written.refused[change.host_id] = reason.get("Item")
    else:
        written.failed[change.host_id] = AwsError("TransactWriteItems", code, reason.get("Message", "no message"))
    return False


def _chunks(elements: Sequence[Element], size: int) -> Iterator[Sequence[Element]]:
    rest = iter(elements)
    while chunk := list(islice(rest, size)):
        yield chunk
