# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Giving a CA its certificate: signed by itself, by another private CA, or by an outside CA."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from ..errors import InputError, StateError
from ..x509 import Certificate, iso, parse_certificate, parse_signing_request, split_chain
from . import authority_api
from .api import issue_certificate
from .authority import Authority
from .authority_settings import DEFAULT_VALIDITY, AuthoritySettings
from .authority_state import AuthorityState
from .fetching import Fetcher, Patience, ask_until_ready
from .requests import CertificateRequest, Plan, check_authority, check_validity

if TYPE_CHECKING:
    from botocore.client import BaseClient

ROOT_TEMPLATE = "arn:aws:acm-pca:::template/RootCACertificate/V1"
SUBORDINATE_TEMPLATE = "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen{}/V1"


def needs_certificate(state: AuthorityState, settings: AuthoritySettings) -> bool:
    """Whether the CA is to get a certificate in this run."""
    if settings.certificate is not None:
        held = parse_certificate(state.certificate).fingerprint_sha256 if state.certificate else None
        return held != parse_certificate(settings.certificate).fingerprint_sha256
    signable = state.described["Type"] == "ROOT" or settings.parent_arn is not None
    return signable and state.status in ("CREATING", "PENDING_CERTIFICATE", "EXPIRED")


def check_signer(pca: BaseClient, settings: AuthoritySettings, state: AuthorityState | None, now: datetime) -> None:
    """Check, before anything is changed, that the CA could get its certificate.

    :raises InputError: the validity or path length exceeds the parent's, or the outside certificate does not fit
    :raises StateError: the parent cannot issue, or the outside certificate comes before there is a CSR
    """
    if settings.parent_arn:
        _check_parent(pca, settings, now)
    if settings.certificate:
        if state is None or not (state.csr or state.certificate):
            raise StateError("a certificate was given, and the CA has no CSR yet that it could have been made from")
        _check_outside(settings, state)


def give_certificate(pca: BaseClient, authority: Authority, settings: AuthoritySettings, patience: Patience) -> None:
    """Have the CA's CSR signed, and import the certificate. The CA is ACTIVE then.

    A run that is interrupted anywhere can be repeated: within five minutes the same certificate is fetched, later a
    new one is made, and the CA uses the one that was imported last.

    :raises WaitTimeout: AWS was not ready in time
    """
    if settings.certificate:
        authority_api.import_authority_certificate(pca, authority.arn, settings.certificate, settings.chain or "")
        return
    csr = ask_until_ready(lambda: authority_api.get_csr(pca, authority.arn), patience, f"the CSR of {authority.arn}")
    signer = authority
    if settings.parent_arn:
        signer = Authority.from_description(authority_api.describe_authority(pca, settings.parent_arn))
    plan = Plan(
        _signing_request(authority, signer, settings, csr), parse_signing_request(csr), signer.signing_algorithm
    )
    arn = issue_certificate(
        pca,
        authority_arn=signer.arn,
        csr=csr,
        signing_algorithm=plan.signing_algorithm,
        validity=plan.request.validity.as_request(),
        template_arn=plan.request.template_arn,
        token=plan.token,
    )
    fetched = Fetcher(pca, patience).fetch(arn, issued_at=time.monotonic())
    authority_api.import_authority_certificate(pca, authority.arn, fetched.certificate.pem, fetched.chain)


def _signing_request(
    authority: Authority, signer: Authority, settings: AuthoritySettings, csr: str
) -> CertificateRequest:
    return CertificateRequest(
        id=authority.arn,
        csr=csr,
        authority_arn=signer.arn,
        validity=settings.validity or DEFAULT_VALIDITY[authority.type],
        template_arn=ROOT_TEMPLATE if signer is authority else SUBORDINATE_TEMPLATE.format(settings.path_length),
    )


def _check_parent(pca: BaseClient, settings: AuthoritySettings, now: datetime) -> None:
    parent = Authority.from_description(authority_api.describe_authority(pca, settings.parent_arn or ""))
    check_authority(parent)
    check_validity(settings.validity or DEFAULT_VALIDITY["SUBORDINATE"], parent, now, renew_before=None)
    certificate, _chain = authority_api.get_authority_certificate(pca, parent.arn)
    _check_path_length(settings.path_length, parse_certificate(certificate), "path_length")


def _check_outside(settings: AuthoritySettings, state: AuthorityState) -> None:
    certificate = parse_certificate(settings.certificate or "")
    expected = (
        parse_signing_request(state.csr) if state.csr else parse_certificate(state.certificate)
    ).public_key_sha256
    if certificate.public_key_sha256 != expected:
        raise InputError(f"certificate: its public key is not that of the CSR of {state.arn}")
    if not certificate.is_ca:
        raise InputError("certificate: it is not a CA certificate, its basic constraints do not say CA:TRUE")
    issuers = split_chain(settings.chain or "")
    if not issuers:
        raise InputError("certificate_chain: the certificates above the CA's are needed, up to the root")
    issuer = parse_certificate(issuers[0])
    if certificate.not_after > issuer.not_after:
        raise InputError(
            f"certificate: it ends at {iso(certificate.not_after)}, after its issuer's, which ends at {iso(issuer.not_after)}"
        )
    _check_path_length(certificate.path_length, issuer, "certificate: its path length")


def _check_path_length(wanted: int | None, parent: Certificate, what: str) -> None:
    """:param wanted: None is no limit"""
    limit = parent.path_length
    if limit is not None and (wanted is None or wanted >= limit):
        raise InputError(
            f"{what} {'unlimited' if wanted is None else wanted} exceeds what the parent {parent.subject} allows: "
            f"its own path length is {limit}, so " + (f"at most {limit - 1}" if limit else "no CA may stand below it")
        )
