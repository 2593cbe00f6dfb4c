# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done with one record, decided from the record as it was read. Pure; ``flows.py`` carries it out.

Each function takes the record, or None where the table has none, and returns a :class:`Plan`. The change of a plan
holds only while the record stays as it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from ..errors import InputError, StateError
from ..renewal import Verdict
from ..x509 import iso, normalized_serial
from .changes import Change, as_seen
from .records import (
    DEPLOYED,
    FAILED,
    SETTING_ATTRIBUTES,
    STATE_ATTRIBUTES,
    Record,
    expiry_text,
    read_time,
    renewal_date_text,
    standing,
)

MAX_ERROR_TEXT = 1000
CERTIFICATE_FIELDS = ("certificate_arn", "fingerprint_sha256", "public_key_sha256", "request_hash")
"""What is recorded of a certificate beside serial and expiry; what is not given for a new one is removed."""
PENDING_FIELDS = ("pending_certificate_arn", "pending_public_key_sha256")
ERROR_FIELDS = ("last_error", "last_error_time")
LEASE_FIELDS = ("lease_owner", "lease_until")


@dataclass(frozen=True)
class Plan:
    """What is to be done with one record and why.

    :ivar action: for results, for example ``leased`` or ``kept``
    :ivar change: what to write; None when nothing is to be written
    :ivar failed: the record cannot be served, and ``reason`` says why
    """

    action: str
    reason: str
    change: Change | None = None
    failed: bool = False


@dataclass(frozen=True)
class Lease:
    """A wish to work on records alone.

    :ivar owner: names the run that asks; a run that asks again for its own record gets it again
    :ivar until: when the lease ends by itself
    :ivar clock_skew: by how much the clocks of controllers may differ: how long after its end another's lease counts
    """

    owner: str
    until: datetime
    clock_skew: timedelta


@dataclass(frozen=True)
class Rotation:
    """How the work on one record ended.

    :ivar error: why it failed; None when the certificate is installed
    """

    host_id: str
    serial: str | None = None
    expiry: datetime | None = None
    certificate_arn: str | None = None
    fingerprint_sha256: str | None = None
    public_key_sha256: str | None = None
    request_hash: str | None = None
    error: str | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Rotation:
        """Read a result as a module takes it: text for the expiry, and None or an empty text for what is unknown.

        :raises InputError: it is neither a success nor a failure, or a value cannot be read
        """
        given = {item.name: options.get(item.name) or None for item in fields(cls)}
        record = f"record {options['host_id']}"
        if given["error"] is None and not (given["serial"] and given["expiry"]):
            raise InputError(f"{record}: a result needs serial and expiry, or error")
        if given["error"] is not None and given["serial"]:
            raise InputError(f"{record}: a result has a serial or an error, not both")
        if given["serial"]:
            given["serial"] = normalized_serial(given["serial"])
        if given["expiry"]:
            try:
                given["expiry"] = read_time(given["expiry"]).replace(microsecond=0)
            except ValueError as error:
                raise InputError(
                    f"{record}: expiry: {given['expiry']!r} is no time; write it as 2026-01-31T12:00:00Z"
                ) from error
        return cls(**{name: value for name, value in given.items() if value is not None})


def registration(
    host_id: str, record: Record | None, settings: Mapping[str, Any], unset: frozenset[str], *, node_known: bool
) -> Plan:
    """Record settings, and leave those alone that are not named.

    :param settings: checked values by option name
    :param unset: settings to remove, so that the default applies again
    :param node_known: False when Systems Manager was asked and does not know the node
    """
    if record is None and not node_known:
        return Plan(
            "failed",
            "Systems Manager does not know this node in this Region and account: check the id and that its agent is "
            "registered, or set verify_nodes=false to register it before the node is there",
            failed=True,
        )
    held = record.settings if record else {}
    sets = {name: value for name, value in settings.items() if held.get(name) != value}
    removes = sorted(unset & held.keys())
    if record and not sets and not removes:
        return Plan("kept", "registered with these settings")
    change = Change(
        host_id,
        as_seen(record.item if record else None),
        sets={SETTING_ATTRIBUTES[name]: value for name, value in sets.items()},
        removes=[SETTING_ATTRIBUTES[name] for name in removes],
        verb="Update" if record else "Put",
    )
    if record is None:
        return Plan("registered", "was not in the host table", change)
    return Plan("updated", f"changed {', '.join([*sets, *removes])}", change)


