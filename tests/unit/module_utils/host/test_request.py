# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node sends as a certificate signing request is compared with the record: a node may choose its key alone."""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.host.request import unwanted
from ansible_collections.certwright.aws.plugins.module_utils.host.settings import validated
from ansible_collections.certwright.aws.plugins.module_utils.x509 import parse_certificate, parse_signing_request
from tests import pki

RECORD = validated(
    {
        "host_id": "i-0123456789abcdef0",
        "common_name": "web.example, Inc.",
        "subject": {"organization": "Example", "country": "DE"},
        "subject_alt_names": ["DNS:web.example", "IP:10.0.0.7"],
    }
)
KEY = pki.ec_key()
SUBJECT = (
    (NameOID.COUNTRY_NAME, "DE"),
    (NameOID.ORGANIZATION_NAME, "Example"),
    (NameOID.COMMON_NAME, "web.example, Inc."),
)
NAMES = (x509.IPAddress(ipaddress.ip_address("10.0.0.7")), x509.DNSName("web.example"))


def csr(subject: Any = SUBJECT, names: Any = NAMES, *extensions: x509.ExtensionType) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    )
    for extension in [*([x509.SubjectAlternativeName(names)] if names else []), *extensions]:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def test_what_the_record_asks_for_is_not_unwanted() -> None:
    assert unwanted(RECORD, parse_signing_request(csr())) == []


@pytest.mark.parametrize(
    ("request_der", "said"),
    [
        (csr(SUBJECT[:-1]), "the subject O=Example,C=DE in place of CN=web.example\\, Inc.,O=Example,C=DE"),
        (csr((*SUBJECT[:-1], (NameOID.COMMON_NAME, "admin.example"))), "the subject CN=admin.example"),
        (csr((*SUBJECT, (NameOID.COMMON_NAME, "admin.example"))), "the subject CN=admin.example,CN=web.example"),
        (csr((*SUBJECT, (NameOID.EMAIL_ADDRESS, "a@b.example"))), "the subject 1.2.840.113549.1.9.1=a@b.example"),
        (csr(names=(*NAMES, x509.DNSName("admin.example"))), "the subject alternative names DNS:admin.example, DNS:web"),
        (csr(names=(x509.DNSName("web.example"),)), "the subject alternative names DNS:web.example in place of"),
        (csr(names=()), "the subject alternative names nothing in place of DNS:web.example, IP:10.0.0.7"),
        (csr(SUBJECT, NAMES, x509.BasicConstraints(True, None)), "further extensions 2.5.29.19 in place of nothing"),
    ],
)  # fmt: skip
def test_everything_else_is(request_der: bytes, said: str) -> None:
    (difference,) = unwanted(RECORD, parse_signing_request(request_der))
    assert difference.startswith(said)


WHOLE = csr(SUBJECT, NAMES, x509.BasicConstraints(True, None))
CERTIFICATE = pki.authority().certificate.public_bytes(Encoding.DER)
CHANGES = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), min_size=1, max_size=4)


def changed(der: bytes, changes: list[tuple[int, int]]) -> bytes:
    bytes_of = bytearray(der)
    for place, value in changes:
        bytes_of[place % len(der)] = value
    return bytes(bytes_of)


@given(CHANGES)
@settings(max_examples=1000)
def test_a_made_up_request_is_refused_or_compared(changes: list[tuple[int, int]]) -> None:
    """Nothing that a node can send ends in another exception than the one that fails this node alone."""
    try:
        parsed = parse_signing_request(changed(WHOLE, changes))
    except InputError:
        return
    assert unwanted(RECORD, parsed)


@given(CHANGES)
@settings(max_examples=1000)
def test_a_made_up_certificate_is_refused_or_parsed(changes: list[tuple[int, int]]) -> None:
    with contextlib.suppress(InputError):
        parse_certificate(ssl.DER_cert_to_PEM_cert(changed(CERTIFICATE, changes)))
