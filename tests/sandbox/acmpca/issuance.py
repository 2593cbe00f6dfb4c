# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a certificate signing request to a certificate: what IssueCertificate checks, and what it signs."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, ExtensionOID, ObjectIdentifier

from .algorithms import is_supported_subject_key, signature_parameters
from .errors import refusal
from .names import general_name, subject_name
from .templates import Template, key_usage

# The CA writes these itself, whatever a request says.
_CA_OWNED = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
}
_KEY_USES = {
    "DigitalSignature": "digital_signature",
    "NonRepudiation": "content_commitment",
    "KeyEncipherment": "key_encipherment",
    "DataEncipherment": "data_encipherment",
    "KeyAgreement": "key_agreement",
    "KeyCertSign": "key_cert_sign",
    "CRLSign": "crl_sign",
    "EncipherOnly": "encipher_only",
    "DecipherOnly": "decipher_only",
}
_EXTENDED_USES = {
    "SERVER_AUTH": ExtendedKeyUsageOID.SERVER_AUTH,
    "CLIENT_AUTH": ExtendedKeyUsageOID.CLIENT_AUTH,
    "CODE_SIGNING": ExtendedKeyUsageOID.CODE_SIGNING,
    "EMAIL_PROTECTION": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "TIME_STAMPING": ExtendedKeyUsageOID.TIME_STAMPING,
    "OCSP_SIGNING": ExtendedKeyUsageOID.OCSP_SIGNING,
    "SMART_CARD_LOGIN": ExtendedKeyUsageOID.SMARTCARD_LOGON,
    "DOCUMENT_SIGNING": ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),
    "CERTIFICATE_TRANSPARENCY": ObjectIdentifier("1.3.6.1.4.1.11129.2.4.4"),
}

Extension = tuple[x509.ExtensionType, bool]


@dataclass(frozen=True)
class Issuer:
    """What signs: the CA's name, key and key identifier, and what its configuration puts into certificates."""

    name: x509.Name
    private_key: Any
    key_identifier: x509.SubjectKeyIdentifier
    crl_url: str | None
    ocsp_url: str | None


def parse_request(csr: bytes) -> x509.CertificateSigningRequest:
    """Parse a PEM certificate signing request and check what the CA checks of every request.

    :raises JsonRESTError: it is malformed, its signature is wrong, or the CA does not issue for such a key
    """
    try:
        request = x509.load_pem_x509_csr(csr)
        signed, _readable = request.is_signature_valid, request.extensions
    except (ValueError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise refusal("MalformedCSRException", f"The certificate signing request is malformed: {error}") from error
    if not signed:
        raise refusal("MalformedCSRException", "The signature of the certificate signing request is not valid.")
    if not is_supported_subject_key(request.public_key()):
        raise refusal("MalformedCSRException", "The public key of the certificate signing request is not supported.")
    return request


def build(
    issuer: Issuer,
    request: x509.CertificateSigningRequest,
    template: Template,
    passthrough: dict[str, Any],
    *,
    serial: int,
    not_before: datetime,
    not_after: datetime,
    signing_algorithm: str,
) -> x509.Certificate:
    """Sign a certificate.

    :param passthrough: the request's ApiPassthrough; like AWS, ignored unless the template is a variant that takes it
    :raises JsonRESTError: the certificate would have neither a subject nor a subject alternative name
    """
    given = passthrough if template.api_passthrough else {}
    subject = subject_name(given["Subject"]) if given.get("Subject") else request.subject
    extensions = _extensions(issuer, request, template, given.get("Extensions", {}))
    if not list(subject) and ExtensionOID.SUBJECT_ALTERNATIVE_NAME not in extensions:
        raise refusal(
            "MalformedCSRException", "The certificate signing request has neither a subject nor an alternative name."
        )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if template.is_root else issuer.name)
        .public_key(request.public_key())
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    for value, critical in extensions.values():
        builder = builder.add_extension(value, critical)
    return builder.sign(issuer.private_key, **signature_parameters(signing_algorithm))


def _extensions(
    issuer: Issuer, request: x509.CertificateSigningRequest, template: Template, given: dict[str, Any]
) -> dict[ObjectIdentifier, Extension]:
    """The certificate's extensions by OID: of the template, else of the API, else of the request."""
    candidates = [*template.extensions, *_key_identifiers(issuer, request, template)]
    candidates += _revocation_pointers(issuer, template)
    candidates += [] if template.is_root else _passed_by_api(given)
    candidates += _passed_by_request(request, everything=template.csr_passthrough)
    chosen: dict[ObjectIdentifier, Extension] = {}
    for value, critical in candidates:
        chosen.setdefault(value.oid, (value, critical))
    return chosen


def _key_identifiers(
    issuer: Issuer, request: x509.CertificateSigningRequest, template: Template
) -> Iterator[Extension]:
    yield x509.SubjectKeyIdentifier.from_public_key(request.public_key()), False
    if not template.is_root:
        yield x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer.key_identifier), False


def _revocation_pointers(issuer: Issuer, template: Template) -> Iterator[Extension]:
    if template.is_root:
        return
    if issuer.crl_url:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(issuer.crl_url)], None, None, None)
        yield x509.CRLDistributionPoints([point]), False
    if issuer.ocsp_url:
        responder = x509.UniformResourceIdentifier(issuer.ocsp_url)
        yield (
            x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, responder)]),
            False,
        )


def _passed_by_api(given: dict[str, Any]) -> Iterator[Extension]:
    if given.get("SubjectAlternativeNames"):
        yield x509.SubjectAlternativeName([general_name(name) for name in given["SubjectAlternativeNames"]]), False
    if given.get("KeyUsage"):
        yield key_usage(*(_KEY_USES[name] for name, wanted in given["KeyUsage"].items() if wanted)), True
    if given.get("ExtendedKeyUsage"):
        yield x509.ExtendedKeyUsage([_extended_use(use) for use in given["ExtendedKeyUsage"]]), False
    if given.get("CertificatePolicies"):
        yield x509.CertificatePolicies([_policy(item) for item in given["CertificatePolicies"]]), False
    for item in given.get("CustomExtensions", ()):
        oid = ObjectIdentifier(item["ObjectIdentifier"])
        yield x509.UnrecognizedExtension(oid, base64.b64decode(item["Value"])), item.get("Critical", False)


def _extended_use(use: dict[str, str]) -> ObjectIdentifier:
    if "ExtendedKeyUsageType" in use:
        return _EXTENDED_USES[use["ExtendedKeyUsageType"]]
    return ObjectIdentifier(use["ExtendedKeyUsageObjectIdentifier"])


def _policy(item: dict[str, Any]) -> x509.PolicyInformation:
    qualifiers = [qualifier["Qualifier"]["CpsUri"] for qualifier in item.get("PolicyQualifiers", ())]
    return x509.PolicyInformation(ObjectIdentifier(item["CertPolicyId"]), qualifiers or None)


def _passed_by_request(request: x509.CertificateSigningRequest, *, everything: bool) -> Iterator[Extension]:
    """The request's alternative names, and with ``everything`` its other extensions that the CA does not own."""
    for extension in request.extensions:
        passes = everything and extension.oid not in _CA_OWNED
        if passes or extension.oid == ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
            yield extension.value, extension.critical
