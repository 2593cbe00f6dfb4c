# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring a trust anchor, profile or CRL into the state that is wanted, in as few calls as that takes.

AWS lets names repeat. Here a name stands for one resource: two with the same name are an error that names both, and a
creation that botocore had to send twice leaves one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import AwsError, InputError
from ..scheduler import QUOTAS, RateLimit, run_each
from ..x509 import parse_certificate, split_chain
from .api import (
    PROFILE,
    TRUST_ANCHOR,
    Kind,
    Resource,
    add_tags,
    create,
    delete,
    enable,
    get,
    list_all,
    put_notifications,
    remove_tags,
    reset_notifications,
    tag_list,
    tags_of,
    update,
)
from .transformations import comparable, customized, diff_of, result_of, with_members

if TYPE_CHECKING:
    from botocore.client import BaseClient

MAX_BUNDLE = 2
"""Certificates in a trust anchor's bundle."""
DURATION_S = range(900, 43201)
"""For how long a session may last, in seconds."""
ROLE_ARN = re.compile(r"arn:aws[^:]*:iam::\d{12}:role/.+")


@dataclass(frozen=True)
class Wanted:
    """A resource as it should be. What is None is left as it is, or as AWS makes it.

    :param name: its name, by which it is found unless ``arn`` is given
    :param members: further members, in AWS's names and form
    :param within: members that a resource has to have to be the one that is meant, such as a CRL's trust anchor
    :param notifications: a trust anchor's own notification settings, by event; all others are AWS's
    """

    name: str | None = None
    arn: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)
    within: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool | None = None
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True
    notifications: Mapping[str, dict[str, Any]] | None = None


@dataclass(frozen=True)
class Outcome:
    """What was done, or would be in check mode.

    :ivar action: ``created``, ``updated``, ``deleted`` or ``kept``
    :ivar before: the resource as a module returns it, None where there was none
    """

    action: str
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def changed(self) -> bool:
        return self.action != "kept"

    def as_result(self, name: str) -> dict[str, Any]:
        """What a module returns; the resource as ``name``, None where there is none any more."""
        return {
            "changed": self.changed,
            "action": self.action,
            "reason": self.reason,
            name: self.after,
            "diff": {"before": diff_of(self.before), "after": diff_of(self.after)},
        }


def ensure_trust_anchor(client: BaseClient, wanted: Wanted, *, check_mode: bool) -> Outcome:
    """Create a trust anchor, or change what differs.

    :raises InputError: what is wanted cannot be
    :raises AwsError: AWS refused
    """
    source = wanted.members.get("source")
    if source and source["sourceType"] == "CERTIFICATE_BUNDLE":
        _check_bundle(source["sourceData"]["x509CertificateData"])
    held = held_by(client, TRUST_ANCHOR, wanted)
    if held is None and not source:
        raise InputError(
            f"trust anchor {wanted.name!r} does not exist, and to create it takes certificate_authority_arn or "
            "certificate_bundle"
        )
    return ensure_present(client, TRUST_ANCHOR, held, wanted, check_mode=check_mode)


def ensure_profile(client: BaseClient, wanted: Wanted, *, check_mode: bool) -> Outcome:
    """Create a profile, or change what differs.

    :raises InputError: what is wanted cannot be
    :raises AwsError: AWS refused
    """
    _check_profile(wanted.members)
    held = held_by(client, PROFILE, wanted)
    if held is None and not wanted.members.get("roleArns"):
        raise InputError(f"profile {wanted.name!r} does not exist, and to create it takes role_arns")
    return ensure_present(client, PROFILE, held, wanted, check_mode=check_mode)


def held_by(client: BaseClient, kind: Kind, wanted: Wanted) -> Resource | None:
    """The resource that is meant, None when there is none of that name.

    :raises InputError: there are several of the name, or none with the ARN
    :raises AwsError: AWS refused
    """
    if wanted.arn is None:
        return the_one(kind, list_all(client, kind), wanted)
    try:
        return get(client, kind, wanted.arn)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            raise InputError(
                f"{kind.noun} {wanted.arn} does not exist in {client.meta.region_name}: give its name to create one"
            ) from error
        raise


