# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be done with the host table: register, forget, mark due, lease, journal, record, release, and look.

Every function works on many records at once and returns one outcome for each, in the order given. They decide by
``plans.py`` and write by compare and swap: a record that somebody else changed in between is decided on anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import CertwrightError, InputError
from ..host.settings import CHECKS, node_of, validated
from ..x509 import normalized_serial
from . import plans
from .batches import read_all, write_all
from .changes import Change, held_by
from .listing import Listed, assess
from .plans import Lease, Plan, Rotation
from .records import STATE_ATTRIBUTES, Record, check_defaults, plain_settings, read_record

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from .api import Item

Wish = TypeVar("Wish")

MAX_ROUNDS = 5
"""How often a record is decided on anew because it changed before it was written."""


@dataclass(frozen=True)
class Settled:
    """What was done with one record.

    :ivar before: the record as it was, None where there was none
    :ivar after: the record as it is now, or would be in check mode
    """

    host_id: str
    action: str
    reason: str
    changed: bool = False
    failed: bool = False
    before: Record | None = None
    after: Record | None = None

    def as_result(self) -> dict[str, Any]:
        """The outcome as an element of a batch module's ``results``."""
        return {
            "id": self.host_id,
            "changed": self.changed,
            "action": self.action,
            "reason": self.reason,
            "failed": self.failed,
        }


def register(
    dynamodb: BaseClient,
    table_name: str,
    records: Sequence[Mapping[str, Any]],
    *,
    known_nodes: Callable[[Sequence[str]], set[str]] | None,
    check_mode: bool,
) -> list[Settled]:
    """Create records and change their settings; a setting that is None is left as it is.

    :param records: ``host_id``, settings by option name, and ``unset``, a list of settings to remove
    :param known_nodes: tells which of some node ids Systems Manager knows; asked for new records only. None: not asked
    :raises InputError: the table does not exist, or an id is given twice
    """
    wanted, refused = _readable(records, _wanted_settings)
    found = read_all(dynamodb, table_name, list(wanted))
    new_nodes = sorted({node_of(host_id) for host_id in wanted.keys() - found.keys()})
    known = set(new_nodes) if known_nodes is None or not new_nodes else known_nodes(new_nodes)

    def plan(host_id: str, record: Record | None) -> Plan:
        settings, unset = wanted[host_id]
        return plans.registration(host_id, record, settings, unset, node_known=node_of(host_id) in known)

    settled = _settle(dynamodb, table_name, found, list(wanted), plan, check_mode=check_mode)
    return _in_order(records, refused, settled)


def forget(
    dynamodb: BaseClient,
    table_name: str,
    host_ids: Sequence[str],
    *,
    now: datetime,
    lease_owner: str | None = None,
    force: bool = False,
    check_mode: bool = False,
) -> list[Settled]:
    """Delete records; the certificates on the nodes stay. One that somebody else works on needs ``force``.

    :raises InputError: the table does not exist, or an id is given twice
    """

    def plan(host_id: str, record: Record | None) -> Plan:
        return plans.removal(host_id, record, lease_owner, now, force=force)

    return _read_and_settle(dynamodb, table_name, host_ids, plan, check_mode=check_mode)


def mark_due(
    dynamodb: BaseClient, table_name: str, host_ids: Sequence[str], *, check_mode: bool = False
) -> list[Settled]:
    """Remove the expiry of records, so that the next run renews their certificates.

    :raises InputError: the table does not exist, or an id is given twice
    """
    return _read_and_settle(dynamodb, table_name, host_ids, plans.marking, check_mode=check_mode)


def mark_revoked(
    dynamodb: BaseClient, table_name: str, records: Sequence[Mapping[str, Any]], *, check_mode: bool = False
) -> list[Settled]:
    """Note that certificates were revoked, so that the next run replaces those of them that are in use.

    :param records: each with ``host_id`` and ``serial``, the revoked serial number in hexadecimal
    :raises InputError: the table does not exist, an id is given twice, or a serial number is none
    """
    revoked = {record["host_id"]: normalized_serial(record["serial"]) for record in records}

    def plan(host_id: str, record: Record | None) -> Plan:
        return plans.revoking(host_id, record, revoked[host_id])

    host_ids = [record["host_id"] for record in records]
    return _read_and_settle(dynamodb, table_name, host_ids, plan, check_mode=check_mode)


