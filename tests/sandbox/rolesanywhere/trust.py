# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates and CRLs: what a trust anchor may be, and whether a certificate is to be trusted under it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from moto.acmpca.models import acmpca_backends

from .errors import AccessDeniedException, ValidationException

MAX_BUNDLE = 2
MAX_CHAIN = 5
WEAK_HASHES = ("md5", "sha1")


def anchor_certificates(source: Mapping[str, Any], account_id: str, region: str) -> list[x509.Certificate]:
    """The CA certificates of a trust anchor.

    :raises ValidationException: there are none, or too many
    """
    kind, data = source.get("sourceType"), source.get("sourceData", {})
    if kind == "AWS_ACM_PCA":
        return [_private_ca(data.get("acmPcaArn", ""), account_id, region)]
    if kind != "CERTIFICATE_BUNDLE":
        raise ValidationException(f"Trust anchors of type {kind} cannot be created.")
    try:
        bundle = x509.load_pem_x509_certificates(data.get("x509CertificateData", "").encode())
    except ValueError as error:
        raise ValidationException("The certificate bundle is not PEM.") from error
    if len(bundle) > MAX_BUNDLE:
        raise ValidationException(f"A trust anchor may have {MAX_BUNDLE} certificates, not {len(bundle)}.")
    return bundle


def _private_ca(arn: str, account_id: str, region: str) -> x509.Certificate:
    authority = acmpca_backends[account_id][region].authorities.get(arn)
    if authority is None:
        raise ValidationException(f"There is no certificate authority {arn}.")
    if authority.certificate is None:
        raise ValidationException(f"The certificate authority is {authority.status}, and has to have a certificate.")
    return authority.certificate


def check_authority(certificate: x509.Certificate) -> None:
    """:raises ValidationException: a certificate that may not be a trust anchor"""
    if not _is_authority(certificate):
        raise ValidationException("A trust anchor's certificate has to have the basic constraint CA:true.")
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None or not usage.key_cert_sign:
        raise ValidationException("A trust anchor's certificate has to have the key usage keyCertSign.")
    if _weak(certificate):
        raise ValidationException("A trust anchor's certificate has to be signed with SHA-256 or stronger.")


def parse_crl(data: bytes) -> x509.CertificateRevocationList:
    """:raises ValidationException: it is no CRL in PEM"""
    try:
        return x509.load_pem_x509_crl(data)
    except ValueError as error:
        raise ValidationException("The CRL is not PEM.") from error


def signed_by(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    return crl.issuer == authority.subject and crl.is_signature_valid(authority.public_key())  # type: ignore[arg-type]


def trusted_path(
    leaf: x509.Certificate, given: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], moment: datetime
) -> list[x509.Certificate]:
    """The certificates from the leaf up to, and with, one of the anchors.

    :param given: the intermediate certificates that the client sent
    :raises AccessDeniedException: there is no such path, or a certificate on it is not valid at this moment
    """
    _check_leaf(leaf)
    path = [leaf]
    while len(path) <= MAX_CHAIN:
        anchor = _issuer(path[-1], anchors)
        issuer = anchor or _issuer(path[-1], given)
        if issuer is None:
            break
        path.append(issuer)
        if anchor is not None:
            _check_path(path, moment)
            return path
    raise AccessDeniedException("Untrusted signing certificate")


def revoked(path: Iterable[x509.Certificate], crls: Iterable[x509.CertificateRevocationList]) -> bool:
    """Whether one of the certificates is in a CRL of its issuer."""
    lists = list(crls)
    return any(
        crl.issuer == certificate.issuer
        and crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
        for certificate in path
        for crl in lists
    )


def distribution_points(certificate: x509.Certificate) -> list[str]:
    """The URIs at which the certificate says that its issuer publishes CRLs."""
    points = _extension(certificate, x509.CRLDistributionPoints) or ()
    names = [name for point in points for name in point.full_name or ()]
    return [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]


def _check_leaf(leaf: x509.Certificate) -> None:
    if leaf.version != x509.Version.v3 or _is_authority(leaf):
        raise AccessDeniedException("Untrusted certificate. An end-entity certificate is X.509v3 with CA:false.")
    if _extension(leaf, x509.BasicConstraints) is None:
        raise AccessDeniedException("Untrusted certificate. An end-entity certificate has basic constraints.")
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        raise AccessDeniedException("Untrusted certificate. Its key usage has to include digital signature.")
    if _weak(leaf):
        raise AccessDeniedException("Untrusted certificate. It has to be signed with SHA-256 or stronger.")


def _check_path(path: Sequence[x509.Certificate], moment: datetime) -> None:
    for below, certificate in enumerate(path):
        if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
            raise AccessDeniedException("Untrusted certificate. It is not valid at this time.")
        constraints = _extension(certificate, x509.BasicConstraints)
        if below and constraints.path_length is not None and constraints.path_length < below - 1:
            raise AccessDeniedException("Untrusted signing certificate")


def _issuer(certificate: x509.Certificate, candidates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    for candidate in candidates:
        try:
            certificate.verify_directly_issued_by(candidate)
        except (ValueError, TypeError, InvalidSignature):
            continue
        if _is_authority(candidate):
            return candidate
    return None


def _is_authority(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _weak(certificate: x509.Certificate) -> bool:
    algorithm = certificate.signature_hash_algorithm
    return algorithm is None or algorithm.name in WEAK_HASHES


def _extension(certificate: x509.Certificate, kind: type[Any]) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