def the_one(kind: Kind, candidates: Iterable[Resource], wanted: Wanted) -> Resource | None:
    """The candidate that is meant, None when there is none.

    :raises InputError: there are several
    """
    found = named(candidates, wanted)
    if len(found) > 1:
        arns = ", ".join(kind.arn_of(item) for item in found)
        raise InputError(
            f"{len(found)} {kind.noun}s are named {wanted.name!r}: {arns}; say which with {kind.method}_arn"
        )
    return found[0] if found else None


def named(candidates: Iterable[Resource], wanted: Wanted) -> list[Resource]:
    """The candidates with the wanted name, within what is meant."""
    return [
        item
        for item in candidates
        if item["name"] == wanted.name and all(item.get(name) == value for name, value in wanted.within.items())
    ]


def ensure_present(
    client: BaseClient, kind: Kind, held: Resource | None, wanted: Wanted, *, check_mode: bool
) -> Outcome:
    """Create the resource, or change what differs from ``held``.

    :raises AwsError: AWS refused
    """
    if held is None:
        return _created(client, kind, wanted, check_mode=check_mode)
    return _updated(client, kind, held, wanted, check_mode=check_mode)


def ensure_absent(client: BaseClient, kind: Kind, wanted: Wanted, *, check_mode: bool) -> Outcome:
    """Delete the resource if it is there.

    :raises InputError: there are several of the name
    :raises AwsError: AWS refused
    """
    try:
        held = held_by(client, kind, wanted)
    except InputError:
        if wanted.arn is None:
            raise
        held = None
    if held is None:
        return Outcome("kept", "does not exist", None, None)
    before = result_of(kind, held, tags_of(client, kind.arn_of(held)))
    if not check_mode:
        delete(client, kind, kind.id_of(held))
    return Outcome("deleted", "exists, and should not", before, None)


def describe(
    client: BaseClient, kind: Kind, *, name: str | None = None, arn: str | None = None
) -> list[dict[str, Any]]:
    """The resources of a kind with their tags: all, those of a name, or the one with the ARN; none is no error.

    The tags are read at the rate that AWS allows, one resource a second.

    :raises AwsError: AWS refused
    """
    return with_tags(client, kind, found(client, kind, name=name, arn=arn))


def found(client: BaseClient, kind: Kind, *, name: str | None, arn: str | None) -> list[Resource]:
    """The resources of a kind: all, those of a name, or the one with the ARN.

    :raises AwsError: AWS refused
    """
    if arn is None:
        return [item for item in list_all(client, kind) if name in (None, item["name"])]
    try:
        return [get(client, kind, arn)]
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return []
        raise


def with_tags(client: BaseClient, kind: Kind, resources: Sequence[Resource]) -> list[dict[str, Any]]:
    """Resources as modules return them, with their tags.

    :raises AwsError: AWS refused
    """
    rate = RateLimit(QUOTAS["rolesanywhere:*"])
    tags = run_each(resources, lambda item: tags_of(client, kind.arn_of(item)), rate=rate)
    return [result_of(kind, outcome.item, outcome.result()) for outcome in tags]


def _created(client: BaseClient, kind: Kind, wanted: Wanted, *, check_mode: bool) -> Outcome:
    members = {**wanted.members, "name": wanted.name, "enabled": wanted.enabled is not False}
    if wanted.notifications:
        members["notificationSettings"] = list(wanted.notifications.values())
    tags = dict(wanted.tags or {})
    if check_mode:
        made = with_members(wanted.within, members)
    else:
        made, sent_twice = create(client, kind, **members, **wanted.within, tags=tag_list(tags) or None)
        if sent_twice:
            made = _oldest(client, kind, wanted, made)
    return Outcome("created", "does not exist", None, result_of(kind, made, tags))


def _oldest(client: BaseClient, kind: Kind, wanted: Wanted, made: Resource) -> Resource:
    """Keep one of two that a request and its repetition made: the older, so that all who look agree."""
    oldest = named(list_all(client, kind), wanted)[0]
    if kind.arn_of(oldest) != kind.arn_of(made):
        delete(client, kind, kind.id_of(made))
    return oldest


