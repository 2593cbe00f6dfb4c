# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Having a CA as it is wanted: created, activated, changed, disabled, deleted, restored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import AwsError, InputError, StateError
from . import authority_api as api
from .activation import check_signer, give_certificate, needs_certificate
from .authority import Authority
from .authority_settings import (
    AuthoritySettings,
    check_immutable,
    check_settings,
    creation_request,
    revocation_after,
    revocation_request,
    same_policy,
)
from .authority_state import AuthorityState, find_authority, read_state
from .fetching import Patience, ask_until_ready

if TYPE_CHECKING:
    from botocore.client import BaseClient

NEW_CERTIFICATE = "of the new certificate"
BUCKET_ADVICE = (
    "The policy of the CRL's bucket must allow acm-pca.amazonaws.com the actions s3:PutObject, s3:PutObjectAcl, "
    "s3:GetBucketAcl and s3:GetBucketLocation on the bucket and its objects, and with s3_object_acl PUBLIC_READ the "
    "bucket's and the account's Block Public Access must be off: use BUCKET_OWNER_FULL_CONTROL where it is on."
)


@dataclass(frozen=True)
class AuthorityOutcome:
    """What was, or in check mode would be, done with a CA.

    ``before`` and ``after`` are what can be changed, for the diff; None is no CA. ``state`` is the CA afterwards, None
    when there is none or, in check mode, would only then be one.
    """

    action: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    state: AuthorityState | None

    @property
    def changed(self) -> bool:
        return self.action != "kept"


@dataclass(frozen=True)
class Handling:
    """How to go about it. Without ``wait`` a CA that AWS is still creating is left for the next run to activate."""

    now: datetime
    patience: Patience = field(default_factory=Patience)
    wait: bool = True
    check_mode: bool = False


def ensure_authority(
    pca: BaseClient, *, arn: str | None, settings: AuthoritySettings, status: str, handling: Handling
) -> AuthorityOutcome:
    """Have a CA that is ``ACTIVE`` or ``DISABLED`` with the settings.

    A CA that is to be signed by an outside CA stays PENDING_CERTIFICATE, with its CSR in the outcome, until its
    certificate is given. Everything that can be checked is checked before anything is changed.

    :raises InputError: what is asked for cannot be had
    :raises StateError: the CA, or its parent, is not in a state that allows it
    :raises WaitTimeout: AWS was not ready in time; another run goes on
    """
    check_settings(settings)
    held = find_authority(pca, arn=arn, name=settings.name)
    if held is None:
        return _create(pca, arn, settings, status, handling)
    check_immutable(settings, held.immutable(), held.arn)
    if held.status == "FAILED":
        raise StateError(f"AWS could not create the CA {held.arn}: delete it with state=absent and run again")
    if held.status == "CREATING" and not handling.wait:
        return AuthorityOutcome("kept", held.mutable(), held.mutable(), held)
    if needs_certificate(held, settings):
        check_signer(pca, settings, held, handling.now)
    expected = _expected(held, settings, status)
    if handling.check_mode or expected == held.mutable():
        return AuthorityOutcome(_action(held.mutable(), expected), held.mutable(), expected, held)
    after = _bring_to(pca, held, settings, status, handling)
    return AuthorityOutcome(_action(held.mutable(), after.mutable()), held.mutable(), after.mutable(), after)


def ensure_absent(
    pca: BaseClient, *, arn: str | None, name: str | None, days: int, check_mode: bool = False
) -> AuthorityOutcome:
    """Delete a CA, restorable for ``days``.

    :raises StateError: it is ACTIVE; AWS deletes only what was disabled before
    """
    held = find_authority(pca, arn=arn, name=name)
    if held is None or held.status == "DELETED":
        view = held.mutable() if held else None
        return AuthorityOutcome("kept", view, view, held)
    if held.status == "ACTIVE":
        raise StateError(
            f"the CA {held.arn} is ACTIVE: set state=disabled first, and delete it once nothing uses it any more"
        )
    if check_mode:
        return AuthorityOutcome("deleted", held.mutable(), {**held.mutable(), "status": "DELETED"}, held)
    api.delete_authority(pca, held.arn, days)
    after = _reread(pca, held.arn)
    return AuthorityOutcome("deleted", held.mutable(), after.mutable(), after)


def _create(
    pca: BaseClient, arn: str | None, settings: AuthoritySettings, status: str, handling: Handling
) -> AuthorityOutcome:
    if arn is not None:
        raise InputError(f"there is no CA {arn}")
    if status != "ACTIVE":
        raise InputError(f"there is no CA named {settings.name} that could be disabled")
    request = creation_request(settings)
    check_signer(pca, settings, None, handling.now)
    if handling.check_mode:
        return AuthorityOutcome("created", None, _expected_new(settings, status), None)
    with bucket_advice():
        created = api.create_authority(pca, **request)
    state = _reread(pca, created)
    if handling.wait:
        state = _bring_to(pca, state, settings, status, handling)
    return AuthorityOutcome("created", None, state.mutable(), state)