def lease(
    dynamodb: BaseClient,
    table_name: str,
    host_ids: Sequence[str],
    wanted: Lease,
    *,
    now: datetime,
    renew_before: timedelta,
    defaults: Mapping[str, Any] | None = None,
    force: bool = False,
    check_mode: bool = False,
) -> tuple[list[Settled], list[Listed]]:
    """Take the records whose certificate is due for one run alone.

    :param defaults: the settings that apply where a record has none. With them, a certificate that was made for other
        settings is due; without them (None) that cannot be told.
    :param force: take those too that are not due
    :return: an outcome for each id with the action ``leased``, ``not_due``, ``busy``, ``unknown`` or ``failed``; and
        the records that were leased, with their settings
    :raises InputError: the table does not exist, an id is given twice, or one of the defaults is no setting
    """
    check_defaults(defaults)

    def plan(host_id: str, record: Record | None) -> Plan:
        return plans.leasing(host_id, record, wanted, now, renew_before=renew_before, defaults=defaults, force=force)

    settled = _read_and_settle(dynamodb, table_name, host_ids, plan, check_mode=check_mode)
    leased = [
        assess(outcome.after, now=now, renew_before=renew_before, defaults=defaults, forced=force)
        for outcome in settled
        if outcome.action == "leased" and outcome.after is not None
    ]
    return settled, leased


def record_results(
    dynamodb: BaseClient,
    table_name: str,
    results: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
    renew_before: timedelta,
    lease_owner: str | None = None,
    check_mode: bool = False,
) -> list[Settled]:
    """Write how the work on records ended, and release their leases.

    :param results: the fields of :class:`Rotation` by name, the expiry as text
    :raises InputError: the table does not exist, or an id is given twice
    """
    rotations, refused = _readable(results, Rotation.from_options)

    def plan(host_id: str, record: Record | None) -> Plan:
        return plans.recording(host_id, record, rotations[host_id], lease_owner, now=now, renew_before=renew_before)

    settled = _read_and_settle(dynamodb, table_name, list(rotations), plan, check_mode=check_mode)
    return _in_order(results, refused, settled)


def release(
    dynamodb: BaseClient,
    table_name: str,
    host_ids: Sequence[str],
    *,
    now: datetime,
    lease_owner: str | None = None,
    force: bool = False,
    check_mode: bool = False,
) -> list[Settled]:
    """Give records back without a result.

    :raises InputError: the table does not exist, or an id is given twice
    """

    def plan(host_id: str, record: Record | None) -> Plan:
        return plans.releasing(host_id, record, lease_owner, now, force=force)

    return _read_and_settle(dynamodb, table_name, host_ids, plan, check_mode=check_mode)


def record_pending(
    dynamodb: BaseClient,
    table_name: str,
    issued: Sequence[tuple[str, str, str]],
    lease_owner: str | None = None,
) -> dict[str, CertwrightError]:
    """Note certificates as soon as they are issued, so that an interrupted run is resumed and none is issued twice.

    One write without a read, since nothing may come between the CA's answer and this.

    :param issued: (host id, ARN of the certificate, SHA-256 of its public key in hexadecimal)
    :param lease_owner: who must hold the records' leases; None: nobody may
    :return: the records that could not be written, and why; empty when all were
    """
    condition = held_by(lease_owner, int(datetime.now(timezone.utc).timestamp()))
    changes = [
        Change(
            host_id,
            condition,
            sets={
                STATE_ATTRIBUTES["pending_certificate_arn"]: certificate_arn,
                STATE_ATTRIBUTES["pending_public_key_sha256"]: public_key_sha256,
            },
        )
        for host_id, certificate_arn, public_key_sha256 in issued
    ]
    written = write_all(dynamodb, table_name, changes)
    return written.failed | {
        host_id: plans.not_held(host_id, read_record(item) if item else None, lease_owner)
        for host_id, item in written.refused.items()
    }


def difference(settled: Sequence[Settled]) -> dict[str, dict[str, Any]]:
    """The changed records before and after, for a module's diff."""
    changed = [outcome for outcome in settled if outcome.changed]
    return {
        "before": {outcome.host_id: _recorded(outcome.before) for outcome in changed if outcome.before},
        "after": {outcome.host_id: _recorded(outcome.after) for outcome in changed if outcome.after},
    }


