# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of a CA for one certificate, and the checks before anything is issued."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..errors import CertwrightError, InputError, StateError
from ..renewal import duration_text
from ..scheduler import QUOTAS, RateLimit, run_each
from ..x509 import SigningRequest, iso, parse_signing_request
from .authority import SHORT_LIVED, Authority, check_signing_algorithm
from .authority_api import describe_authority
from .validity import Validity

if TYPE_CHECKING:
    from botocore.client import BaseClient

DEFAULT_TEMPLATE = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
SHORT_LIVED_LIMIT = timedelta(days=7)
TOKEN_LENGTH = 36


@dataclass(frozen=True)
class CertificateRequest:
    """One certificate that is wanted.

    ``pending_arn`` is a certificate that an earlier run had issued and did not fetch, for the CSR whose public key has
    the SHA-256 ``pending_public_key``. ``held_pem`` or ``held_arn`` is the certificate in use, kept unless due.
    """

    id: str
    csr: str
    authority_arn: str
    validity: Validity
    template_arn: str = DEFAULT_TEMPLATE
    signing_algorithm: str | None = None
    pending_arn: str | None = None
    pending_public_key: str | None = None
    held_pem: str | None = None
    held_arn: str | None = None


@dataclass(frozen=True)
class Plan:
    """A request that passed the checks: its CSR parsed, its signing algorithm decided."""

    request: CertificateRequest
    csr: SigningRequest
    signing_algorithm: str

    @property
    def token(self) -> str:
        """The idempotency token: the same for the same certificate, so that a repeated call does not issue twice."""
        request = self.request
        parts = (request.authority_arn, request.template_arn, str(request.validity), self.signing_algorithm)
        digest = hashlib.sha256("\n".join(parts).encode() + b"\n" + self.csr.der)
        return digest.hexdigest()[:TOKEN_LENGTH]

    @property
    def resumable_arn(self) -> str | None:
        """The pending certificate, if it was issued by this CA for this CSR's key."""
        arn = self.request.pending_arn
        same_authority = arn is not None and arn.startswith(f"{self.request.authority_arn}/certificate/")
        return arn if same_authority and self.request.pending_public_key == self.csr.public_key_sha256 else None


def check_requests(
    pca: BaseClient, requests: Iterable[CertificateRequest], *, now: datetime, renew_before: timedelta | None
) -> list[Plan | CertwrightError]:
    """Check each request against its CA; each CA is described once. Nothing is issued.

    :returns: for each request, in order, its plan, or why it cannot be issued
    """
    wanted = list(requests)
    authorities = describe_authorities(pca, {request.authority_arn for request in wanted})
    return [_plan(request, authorities[request.authority_arn], now, renew_before) for request in wanted]


def describe_authorities(pca: BaseClient, arns: Iterable[str]) -> dict[str, Authority | CertwrightError]:
    """Describe CAs at once: by ARN the CA, or why it could not be described."""
    outcomes = run_each(
        sorted(arns),
        lambda arn: Authority.from_description(describe_authority(pca, arn)),
        rate=RateLimit(QUOTAS["acm-pca:DescribeCertificateAuthority"]),
    )
    return {outcome.item: outcome.error or outcome.result() for outcome in outcomes}


def _plan(
    request: CertificateRequest,
    authority: Authority | CertwrightError,
    now: datetime,
    renew_before: timedelta | None,
) -> Plan | CertwrightError:
    try:
        csr = parse_signing_request(request.csr)
        if not csr.subject and not csr.subject_alt_names:
            raise InputError("the certificate signing request has neither a subject nor a subject alternative name")
        if isinstance(authority, CertwrightError):
            return authority
        signing_algorithm = request.signing_algorithm or authority.signing_algorithm
        check_authority(authority)
        check_signing_algorithm(signing_algorithm, authority.key_algorithm)
        check_validity(request.validity, authority, now, renew_before)
    except CertwrightError as error:
        return error
    return Plan(request, csr, signing_algorithm)


def check_authority(authority: Authority) -> None:
    """:raises StateError: the CA cannot issue as it is"""
    if authority.status != "ACTIVE":
        raise StateError(f"the CA {authority.arn} is {authority.status}: only an ACTIVE CA issues certificates")


def check_validity(validity: Validity, authority: Authority, now: datetime, renew_before: timedelta | None) -> None:
    """Refuse a validity that the CA would refuse, or with which a certificate would be due as soon as it is issued.

    :raises InputError: with the longest validity that the CA allows
    """
    end = validity.end(now)
    if end <= now:
        raise InputError(f"validity {validity} ends at {iso(end)}, which is not in the future")
    if authority.not_after is not None and end > authority.not_after:
        raise InputError(
            f"validity {validity} ends at {iso(end)}, after the CA's own certificate, which ends at "
            f"{iso(authority.not_after)}: ask for at most {duration_text(authority.not_after - now)}"
        )
    if authority.usage_mode == SHORT_LIVED and end - now > SHORT_LIVED_LIMIT:
        raise InputError(
            f"validity {validity} is longer than 7 days, the most that the CA {authority.arn} issues, "
            f"because its usage mode is {SHORT_LIVED}"
        )
    if renew_before is not None and end - now <= renew_before:
        raise InputError(
            f"renew_before ({duration_text(renew_before)}) is not shorter than the validity {validity}: "
            "each certificate would be due as soon as it is issued"
        )


def check_ids(requests: Iterable[CertificateRequest]) -> None:
    """:raises InputError: an id occurs twice"""
    seen: set[str] = set()
    for request in requests:
        if request.id in seen:
            raise InputError(f"requests: the id {request.id} occurs twice")
        seen.add(request.id)