def _bring_to(
    pca: BaseClient, state: AuthorityState, settings: AuthoritySettings, status: str, handling: Handling
) -> AuthorityState:
    """Restore the CA, give it a certificate, change what differs: whichever it needs. What AWS checks most comes first."""
    if state.status == "DELETED":
        api.restore_authority(pca, state.arn)
        state = _reread(pca, state.arn)
    if needs_certificate(state, settings):
        give_certificate(pca, Authority.from_description(state.described), settings, handling.patience)
        state = _reread(pca, state.arn)
    elif state.status == "CREATING":
        state = _created(pca, state.arn, handling.patience)
    held, wanted = state.mutable(), _expected(state, settings, status)
    if (held["crl"], held["ocsp"]) != (wanted["crl"], wanted["ocsp"]):
        with bucket_advice():
            api.update_authority(pca, state.arn, revocation=revocation_request(settings))
    if held["status"] != wanted["status"] == "ACTIVE":
        api.update_authority(pca, state.arn, status="ACTIVE")
    _bring_access(pca, state.arn, held, wanted)
    _bring_tags(pca, state.arn, held["tags"], wanted["tags"])
    if held["status"] != wanted["status"] == "DISABLED":
        api.update_authority(pca, state.arn, status="DISABLED")
    return _reread(pca, state.arn)


def _bring_access(pca: BaseClient, arn: str, held: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if held["acm_permission"] != wanted["acm_permission"]:
        change = api.permit_acm if wanted["acm_permission"] else api.forbid_acm
        change(pca, arn)
    if held["policy"] != wanted["policy"]:
        if wanted["policy"] is None:
            api.delete_policy(pca, arn)
        else:
            api.put_policy(pca, arn, json.dumps(wanted["policy"]))


def _bring_tags(pca: BaseClient, arn: str, held: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    surplus = [key for key in held if key not in wanted]
    if surplus:
        api.untag_authority(pca, arn, surplus)
    changed = {key: value for key, value in wanted.items() if held.get(key) != value}
    if changed:
        api.tag_authority(pca, arn, changed)


def _expected(held: AuthorityState, settings: AuthoritySettings, status: str) -> dict[str, Any]:
    """What the CA would be like afterwards, in the form of :meth:`AuthorityState.mutable`."""
    view = held.mutable()
    new_certificate = needs_certificate(held, settings)
    certified = new_certificate or "NotAfter" in held.described
    if certified and (new_certificate or view["status"] != "EXPIRED"):
        view["status"] = status
    if new_certificate:
        view["certificate_fingerprint_sha256"] = NEW_CERTIFICATE
    if certified:
        view |= revocation_after(settings, view)
        view["acm_permission"] = view["acm_permission"] if settings.acm_permission is None else settings.acm_permission
        if settings.policy is not None and not same_policy(settings.policy, view["policy"]):
            view["policy"] = dict(settings.policy) or None
    view["tags"] = settings.wanted_tags(view["tags"])
    return view


def _expected_new(settings: AuthoritySettings, status: str) -> dict[str, Any]:
    signable = settings.type == "ROOT" or settings.parent_arn is not None
    off = {"crl": {"enabled": False}, "ocsp": {"enabled": False}}
    return {
        "status": status if signable else "PENDING_CERTIFICATE",
        "certificate_fingerprint_sha256": NEW_CERTIFICATE if signable else None,
        **revocation_after(settings, off),
        "acm_permission": bool(settings.acm_permission),
        "policy": dict(settings.policy) if settings.policy else None,
        "tags": settings.wanted_tags({}),
    }


def _action(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """One word for the most important of the differences."""
    if before == after:
        return "kept"
    if before["status"] == after["status"]:
        return "updated"
    if before["status"] == "DELETED":
        return "restored"
    if after["status"] == "DISABLED":
        return "disabled"
    return "enabled" if before["status"] == "DISABLED" else "activated"


def _created(pca: BaseClient, arn: str, patience: Patience) -> AuthorityState:
    """The CA once AWS has made its key."""
    ask_until_ready(lambda: api.get_csr(pca, arn), patience, f"the CSR of {arn}")
    return _reread(pca, arn)


def _reread(pca: BaseClient, arn: str) -> AuthorityState:
    return read_state(pca, api.describe_authority(pca, arn))


@contextmanager
def bucket_advice() -> Iterator[None]:
    """Say what to do when AWS cannot write to the CRL's bucket; its own message leaves that open."""
    try:
        yield
    except AwsError as error:
        if error.code == "ValidationException" and "S3 bucket" in error.detail:
            raise InputError(f"crl: {error.detail} {BUCKET_ADVICE}") from error
        raise
