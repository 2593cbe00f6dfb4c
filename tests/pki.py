# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A certificate authority for tests: issues certificates and CRLs without AWS."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

NO_USAGE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


def now() -> datetime:
    return datetime.now(timezone.utc)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


class Entity:
    """A key and its certificate; with ``path_length`` set, one that can issue."""

    def __init__(self, certificate: x509.Certificate, key: Any) -> None:
        self.certificate = certificate
        self.key = key

    @cached_property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @cached_property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @property
    def serial(self) -> int:
        return self.certificate.serial_number

    def issue(self, common_name: str, **settings: Any) -> Entity:
        """Issue a certificate; ``settings`` are those of :func:`entity`."""
        return entity(common_name, issuer=self, **settings)

    def crl(self, serials: Sequence[int] = (), *, der: bool = False, number: int = 1) -> bytes:
        """A CRL that revokes these serial numbers."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now() - timedelta(hours=1))
            .next_update(now() + timedelta(days=7))
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for serial in serials:
            revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now()).build()
            builder = builder.add_revoked_certificate(revoked)
        encoding = serialization.Encoding.DER if der else serialization.Encoding.PEM
        return builder.sign(self.key, hashes.SHA256()).public_bytes(encoding)


def entity(
    common_name: str,
    *,
    issuer: Entity | None = None,
    key: Any = None,
    authority: bool = False,
    path_length: int | None = None,
    not_before: timedelta = timedelta(hours=-1),
    not_after: timedelta = timedelta(days=1),
    usage: Sequence[str] | None = None,
    extensions: Sequence[x509.ExtensionType] = (),
    algorithm: hashes.HashAlgorithm | None = None,
) -> Entity:
    """Make a key and a certificate for it, signed by ``issuer`` or by itself.

    :param not_before: relative to now, as is ``not_after``
    :param usage: key usages by cryptography's names; default: keyCertSign and cRLSign, or digitalSignature
    """
    key = key or ec_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usages = usage if usage is not None else (["key_cert_sign", "crl_sign"] if authority else ["digital_signature"])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() + not_before)
        .not_valid_after(now() + not_after)
        .add_extension(x509.BasicConstraints(authority, path_length), critical=True)
        .add_extension(x509.KeyUsage(**{**NO_USAGE, **dict.fromkeys(usages, True)}), critical=True)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Entity(builder.sign(issuer.key if issuer else key, algorithm or hashes.SHA256()), key)


def authority(common_name: str = "Test CA", **settings: Any) -> Entity:
    """A self-signed certificate authority."""
    return entity(common_name, authority=True, **settings)
