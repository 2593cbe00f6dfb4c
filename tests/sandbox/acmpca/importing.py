# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ImportCertificateAuthorityCertificate checks before a CA becomes ACTIVE."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

from .. import clock
from .authority import Authority, path_length
from .errors import refusal

MAX_CERTIFICATE_BYTES = 32 * 1024
MAX_CHAIN_BYTES = 2 * 1024 * 1024
_MAY_BE_CRITICAL = {
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.CERTIFICATE_POLICIES,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.INHIBIT_ANY_POLICY,
    ExtensionOID.ISSUER_ALTERNATIVE_NAME,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.NAME_CONSTRAINTS,
    ExtensionOID.POLICY_MAPPINGS,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.SUBJECT_DIRECTORY_ATTRIBUTES,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.SUBJECT_INFORMATION_ACCESS,
}


def import_certificate(authority: Authority, certificate_pem: bytes, chain_pem: bytes | None) -> None:
    """Check the certificate and its chain, and make the CA ACTIVE with them; one that was disabled before it expired
    is disabled again.

    :raises JsonRESTError: MalformedCertificateException, CertificateMismatchException …, nothing was changed
    """
    if authority.status == "CREATING":
        raise refusal("RequestInProgressException", "The certificate authority is being created.")
    authority.require("PENDING_CERTIFICATE", "ACTIVE", "EXPIRED")
    certificate = _parse(certificate_pem, MAX_CERTIFICATE_BYTES, "certificate")[0]
    chain = _parse(chain_pem, MAX_CHAIN_BYTES, "certificate chain") if chain_pem else []
    _check_certificate(authority, certificate)
    if authority.type == "ROOT":
        _check_root(certificate, chain)
    else:
        _check_chain(certificate, chain)
    authority.certificate, authority.chain = certificate, chain
    authority.change_status("DISABLED" if authority.stored_status == "DISABLED" else "ACTIVE")


def _parse(data: bytes, limit: int, what: str) -> list[x509.Certificate]:
    if len(data) > limit:
        raise refusal("MalformedCertificateException", f"The {what} is larger than {limit} bytes.")
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise refusal("MalformedCertificateException", f"The {what} is malformed: {error}") from error


def _check_certificate(authority: Authority, certificate: x509.Certificate) -> None:
    if _spki(certificate.public_key()) != _spki(authority.key.public_key()):
        raise refusal("CertificateMismatchException", "The certificate's public key is not that of the CA's CSR.")
    if not certificate.not_valid_before_utc <= clock.now() < certificate.not_valid_after_utc:
        raise refusal("MalformedCertificateException", "The certificate is not valid at this time.")
    _check_ca_extensions(certificate)


def _check_ca_extensions(certificate: x509.Certificate) -> None:
    constraints = next((item for item in certificate.extensions if item.oid == ExtensionOID.BASIC_CONSTRAINTS), None)
    if constraints is None or not constraints.critical or not constraints.value.ca:
        raise refusal(
            "MalformedCertificateException", "A CA certificate needs critical basic constraints with CA:TRUE."
        )
    refused = [item.oid for item in certificate.extensions if item.critical and item.oid not in _MAY_BE_CRITICAL]
    if refused:
        raise refusal(
            "MalformedCertificateException", f"The extension {refused[0].dotted_string} must not be marked critical."
        )


def _check_root(certificate: x509.Certificate, chain: list[x509.Certificate]) -> None:
    if chain:
        raise refusal("InvalidRequestException", "A root CA certificate has no chain.")
    if not _signed_by(certificate, certificate):
        raise refusal("CertificateMismatchException", "Only a self-signed certificate can be imported as a root CA.")


def _check_chain(certificate: x509.Certificate, chain: list[x509.Certificate]) -> None:
    """Each certificate is signed by the next, within its validity and path length; the last is a root."""
    if _signed_by(certificate, certificate):
        raise refusal(
            "CertificateMismatchException", "A self-signed certificate cannot be imported as a subordinate CA."
        )
    if not chain:
        raise refusal("InvalidRequestException", "A subordinate CA certificate needs its certificate chain.")
    for child, parent in zip([certificate, *chain], chain, strict=False):
        _check_ca_extensions(parent)
        _check_link(child, parent)
    if not _signed_by(chain[-1], chain[-1]):
        raise refusal("CertificateMismatchException", "The last certificate of the chain is not a root CA's.")


def _check_link(child: x509.Certificate, parent: x509.Certificate) -> None:
    if not _signed_by(child, parent):
        raise refusal(
            "CertificateMismatchException",
            f"{child.subject.rfc4514_string()} was not signed by {parent.subject.rfc4514_string()}.",
        )
    if child.not_valid_after_utc > parent.not_valid_after_utc:
        raise refusal("CertificateMismatchException", "The certificate's validity ends after that of its issuer.")
    limit, own = path_length(parent), path_length(child)
    if limit is not None and (own is None or own >= limit):
        raise refusal("CertificateMismatchException", "The path length of the certificate exceeds that of its issuer.")


def _signed_by(child: x509.Certificate, parent: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _spki(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
