# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Revoking certificates, by ARN, serial or PEM, many at AWS's rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ..errors import AwsError, CertwrightError, InputError
from ..scheduler import QUOTAS, RateLimit, run_each
from ..x509 import is_signed_by, normalized_serial, parse_certificate
from . import api
from .authority_api import get_authority_certificate
from .fetching import Fetcher, Patience, ask_until_ready, authority_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

REASONS = [
    "UNSPECIFIED",
    "KEY_COMPROMISE",
    "CERTIFICATE_AUTHORITY_COMPROMISE",
    "AFFILIATION_CHANGED",
    "SUPERSEDED",
    "CESSATION_OF_OPERATION",
    "PRIVILEGE_WITHDRAWN",
    "A_A_COMPROMISE",
]
ALREADY_REVOKED = "RequestAlreadyProcessedException"


@dataclass(frozen=True)
class Revocation:
    """A certificate to revoke, named by exactly one of ``certificate_arn``, ``serial`` and ``pem``.

    ``authority_arn`` is the CA that is to have issued it; with an ARN it may be None.
    """

    id: str
    reason: str = "UNSPECIFIED"
    authority_arn: str | None = None
    certificate_arn: str | None = None
    serial: str | None = None
    pem: str | None = None


@dataclass(frozen=True)
class RevocationResult:
    """What became of one revocation: ``action`` is ``revoked``, ``already_revoked`` or ``failed``."""

    revocation: Revocation
    action: str
    reason: str
    serial: str | None = None
    error_code: str | None = None

    def as_result(self) -> dict[str, Any]:
        """The element of ``results`` that the module returns."""
        result = {
            "id": self.revocation.id,
            "changed": self.action == "revoked",
            "failed": self.action == "failed",
            "action": self.action,
            "reason": self.reason,
            "serial": self.serial,
            "certificate_arn": self.revocation.certificate_arn,
            "revocation_reason": self.revocation.reason,
        }
        return result | ({"error_code": self.error_code} if self.error_code else {})


@dataclass(frozen=True)
class _Target:
    """A revocation whose CA and serial are known."""

    revocation: Revocation
    authority_arn: str
    serial: str


def revoke_certificates(
    pca: BaseClient, revocations: Sequence[Revocation], *, patience: Patience, check_mode: bool = False
) -> list[RevocationResult]:
    """Revoke certificates and return the results in order. One that fails stops no other.

    A certificate that is revoked already is no failure and no change. In check mode AWS cannot be asked whether it is,
    so each is told as one that would be revoked.
    """
    resolver = _Resolver(pca, patience)
    rate = RateLimit(QUOTAS["acm-pca:RevokeCertificate"])

    def work(revocation: Revocation) -> RevocationResult:
        target = resolver.resolve(revocation)
        if check_mode:
            return RevocationResult(revocation, "revoked", "would be revoked", target.serial)
        rate.wait()
        return _revoke(pca, target, patience)

    return [outcome.value or _failure(outcome.item, outcome.error) for outcome in run_each(revocations, work)]


class _Resolver:
    """Finds the CA and the serial of a certificate, however it is named, without changing anything."""

    def __init__(self, pca: BaseClient, patience: Patience) -> None:
        self._fetcher = Fetcher(pca, patience)
        self._authority_certificate = cache(lambda arn: get_authority_certificate(pca, arn)[0])

    def resolve(self, revocation: Revocation) -> _Target:
        """:raises InputError: the certificate is not one that its CA could revoke"""
        if revocation.certificate_arn:
            return self._by_arn(revocation, revocation.certificate_arn)
        if not revocation.authority_arn:
            raise InputError("certificate_authority_arn is needed where no certificate_arn is given")
        if revocation.serial:
            return _Target(revocation, revocation.authority_arn, normalized_serial(revocation.serial))
        return self._by_pem(revocation, revocation.authority_arn, revocation.pem or "")

    def _by_arn(self, revocation: Revocation, arn: str) -> _Target:
        authority_arn = authority_of(arn)
        if revocation.authority_arn not in (None, authority_arn):
            raise InputError(f"{arn} is a certificate of another CA than {revocation.authority_arn}")
        # AWS's documentation has ARNs that end in the serial and ARNs that do not: only the certificate tells.
        return _Target(revocation, authority_arn, self._fetcher.fetch(arn).certificate.serial)

    def _by_pem(self, revocation: Revocation, authority_arn: str, pem: str) -> _Target:
        certificate = parse_certificate(pem)
        authority = self._authority_certificate(authority_arn)
        if certificate.fingerprint_sha256 == parse_certificate(authority).fingerprint_sha256:
            raise InputError(f"this is the certificate of the CA {authority_arn} itself, which cannot revoke it")
        if not is_signed_by(pem, authority):
            raise InputError(f"the certificate {certificate.subject} was not issued by the CA {authority_arn}")
        return _Target(revocation, authority_arn, certificate.serial)


def _revoke(pca: BaseClient, target: _Target, patience: Patience) -> RevocationResult:
    revocation = target.revocation
    try:
        ask_until_ready(
            lambda: api.revoke_certificate(pca, target.authority_arn, colon_form(target.serial), revocation.reason),
            Patience(first_s=0, longest_s=patience.longest_s, timeout_s=patience.timeout_s),
            f"the revocation of {target.serial}",
        )
    except AwsError as error:
        if error.code == ALREADY_REVOKED:
            return RevocationResult(revocation, "already_revoked", "it was revoked before", target.serial)
        if error.code == api.NOT_FOUND:
            raise InputError(
                f"the CA {target.authority_arn} has issued no certificate with the serial {target.serial}"
            ) from error
        raise
    return RevocationResult(revocation, "revoked", revocation.reason, target.serial)


def colon_form(serial: str) -> str:
    """A serial as AWS's user guide writes it for RevokeCertificate: pairs of lower-case digits with colons."""
    digits = serial.lower().zfill(len(serial) + len(serial) % 2)
    return ":".join(digits[index : index + 2] for index in range(0, len(digits), 2))


def _failure(revocation: Revocation, error: CertwrightError | None) -> RevocationResult:
    code = error.code if isinstance(error, AwsError) else None
    return RevocationResult(revocation, "failed", str(error), error_code=code)
