# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A record of the host table: how its attributes are named and written, and what they say.

Pure. The attributes of AWS's certificate deployment sample keep their names and formats, so a table that the sample
filled is read and written as it is; ours stand beside them, and attributes that nobody here knows are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..aws import from_dynamodb
from ..errors import InputError
from ..host.request_hash import request_hash
from ..host.settings import CHECKS, RecordSettings, effective, validated
from ..renewal import Verdict, renewal_verdict
from ..x509 import iso

if TYPE_CHECKING:
    from .api import Item

DEPLOYED = "DEPLOYED"
FAILED = "FAILED"


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


SETTING_ATTRIBUTES = {name: _camel_case(name) for name in CHECKS}
"""A setting's name as an option of the modules, and its attribute in the table."""

STATE_ATTRIBUTES = {
    "serial": "serial",
    "expiry": "expiry",
    "status": "status",
    "renewal_date": "renewalDate",
    "certificate_arn": "certificateArn",
    "fingerprint_sha256": "fingerprint",
    "public_key_sha256": "publicKey",
    "request_hash": "requestHash",
    "pending_certificate_arn": "pendingCertificateArn",
    "pending_public_key_sha256": "pendingPublicKey",
    "revoked": "revoked",
    "last_error": "lastError",
    "last_error_time": "lastErrorTime",
    "lease_owner": "leaseOwner",
    "lease_until": "leaseUntil",
}
"""A field of :class:`Record`, and its attribute in the table."""
KNOWN_ATTRIBUTES = ("hostID", *SETTING_ATTRIBUTES.values(), *STATE_ATTRIBUTES.values())


@dataclass(frozen=True)
class Record:
    """What a row of the host table says; None for what it does not say.

    :ivar settings: the settings that are recorded, by option name, as they stand in the table
    :ivar expiry: the end of the certificate that is in use
    :ivar renewal_date: the day from which the AWS sample would renew it; for people, nothing here decides by it
    :ivar request_hash: of the settings that shaped the certificate in use
    :ivar pending_certificate_arn: a certificate that was issued and is not installed yet
    :ivar problem: why a part of the row could not be read
    :ivar item: the row as DynamoDB gave it
    """

    host_id: str
    settings: Mapping[str, Any]
    serial: str | None = None
    expiry: datetime | None = None
    status: str | None = None
    renewal_date: str | None = None
    certificate_arn: str | None = None
    fingerprint_sha256: str | None = None
    public_key_sha256: str | None = None
    request_hash: str | None = None
    pending_certificate_arn: str | None = None
    pending_public_key_sha256: str | None = None
    revoked: bool = False
    last_error: str | None = None
    last_error_time: str | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    problem: str | None = None
    item: Item = field(default_factory=dict, repr=False, compare=False)

    def leased(self, now: datetime, clock_skew: timedelta = timedelta(0)) -> bool:
        """Whether somebody works on the record.

        :param clock_skew: by how much the clock of the one who took the lease may be behind
        """
        return self.lease_owner is not None and self.lease_until is not None and now < self.lease_until + clock_skew

    def checked_settings(self, defaults: Mapping[str, Any]) -> RecordSettings:
        """The settings over the defaults of the caller.

        :raises InputError: the record, or the defaults, hold something that cannot be used
        """
        if self.problem:
            raise InputError(self.problem)
        return validated({**effective(defaults, self.settings), "host_id": self.host_id})

    def as_result(self) -> dict[str, Any]:
        """The fields but the settings, as a module returns them; times in ISO 8601."""
        names = (item.name for item in fields(self) if item.name not in ("settings", "problem", "item"))
        values = {name: getattr(self, name) for name in names}
        return {name: iso(value) if isinstance(value, datetime) else value for name, value in values.items()}


def read_record(item: Item) -> Record:
    """Read an item of the table. An empty text counts as unset, as in the AWS sample.

    What cannot be read does not hide the rest: it comes back as ``problem``, and the field as None.
    """
    host_id = item["hostID"]["S"]
    state = {name: from_dynamodb(item[key]) for name, key in STATE_ATTRIBUTES.items() if key in item}
    known = {name: value for name, value in state.items() if value not in (None, "")}
    values: dict[str, Any] = {}
    problem = None
    for name, value in known.items():
        read, form = READERS.get(name, (str, "a text"))
        try:
            values[name] = read(value)
        except (ValueError, TypeError, OverflowError, OSError):
            problem = f"record {host_id}: {STATE_ATTRIBUTES[name]} {str(value)!r} cannot be read; it must be {form}"
    return Record(host_id=host_id, settings=_read_settings(item), problem=problem, item=item, **values)


def known_part(item: Item) -> Item:
    """An item without the attributes that nobody here knows."""
    return {name: item[name] for name in KNOWN_ATTRIBUTES if name in item}


def plain_settings(settings: RecordSettings) -> dict[str, Any]:
    """Settings by option name as JSON and DynamoDB have them: lists and dictionaries."""
    return {name: _plain(getattr(settings, name)) for name in CHECKS}


def check_defaults(defaults: Mapping[str, Any] | None) -> None:
    """Refuse a default that is no setting. Its value is checked with each record it applies to.

    :raises InputError: naming it, and the settings that there are
    """
    if unknown := sorted((defaults or {}).keys() - CHECKS.keys()):
        raise InputError(f"defaults: {', '.join(unknown)}: no such setting; there are {', '.join(CHECKS)}")


def standing(
    record: Record,
    settings: RecordSettings,
    *,
    now: datetime,
    renew_before: timedelta,
    compared: bool,
    forced: bool = False,
) -> Verdict:
    """Decide in which state a record is, and whether its certificate is due.

    :param settings: the settings that apply now
    :param compared: whether a certificate that was made for other settings is due; only when all defaults are known
    :param forced: whether it is due in any case
    """
    drifted = compared and record.request_hash not in (None, request_hash(settings))
    verdict = renewal_verdict(
        expiry=record.expiry,
        now=now,
        renew_before=renew_before,
        revoked=record.revoked,
        drifted=drifted,
        forced=forced,
        failed=record.status == FAILED,
    )
    if verdict.state == "failed" and record.last_error:
        return Verdict(verdict.due, verdict.state, f"{verdict.reason}: {record.last_error}")
    return verdict


def read_time(text: str) -> datetime:
    """Read a moment in the table's format or in ISO 8601; without an offset it is in UTC.

    :raises ValueError: it is neither
    """
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


def expiry_text(moment: datetime) -> str:
    """A certificate's end as the AWS sample writes it into the table."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def renewal_date_text(expiry: datetime, renew_before: timedelta) -> str:
    """The day from which a certificate is renewed, as the AWS sample writes it into the table."""
    return (expiry.astimezone(timezone.utc) - renew_before).strftime("%Y-%m-%d")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _read_settings(item: Item) -> dict[str, Any]:
    """The recorded settings as plain values; numbers as int, sets as sorted lists."""
    values = {name: from_dynamodb(item[key]) for name, key in SETTING_ATTRIBUTES.items() if key in item}
    if isinstance(values.get("subject_alt_names"), set):
        values["subject_alt_names"] = sorted(values["subject_alt_names"])
    return {name: int(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def _read_epoch(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), timezone.utc)


READERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "expiry": (read_time, "a time such as 2026-01-31 12:00:00, in UTC"),
    "lease_until": (_read_epoch, "a time in seconds since 1970"),
    "revoked": (bool, "true or false"),
}
"""How the fields are read that are no texts, and what they must be."""