def _read_and_settle(
    dynamodb: BaseClient,
    table_name: str,
    host_ids: Sequence[str],
    plan: Callable[[str, Record | None], Plan],
    *,
    check_mode: bool,
) -> list[Settled]:
    found = read_all(dynamodb, table_name, _distinct(host_ids))
    return _settle(dynamodb, table_name, found, host_ids, plan, check_mode=check_mode)


def _settle(
    dynamodb: BaseClient,
    table_name: str,
    found: Mapping[str, Item],
    host_ids: Sequence[str],
    plan: Callable[[str, Record | None], Plan],
    *,
    check_mode: bool,
) -> list[Settled]:
    """Plan for each record, write the changes, and plan anew for those that had changed in between."""
    settled: dict[str, Settled] = {}
    items: dict[str, Item | None] = {host_id: found.get(host_id) for host_id in host_ids}
    for _round in range(MAX_ROUNDS):
        planned = {host_id: _planned(host_id, item, plan) for host_id, item in items.items()}
        settled |= {host_id: outcome for host_id, (outcome, _change) in planned.items()}
        changes = [change for _outcome, change in planned.values() if change is not None]
        if check_mode or not changes:
            break
        written = write_all(dynamodb, table_name, changes)
        settled |= {host_id: _failed(host_id, error) for host_id, error in written.failed.items()}
        items = written.refused
        settled |= {host_id: _failed(host_id, "kept changing while it was written; try again") for host_id in items}
    return [settled[host_id] for host_id in host_ids]


def _planned(
    host_id: str, item: Item | None, plan: Callable[[str, Record | None], Plan]
) -> tuple[Settled, Change | None]:
    """The plan for one record, as its outcome if all goes well, and the change to write for it."""
    before = read_record(item) if item is not None else None
    try:
        decided = plan(host_id, before)
    except InputError as error:
        return _failed(host_id, error), None
    changed = decided.change.applied(item) if decided.change else item
    outcome = Settled(
        host_id,
        decided.action,
        decided.reason,
        changed=decided.change is not None,
        failed=decided.failed,
        before=before,
        after=read_record(changed) if changed is not None else None,
    )
    return outcome, decided.change


def _failed(host_id: str, reason: CertwrightError | str) -> Settled:
    return Settled(host_id, "failed", str(reason), failed=True)


def _readable(
    records: Sequence[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], Wish]
) -> tuple[dict[str, Wish], dict[str, Settled]]:
    """What is wanted of each record, and the outcomes of those for which it cannot be used.

    :raises InputError: an id is given twice
    """
    wanted: dict[str, Wish] = {}
    refused: dict[str, Settled] = {}
    for host_id, record in zip(_distinct([record["host_id"] for record in records]), records, strict=True):
        try:
            wanted[host_id] = read(record)
        except InputError as error:
            refused[host_id] = _failed(host_id, error)
    return wanted, refused


def _in_order(
    records: Sequence[Mapping[str, Any]], refused: Mapping[str, Settled], settled: Sequence[Settled]
) -> list[Settled]:
    outcomes = {**refused, **{outcome.host_id: outcome for outcome in settled}}
    return [outcomes[record["host_id"]] for record in records]


def _distinct(host_ids: Sequence[str]) -> Sequence[str]:
    repeated = sorted(host_id for host_id, times in Counter(host_ids).items() if times > 1)
    if repeated:
        raise InputError(f"each record may be named once, but these are repeated: {', '.join(repeated)}")
    return host_ids


def _wanted_settings(record: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """The checked settings that a caller gave for a record, and the names of those to remove."""
    unset = frozenset(record.get("unset") or ())
    given = {name for name in CHECKS if record.get(name) not in (None, "")}
    checked = validated(record)
    if unknown := unset - CHECKS.keys():
        raise InputError(f"record {checked.host_id}: unset: {', '.join(sorted(unknown))}: no such setting")
    if both := unset & given:
        raise InputError(f"record {checked.host_id}: {', '.join(sorted(both))}: is both set and unset; leave out one")
    return {name: value for name, value in plain_settings(checked).items() if name in given}, unset


def _recorded(record: Record) -> dict[str, Any]:
    """What a record says, without what it does not say."""
    said = {**record.settings, **record.as_result()}
    return {name: value for name, value in said.items() if value not in (None, "", False) and name != "host_id"}
