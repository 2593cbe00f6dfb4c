# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CA as it is: finding it, and everything that the modules tell of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import AwsError, InputError
from ..scheduler import QUOTAS, RateLimit, run_each
from ..x509 import iso, parse_certificate
from . import authority_api as api
from .authority_settings import NAME_TAG, SUBJECT_MEMBERS, option_names, revocation_result

if TYPE_CHECKING:
    from botocore.client import BaseClient

Value = TypeVar("Value")
CERTIFIED = ("ACTIVE", "DISABLED", "EXPIRED")
"""The states of a CA that has a certificate."""


@dataclass(frozen=True)
class AuthorityState:
    """What the API says of a CA, and its tags, permission, policy, certificate and, when it needs one, its CSR."""

    described: Mapping[str, Any]
    tags: Mapping[str, str]
    acm_permission: bool = False
    policy: Mapping[str, Any] | None = None
    certificate: str = ""
    chain: str = ""
    csr: str = ""

    @property
    def arn(self) -> str:
        return self.described["Arn"]

    @property
    def status(self) -> str:
        return self.described["Status"]

    def immutable(self) -> dict[str, Any]:
        """What cannot be changed, by the names of the module's options."""
        configuration = self.described["CertificateAuthorityConfiguration"]
        return {
            "type": self.described["Type"],
            "key_algorithm": configuration["KeyAlgorithm"],
            "signing_algorithm": configuration["SigningAlgorithm"],
            "usage_mode": self.described.get("UsageMode", "GENERAL_PURPOSE"),
            "key_storage_security_standard": self.described.get("KeyStorageSecurityStandard"),
            "subject": option_names(configuration["Subject"], SUBJECT_MEMBERS),
        }

    def mutable(self) -> dict[str, Any]:
        """What can be changed, as a diff shows it."""
        return {
            "status": self.status,
            "certificate_fingerprint_sha256": _fingerprint(self.certificate),
            **revocation_result(self.described),
            "acm_permission": self.acm_permission,
            "policy": self.policy,
            "tags": dict(self.tags),
        }

    def as_result(self) -> dict[str, Any]:
        """The CA as the modules return it."""
        times = {
            name: iso(self.described[member]) if member in self.described else None
            for name, member in {
                "created_at": "CreatedAt",
                "not_before": "NotBefore",
                "not_after": "NotAfter",
                "restorable_until": "RestorableUntil",
            }.items()
        }
        return {
            "certificate_authority_arn": self.arn,
            "name": self.tags.get(NAME_TAG),
            "owner_account": self.described.get("OwnerAccount"),
            "failure_reason": self.described.get("FailureReason"),
            **self.immutable(),
            **self.mutable(),
            **times,
            "serial": parse_certificate(self.certificate).serial if self.certificate else None,
            "path_length": parse_certificate(self.certificate).path_length if self.certificate else None,
            "certificate": self.certificate or None,
            "certificate_chain": self.chain or None,
            "csr": self.csr or None,
        }


def find_authority(pca: BaseClient, *, arn: str | None, name: str | None) -> AuthorityState | None:
    """The CA with the ARN, or else with the name; None when there is none.

    Deleted CAs that can be restored count only when no other CA has the name.

    :raises InputError: neither is given, or several CAs have the name
    """
    if arn is not None:
        try:
            return read_state(pca, api.describe_authority(pca, arn))
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                return None
            raise
    if name is None:
        raise InputError("give certificate_authority_arn or name, to say which CA is meant")
    named = [state for state in list_states(pca, details=False) if state.tags.get(NAME_TAG) == name]
    chosen = [state for state in named if state.status != "DELETED"] or named
    if len(chosen) > 1:
        arns = ", ".join(state.arn for state in chosen)
        raise InputError(f"{len(chosen)} CAs have the name {name}: give certificate_authority_arn, one of {arns}")
    return read_state(pca, chosen[0].described) if chosen else None


def list_states(pca: BaseClient, *, details: bool) -> list[AuthorityState]:
    """Every CA of the account and Region, with its tags, and with ``details`` everything else."""
    outcomes = run_each(
        api.list_authorities(pca),
        lambda described: read_state(pca, described) if details else AuthorityState(described, _tags(pca, described)),
        rate=RateLimit(QUOTAS["acm-pca:DescribeCertificateAuthority"]),
    )
    return [outcome.result() for outcome in outcomes]


def read_state(pca: BaseClient, described: Mapping[str, Any]) -> AuthorityState:
    """Ask for everything about a CA that its description does not say."""
    arn, status = described["Arn"], described["Status"]
    tags = _tags(pca, described)
    csr = _if_allowed(lambda: api.get_csr(pca, arn), "") if status in ("PENDING_CERTIFICATE", "EXPIRED") else ""
    if status not in CERTIFIED:
        return AuthorityState(described, tags, csr=csr)
    certificate, chain = api.get_authority_certificate(pca, arn)
    policy = _if_allowed(lambda: api.get_policy(pca, arn), "")
    return AuthorityState(
        described,
        tags,
        acm_permission=_if_allowed(lambda: api.permits_acm(pca, arn), False),
        policy=json.loads(policy) if policy else None,
        certificate=certificate,
        chain=chain,
        csr=csr,
    )


def _tags(pca: BaseClient, described: Mapping[str, Any]) -> dict[str, str]:
    return _if_allowed(lambda: api.list_tags(pca, described["Arn"]), {})


def _if_allowed(ask: Callable[[], Value], otherwise: Value) -> Value:
    """The answer, or ``otherwise`` where the CA has no such thing, or not in its state."""
    try:
        return ask()
    except AwsError as error:
        if error.code in ("ResourceNotFoundException", "InvalidStateException", "RequestInProgressException"):
            return otherwise
        raise


def _fingerprint(certificate: str) -> str | None:
    return parse_certificate(certificate).fingerprint_sha256 if certificate else None