def removal(host_id: str, record: Record | None, lease_owner: str | None, now: datetime, *, force: bool) -> Plan:
    """Delete the record, unless somebody else works on it."""
    if record is None:
        return Plan("kept", "is not in the host table")
    if not force and _others_lease(record, lease_owner, now):
        return Plan("failed", f"{_lease_text(record)}; wait for it, or set force=true", failed=True)
    return Plan("forgotten", "was in the host table", Change(host_id, as_seen(record.item), verb="Delete"))


def marking(host_id: str, record: Record | None) -> Plan:
    """Remove the expiry, so that the next run renews the certificate."""
    if record is None:
        return _unknown()
    marked = [STATE_ATTRIBUTES[name] for name in ("expiry", "renewal_date") if STATE_ATTRIBUTES[name] in record.item]
    if not marked:
        return Plan("kept", "no expiry is recorded, so it is due already")
    return Plan("marked", "expiry removed", Change(host_id, as_seen(record.item), removes=marked))


def revoking(host_id: str, record: Record | None, serial: str) -> Plan:
    """Note that a certificate was revoked, so that the next run replaces it, if it is the one in use.

    :param serial: as :func:`normalized_serial` gives it
    """
    if record is None:
        return _unknown()
    if record.serial != serial:
        return Plan("kept", f"certificate {record.serial} is in use, not {serial}" if record.serial else "has none")
    if record.revoked:
        return Plan("kept", "marked revoked before")
    change = Change(host_id, as_seen(record.item), sets={STATE_ATTRIBUTES["revoked"]: True})
    return Plan("marked", f"certificate {serial} was revoked", change)


def leasing(
    host_id: str,
    record: Record | None,
    lease: Lease,
    now: datetime,
    *,
    renew_before: timedelta,
    defaults: Mapping[str, Any] | None,
    force: bool,
) -> Plan:
    """Take the record for this run when its certificate is due and nobody else works on it.

    :raises InputError: the record or the defaults hold something that cannot be used
    """
    if record is None:
        return _unknown("unknown")
    settings = record.checked_settings(defaults or {})
    verdict = standing(
        record, settings, now=now, renew_before=renew_before, compared=defaults is not None, forced=force
    )
    if not verdict.due:
        return Plan("not_due", verdict.reason)
    if record.lease_owner != lease.owner and record.leased(now, lease.clock_skew):
        return Plan("busy", _lease_text(record))
    change = Change(
        host_id,
        as_seen(record.item),
        sets={
            STATE_ATTRIBUTES["lease_owner"]: lease.owner,
            STATE_ATTRIBUTES["lease_until"]: int(lease.until.timestamp()),
        },
    )
    return Plan("leased", _lease_reason(record, lease, verdict), change)


def recording(
    host_id: str,
    record: Record | None,
    rotation: Rotation,
    lease_owner: str | None,
    *,
    now: datetime,
    renew_before: timedelta,
) -> Plan:
    """Write how the work on a record ended, and release its lease.

    :param lease_owner: who did the work. A run whose lease was taken over may no longer write: the record tells of
        a later one. With None, the record must not be leased by anybody.
    """
    if record is None:
        return _unknown()
    if lease_owner is None and record.leased(now):
        return Plan("failed", f"not recorded: {_lease_text(record)}", failed=True)
    if rotation.serial is None or rotation.expiry is None:
        wanted = _failure(rotation, now)
    else:
        wanted = _success(record, rotation, rotation.serial, rotation.expiry, renew_before)
    item = record.item
    sets = {name: value for name, value in wanted.sets.items() if getattr(record, name) != value}
    removes = [name for name in (*wanted.removes, *LEASE_FIELDS) if STATE_ATTRIBUTES[name] in item]
    if not removes and sets.keys() <= {"last_error_time"}:
        return Plan("kept", "recorded so before")
    if lease_owner is not None and record.lease_owner != lease_owner:
        return Plan("failed", f"not recorded: {_lost_lease(record, lease_owner)}", failed=True)
    change = Change(
        host_id,
        as_seen(item),
        sets={STATE_ATTRIBUTES[name]: wanted.written.get(name, value) for name, value in sets.items()},
        removes=[STATE_ATTRIBUTES[name] for name in removes],
    )
    return Plan("recorded", wanted.reason, change)


