# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One write of one record, as DynamoDB's expressions. Pure.

A change is made from a record as it was read, and DynamoDB refuses it when the record has become another one since:
compare and swap. So what a flow decided by is still so when it is written, whoever else writes to the table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..aws import to_dynamodb
from .api import KEY

if TYPE_CHECKING:
    from .api import Item

GUARDED = (KEY, "leaseOwner", "leaseUntil", "expiry", "serial", "pendingCertificateArn")
"""The attributes that flows decide by, and that must be as they were read when a change is written."""


@dataclass(frozen=True)
class Condition:
    """What must hold in the table when a change is written.

    :ivar expression: in DynamoDB's syntax; attributes as ``#name``, values as ``:name``
    :ivar attributes: the attributes that it names
    :ivar values: the values that it names, in the low-level form
    """

    expression: str
    attributes: tuple[str, ...]
    values: Mapping[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A write of one record: attributes to set (plain values) and to remove, or the whole record.

    :ivar verb: ``Update`` changes attributes of a record, ``Put`` makes a record of ``sets``, ``Delete`` deletes it
    """

    host_id: str
    condition: Condition
    sets: Mapping[str, Any] = field(default_factory=dict)
    removes: Collection[str] = ()
    verb: Literal["Update", "Put", "Delete"] = "Update"

    def as_write(self, table_name: str) -> dict[str, Any]:
        """The change as an element of TransactWriteItems."""
        names, values = self.condition.attributes, dict(self.condition.values)
        what: dict[str, Any] = {"Key": {KEY: {"S": self.host_id}}}
        if self.verb == "Put":
            what = {"Item": self.applied(None)}
        elif self.verb == "Update":
            names = (*names, *self.sets, *self.removes)
            values |= {f":new_{name}": to_dynamodb(value) for name, value in self.sets.items()}
            what |= {"UpdateExpression": self._update_expression()}
        write = {
            "TableName": table_name,
            **what,
            "ConditionExpression": self.condition.expression,
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        return {self.verb: write | ({"ExpressionAttributeValues": values} if values else {})}

    def applied(self, item: Item | None) -> Item | None:
        """The item that the change makes of ``item`` (None where there is none)."""
        if self.verb == "Delete":
            return None
        kept = {name: value for name, value in (item or {}).items() if name not in self.removes}
        return {**kept, KEY: {"S": self.host_id}, **{name: to_dynamodb(value) for name, value in self.sets.items()}}

    def _update_expression(self) -> str:
        sets = ", ".join(f"#{name} = :new_{name}" for name in self.sets)
        removes = ", ".join(f"#{name}" for name in self.removes)
        return " ".join(f"{clause} {parts}" for clause, parts in (("SET", sets), ("REMOVE", removes)) if parts)


def as_seen(item: Item | None) -> Condition:
    """The record is still as it was read: :data:`GUARDED` attributes are unchanged, or there still is no record."""
    seen = {name: item[name] for name in GUARDED if item and name in item}
    parts = [f"#{name} = :seen_{name}" if name in seen else f"attribute_not_exists(#{name})" for name in GUARDED]
    return Condition(" AND ".join(parts), GUARDED, {f":seen_{name}": value for name, value in seen.items()})


def held_by(owner: str | None, now_epoch: int) -> Condition:
    """The record exists and is leased by ``owner``; with None: it is not leased by anybody.

    For a write that must not wait for a read.
    """
    if owner is not None:
        return Condition(
            f"attribute_exists(#{KEY}) AND #leaseOwner = :owner", (KEY, "leaseOwner"), {":owner": to_dynamodb(owner)}
        )
    return Condition(
        f"attribute_exists(#{KEY}) AND (attribute_not_exists(#leaseUntil) OR #leaseUntil < :now)",
        (KEY, "leaseUntil"),
        {":now": to_dynamodb(now_epoch)},
    )
