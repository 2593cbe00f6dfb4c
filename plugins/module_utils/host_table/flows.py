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
from typing import TYPE_CHECKING, Any

from ..errors import CertwrightError, InputError
from ..host.settings import CHECKS, RecordSettings, node_of, validated
from ..renewal import Verdict
from . import plans
from .batches import read_all, scan_all, write_all
from .changes import Change, held_by
from .plans import Lease, Plan, Rotation
from .records import STATE_ATTRIBUTES, Record, read_record, standing

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from .api import Item

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


@dataclass(frozen=True)
class Listed:
    """A record and its state. ``settings`` is None when the record holds something that cannot be used."""

    record: Record
    verdict: Verdict
    settings: RecordSettings | None

    def as_result(self) -> dict[str, Any]:
        """Settings, fields and state as one dictionary."""
        return {
            **_settings_result(self.settings, self.record),
            **self.record.as_result(),
            "node_id": self.record.host_id.partition("#")[0],
            "state": self.verdict.state,
            "due": self.verdict.due,
            "reason": self.verdict.reason,
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
    host_ids = _distinct([str(record["host_id"]) for record in records])
    wanted: dict[str, tuple[dict[str, Any], frozenset[str]]] = {}
    refused: dict[str, Settled] = {}
    for host_id, record in zip(host_ids, records, strict=True):
        try:
            wanted[host_id] = _wanted_settings(record)
        except InputError as error:
            refused[host_id] = _failed(host_id, error)
    found = read_all(dynamodb, table_name, list(wanted))
    new_nodes = sorted({node_of(host_id) for host_id in wanted.keys() - found.keys()})
    known = set(new_nodes) if known_nodes is None or not new_nodes else known_nodes(new_nodes)

    def plan(host_id: str, record: Record | None) -> Plan:
        settings, unset = wanted[host_id]
        return plans.registration(host_id, record, settings, unset, node_known=node_of(host_id) in known)

    settled = _settle(dynamodb, table_name, found, list(wanted), plan, check_mode=check_mode)
    outcomes = refused | {outcome.host_id: outcome for outcome in settled}
    return [outcomes[host_id] for host_id in host_ids]


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


def lease(
    dynamodb: BaseClient,
    table_name: str,
    host_ids: Sequence[str],
    wanted: Lease,
    *,
    now: datetime,
    renew_before: timedelta,
    defaults: Mapping[str, Any],
    force: bool = False,
    check_mode: bool = False,
) -> tuple[list[Settled], list[Listed]]:
    """Take the records whose certificate is due for one run alone.

    :param defaults: the settings that apply where a record has none
    :param force: take those too that are not due
    :return: an outcome for each id with the action ``leased``, ``not_due``, ``busy``, ``unknown`` or ``failed``; and
        the records that were leased, with their settings
    :raises InputError: the table does not exist, or an id is given twice
    """

    def plan(host_id: str, record: Record | None) -> Plan:
        return plans.leasing(host_id, record, wanted, now, renew_before=renew_before, defaults=defaults, force=force)

    settled = _read_and_settle(dynamodb, table_name, host_ids, plan, check_mode=check_mode)
    leased = [
        _listed(outcome.after, now=now, renew_before=renew_before, defaults=defaults, forced=force)
        for outcome in settled
        if outcome.action == "leased" and outcome.after is not None
    ]
    return settled, leased


def record_results(
    dynamodb: BaseClient,
    table_name: str,
    rotations: Sequence[Rotation],
    *,
    now: datetime,
    renew_before: timedelta,
    lease_owner: str | None = None,
    check_mode: bool = False,
) -> list[Settled]:
    """Write how the work on records ended, and release their leases.

    :raises InputError: the table does not exist, or an id is given twice
    """
    by_id = {rotation.host_id: rotation for rotation in rotations}

    def plan(host_id: str, record: Record | None) -> Plan:
        return plans.recording(host_id, record, by_id[host_id], lease_owner, now=now, renew_before=renew_before)

    host_ids = [rotation.host_id for rotation in rotations]
    return _read_and_settle(dynamodb, table_name, host_ids, plan, check_mode=check_mode)


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


def list_records(
    dynamodb: BaseClient,
    table_name: str,
    host_ids: Sequence[str] | None = None,
    *,
    now: datetime,
    renew_before: timedelta,
    defaults: Mapping[str, Any] | None = None,
) -> list[Listed]:
    """Read records and decide in which state each is; all of the table, in the order of their ids, when none is named.

    An id that has no record is not in the answer.

    :param defaults: the settings that apply where a record has none. With them, a certificate that was made for other
        settings is due; without them (None) that cannot be told.
    :raises InputError: the table does not exist, or an id is given twice
    """
    if host_ids is None:
        items = scan_all(dynamodb, table_name)
    else:
        found = read_all(dynamodb, table_name, _distinct(host_ids))
        items = [found[host_id] for host_id in host_ids if host_id in found]
    return [_listed(read_record(item), now=now, renew_before=renew_before, defaults=defaults) for item in items]


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
    return {name: _plain(getattr(checked, name)) for name in CHECKS if name in given}, unset


def _listed(
    record: Record,
    *,
    now: datetime,
    renew_before: timedelta,
    defaults: Mapping[str, Any] | None,
    forced: bool = False,
) -> Listed:
    """A record with its state; one that holds something unusable is listed as failed, with the reason."""
    try:
        settings = record.checked_settings(defaults or {})
    except InputError as error:
        return Listed(record, Verdict(False, "failed", str(error)), None)
    verdict = standing(
        record, settings, now=now, renew_before=renew_before, compared=defaults is not None, forced=forced
    )
    return Listed(record, verdict, settings)


def _settings_result(settings: RecordSettings | None, record: Record) -> dict[str, Any]:
    if settings is None:
        return dict(record.settings)
    return {name: _plain(getattr(settings, name)) for name in CHECKS}


def _plain(value: Any) -> Any:
    """A setting as JSON and DynamoDB have it."""
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value
