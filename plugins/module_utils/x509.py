# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates and certificate requests: parsing, and the forms in which the collection writes their fields.

The only place that imports cryptography, so that a Lambda function without it can use the rest of the core.
"""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .errors import InputError

CRYPTOGRAPHY_IMPORT_ERROR: str | None = None
try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import ExtensionOID, NameOID
except ImportError:
    CRYPTOGRAPHY_IMPORT_ERROR = traceback.format_exc()

PEM_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Certificate:
    """The fields of an X.509 certificate that the collection works with.

    ``serial`` is upper-case hexadecimal without separators, as the AWS sample writes it in the host table;
    times are aware and in UTC; fingerprints are lower-case hexadecimal SHA-256; ``path_length`` counts for a CA, None
    is no limit.
    """

    pem: str
    serial: str
    subject: str
    common_name: str | None
    issuer: str
    subject_alt_names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key_algorithm: str
    fingerprint_sha256: str
    public_key_sha256: str
    is_ca: bool
    self_signed: bool
    path_length: int | None = None

    def as_result(self) -> dict[str, Any]:
        """The fields as a module returns them; ``certificate`` holds the PEM."""
        return {
            "certificate": self.pem,
            "serial": self.serial,
            "subject": self.subject,
            "common_name": self.common_name,
            "issuer": self.issuer,
            "subject_alt_names": list(self.subject_alt_names),
            "not_before": iso(self.not_before),
            "not_after": iso(self.not_after),
            "key_algorithm": self.key_algorithm,
            "fingerprint_sha256": self.fingerprint_sha256,
            "public_key_sha256": self.public_key_sha256,
        }


@dataclass(frozen=True)
class SigningRequest:
    """The fields of a PKCS#10 certificate signing request whose own signature was verified.

    ``other_extensions`` are the object identifiers of what it asks for beside the subject alternative names.
    """

    pem: str
    der: bytes
    subject: str
    common_name: str | None
    subject_alt_names: tuple[str, ...]
    key_algorithm: str
    public_key_sha256: str
    other_extensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class RevocationList:
    """The fields of a certificate revocation list; times are aware and in UTC."""

    issuer: str
    number: int | None
    last_update: datetime
    next_update: datetime | None
    serials: tuple[str, ...]

    def as_result(self) -> dict[str, Any]:
        """The fields as a module returns them; of the serial numbers only how many there are."""
        return {
            "issuer": self.issuer,
            "crl_number": self.number,
            "last_update": iso(self.last_update),
            "next_update": iso(self.next_update) if self.next_update else None,
            "revoked_count": len(self.serials),
        }


def parse_certificate(pem: str | bytes) -> Certificate:
    """Parse the first certificate of a PEM text.

    :raises InputError: the text holds no certificate, or one that cannot be read
    """
    with _reading("PEM certificate"):
        return _certificate(x509.load_pem_x509_certificate(_as_bytes(pem)))


def parse_signing_request(data: str | bytes) -> SigningRequest:
    """Parse a certificate signing request, PEM text or DER bytes, and verify that it is signed by its own key.

    :raises InputError: it is none, or its signature is wrong
    """
    with _reading("certificate signing request"):
        if isinstance(data, bytes) and not data.lstrip().startswith(b"-----BEGIN"):
            request = x509.load_der_x509_csr(data)
        else:
            request = x509.load_pem_x509_csr(_as_bytes(data))
        parsed, signed = _signing_request(request), request.is_signature_valid
    if not signed:
        raise InputError("the certificate signing request is not signed by the key that it names")
    return parsed


def parse_crl(der: bytes) -> RevocationList:
    """Parse a certificate revocation list in DER.

    :raises InputError: it is none
    """
    with _reading("certificate revocation list"):
        return _revocation_list(x509.load_der_x509_crl(der))


def crl_signed_by(der: bytes, certificate_pem: str) -> bool:
    """Whether a certificate revocation list in DER is the one of this certificate's subject, signed with its key.

    :raises InputError: the list or the certificate is none
    """
    with _reading("PEM certificate"):
        authority = x509.load_pem_x509_certificate(_as_bytes(certificate_pem))
        key: Any = authority.public_key()
    with _reading("certificate revocation list"):
        crl = x509.load_der_x509_crl(der)
        return crl.issuer == authority.subject and crl.is_signature_valid(key)


def split_chain(pem: str) -> list[str]:
    """Split a PEM bundle into its certificates, in its order."""
    return [match.group(0) + "\n" for match in PEM_CERTIFICATE.finditer(pem)]


def certificate_der(pem: str) -> bytes:
    """The DER form of the first certificate of a PEM text.

    :raises InputError: the text holds no certificate
    """
    with _reading("PEM certificate"):
        return x509.load_pem_x509_certificate(_as_bytes(pem)).public_bytes(serialization.Encoding.DER)


def is_signed_by(pem: str, issuer_pem: str) -> bool:
    """Whether the issuer's name and key are those that signed a certificate; both are PEM.

    :raises InputError: one of them is none
    """
    with _reading("PEM certificate"):
        certificate, issuer = (x509.load_pem_x509_certificate(_as_bytes(text)) for text in (pem, issuer_pem))
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def serial_text(serial: int) -> str:
    """A serial number as the host table holds it: upper-case hexadecimal, no separators, no padding."""
    return f"{serial:X}"


def normalized_serial(text: str) -> str:
    """Read a serial in any of the forms that AWS and openssl print (colons, 0x, leading zeros, either case).

    :raises InputError: it is not a hexadecimal number
    """
    digits = text.strip().replace(":", "").removeprefix("0x").removeprefix("0X")
    if not re.fullmatch(r"[0-9A-Fa-f]{1,128}", digits):
        raise InputError(f"serial {text!r} is not a hexadecimal number of at most 128 digits")
    return serial_text(int(digits, 16))


def iso(moment: datetime) -> str:
    """A moment as results show it: UTC, ISO 8601, whole seconds, ``Z``."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def distinguished_name(attributes: Iterable[tuple[str, str]]) -> str:
    """The subject of these attributes, as :class:`SigningRequest` and :class:`Certificate` hold it.

    :param attributes: short names as openssl has them (C, ST, L, O, OU, CN) with their values, in their order
    """
    oids = {
        "C": NameOID.COUNTRY_NAME,
        "ST": NameOID.STATE_OR_PROVINCE_NAME,
        "L": NameOID.LOCALITY_NAME,
        "O": NameOID.ORGANIZATION_NAME,
        "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "CN": NameOID.COMMON_NAME,
    }
    return x509.Name([x509.NameAttribute(oids[name], value) for name, value in attributes]).rfc4514_string()