def _updated(client: BaseClient, kind: Kind, held: Resource, wanted: Wanted, *, check_mode: bool) -> Outcome:
    arn, identifier = kind.arn_of(held), kind.id_of(held)
    tags_before = tags_of(client, arn)
    tags_after = _tags_after(tags_before, wanted)
    members = {
        name: value
        for name, value in {"name": wanted.name, **wanted.members}.items()
        if value is not None and comparable(name, value) != comparable(name, held.get(name))
    }
    switched = wanted.enabled is not None and wanted.enabled != held["enabled"]
    differences = [*members, *["enabled"] * switched, *["tags"] * (tags_after != tags_before)]
    own = wanted.notifications
    if own is not None and own != customized(held):
        differences.append("notificationSettings")
    before = result_of(kind, held, tags_before)
    if not differences:
        return Outcome("kept", "is as wanted", before, before)
    reason = f"differs in {', '.join(differences)}"
    if check_mode:
        after = with_members(held, {**members, "enabled": wanted.enabled, "notificationSettings": _listed(held, own)})
        return Outcome("updated", reason, before, result_of(kind, after, tags_after))
    now = update(client, kind, identifier, **members) if members else held
    if switched:
        now = enable(client, kind, identifier, bool(wanted.enabled))
    if "notificationSettings" in differences:
        now = _notify(client, held, own or {})
    _change_tags(client, arn, tags_before, tags_after)
    return Outcome("updated", reason, before, result_of(kind, now, tags_after))


def _listed(held: Resource, own: Mapping[str, dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """A trust anchor's notification settings as they would be. What AWS's own are is known only where they are in force."""
    if own is None:
        return None
    kept = {setting["event"]: setting for setting in held.get("notificationSettings", [])}
    mine = customized(held)
    return list({**{event: kept[event] for event in kept if event not in mine}, **own}.values())


def _notify(client: BaseClient, held: Resource, own: Mapping[str, dict[str, Any]]) -> Resource:
    before, now = customized(held), held
    surplus = [event for event in before if event not in own]
    changed = [setting for event, setting in own.items() if before.get(event) != setting]
    if surplus:
        now = reset_notifications(client, TRUST_ANCHOR.id_of(held), surplus)
    if changed:
        now = put_notifications(client, TRUST_ANCHOR.id_of(held), changed)
    return now


def _tags_after(before: Mapping[str, str], wanted: Wanted) -> dict[str, str]:
    if wanted.tags is None:
        return dict(before)
    kept = {key: value for key, value in before.items() if not wanted.purge_tags or key.startswith("aws:")}
    return {**kept, **wanted.tags}


def _change_tags(client: BaseClient, arn: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    added = {key: value for key, value in after.items() if before.get(key) != value}
    removed = [key for key in before if key not in after]
    if removed:
        remove_tags(client, arn, removed)
    if added:
        add_tags(client, arn, added)


def _check_profile(members: Mapping[str, Any]) -> None:
    duration = members.get("durationSeconds")
    if duration is not None and duration not in DURATION_S:
        raise InputError(f"duration_seconds is {duration}, and has to be {DURATION_S[0]} to {DURATION_S[-1]}")
    for arn in members.get("roleArns") or []:
        if not ROLE_ARN.fullmatch(arn):
            raise InputError(f"role_arns: {arn!r} is not the ARN of an IAM role, arn:aws:iam::123456789012:role/name")


def _check_bundle(pem: str) -> None:
    certificates = [parse_certificate(part) for part in split_chain(pem)]
    if not 1 <= len(certificates) <= MAX_BUNDLE:
        raise InputError(
            f"certificate_bundle holds {len(certificates)} PEM certificates, and a trust anchor takes 1 or {MAX_BUNDLE}"
        )
    for certificate in certificates:
        if not certificate.is_ca:
            raise InputError(
                f"certificate_bundle holds {certificate.subject}, which is no certificate authority (CA:true); give the "
                "certificate of the CA, not one that it issued"
            )