def releasing(host_id: str, record: Record | None, lease_owner: str | None, now: datetime, *, force: bool) -> Plan:
    """Give a record back without a result."""
    if record is None:
        return _unknown()
    removes = [STATE_ATTRIBUTES[name] for name in LEASE_FIELDS if STATE_ATTRIBUTES[name] in record.item]
    if not removes:
        return Plan("kept", "was not leased")
    if not force and _others_lease(record, lease_owner, now):
        return Plan("failed", f"{_lease_text(record)}; wait for it, or set force=true", failed=True)
    return Plan(
        "released", f"was leased by {record.lease_owner}", Change(host_id, as_seen(record.item), removes=removes)
    )


def not_held(host_id: str, record: Record | None, lease_owner: str | None) -> StateError:
    """Why a certificate could not be journaled: the record is gone, or its lease is not the caller's."""
    if record is None:
        return StateError(f"record {host_id} {_unknown().reason}")
    if lease_owner is None:
        return StateError(f"record {host_id} is {_lease_text(record)}")
    return StateError(f"record {host_id}: {_lost_lease(record, lease_owner)}")


@dataclass(frozen=True)
class _Wanted:
    """What a record is to say: field to value as :class:`Record` reads it, and the text where it is written otherwise."""

    reason: str
    sets: Mapping[str, Any]
    removes: tuple[str, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)


def _success(record: Record, rotation: Rotation, serial: str, expiry: datetime, renew_before: timedelta) -> _Wanted:
    about = {name: getattr(rotation, name) for name in CERTIFICATE_FIELDS}
    given = {name: value for name, value in about.items() if value is not None}
    stale = [name for name in about if name not in given and record.serial != serial]
    return _Wanted(
        reason=f"certificate {serial}, expires {iso(expiry)}",
        sets={
            "serial": serial,
            "expiry": expiry,
            "status": DEPLOYED,
            "renewal_date": renewal_date_text(expiry, renew_before),
            **given,
        },
        removes=(*stale, "revoked", *PENDING_FIELDS, *ERROR_FIELDS),
        written={"expiry": expiry_text(expiry)},
    )


def _failure(rotation: Rotation, now: datetime) -> _Wanted:
    error = str(rotation.error)[:MAX_ERROR_TEXT]
    return _Wanted(
        reason=error,
        sets={"status": FAILED, "last_error": error, "last_error_time": iso(now)},
    )


def _unknown(action: str = "failed") -> Plan:
    return Plan(action, "is not in the host table: register it with state=present", failed=True)


def _others_lease(record: Record, lease_owner: str | None, now: datetime) -> bool:
    return record.lease_owner != lease_owner and record.leased(now)


def _lease_text(record: Record) -> str:
    ends = iso(record.lease_until) if record.lease_until else "an unknown time"
    return f"leased by {record.lease_owner} until {ends}"


def _lost_lease(record: Record, lease_owner: str) -> str:
    now_held = _lease_text(record) if record.lease_owner else "it is leased by nobody"
    return f"the lease of {lease_owner} is gone, {now_held}"


def _lease_reason(record: Record, lease: Lease, verdict: Verdict) -> str:
    if record.lease_owner in (None, lease.owner):
        return verdict.reason
    return f"{verdict.reason}; taken over from {record.lease_owner}, whose lease has ended"