def _certificate(certificate: x509.Certificate) -> Certificate:
    return Certificate(
        pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        serial=serial_text(certificate.serial_number),
        subject=certificate.subject.rfc4514_string(),
        common_name=_common_name(certificate.subject),
        issuer=certificate.issuer.rfc4514_string(),
        subject_alt_names=_subject_alt_names(certificate.extensions),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_algorithm=_key_algorithm(certificate.public_key()),
        fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        public_key_sha256=_public_key_sha256(certificate.public_key()),
        is_ca=_basic_constraints(certificate.extensions).ca,
        self_signed=certificate.issuer == certificate.subject,
        path_length=_basic_constraints(certificate.extensions).path_length,
    )


def _signing_request(request: x509.CertificateSigningRequest) -> SigningRequest:
    oids = (extension.oid for extension in request.extensions)
    return SigningRequest(
        pem=request.public_bytes(serialization.Encoding.PEM).decode(),
        der=request.public_bytes(serialization.Encoding.DER),
        subject=request.subject.rfc4514_string(),
        common_name=_common_name(request.subject),
        subject_alt_names=_subject_alt_names(request.extensions),
        key_algorithm=_key_algorithm(request.public_key()),
        public_key_sha256=_public_key_sha256(request.public_key()),
        other_extensions=tuple(oid.dotted_string for oid in oids if oid != ExtensionOID.SUBJECT_ALTERNATIVE_NAME),
    )


def _revocation_list(crl: x509.CertificateRevocationList) -> RevocationList:
    try:
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        number = None
    return RevocationList(
        issuer=crl.issuer.rfc4514_string(),
        number=number,
        last_update=crl.last_update_utc,
        next_update=crl.next_update_utc,
        serials=tuple(serial_text(entry.serial_number) for entry in crl),
    )


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Refuse data that cannot be read. cryptography has no common base for what it raises on data that somebody made up,
    and reads some parts only when they are asked for."""
    try:
        yield
    except Exception as error:
        raise InputError(f"this is not a {what}: {error}") from error


def _as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _common_name(name: x509.Name) -> str | None:
    values = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(values[0].value) if values else None


def _subject_alt_names(extensions: x509.Extensions) -> tuple[str, ...]:
    """Subject alternative names as openssl writes them: ``DNS:a.example``, ``IP:10.0.0.1``, ``email:``, ``URI:``."""
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    prefixes: dict[type, str] = {
        x509.DNSName: "DNS",
        x509.IPAddress: "IP",
        x509.RFC822Name: "email",
        x509.UniformResourceIdentifier: "URI",
    }
    return tuple(f"{prefixes.get(type(name), 'other')}:{name.value}" for name in names)


def _basic_constraints(extensions: x509.Extensions) -> x509.BasicConstraints:
    try:
        return extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return x509.BasicConstraints(ca=False, path_length=None)


def _key_algorithm(key: Any) -> str:
    """The key's algorithm in AWS's words, for example ``RSA_2048`` or ``EC_prime256v1``."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA_{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC_" + {"secp256r1": "prime256v1"}.get(key.curve.name, key.curve.name)
    return type(key).__name__


def _public_key_sha256(key: Any) -> str:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()
