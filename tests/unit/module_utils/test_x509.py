# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parsing, with openssl as the judge of what certificates and requests say."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import subprocess
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.x509 import (
    certificate_der,
    crl_signed_by,
    distinguished_name,
    is_signed_by,
    iso,
    normalized_serial,
    parse_certificate,
    parse_crl,
    parse_signing_request,
    serial_text,
    split_chain,
)
from tests import pki

NAMES = x509.SubjectAlternativeName(
    [
        x509.DNSName("www.example.com"),
        x509.IPAddress(ipaddress.ip_address("10.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
        x509.RFC822Name("ops@example.com"),
        x509.UniformResourceIdentifier("spiffe://example.com/web"),
    ]
)
NAME_TEXTS = (
    "DNS:www.example.com",
    "IP:10.0.0.1",
    "IP:2001:db8::1",
    "email:ops@example.com",
    "URI:spiffe://example.com/web",
)
CA = pki.authority(path_length=0)
LEAF = CA.issue("node", extensions=[NAMES])
OTHER_CA = pki.authority()


def openssl(*arguments: str, given: str | bytes) -> str:
    data = given.encode() if isinstance(given, str) else given
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout.decode().strip()


def request(key, *, tampered: bool = False) -> bytes:
    """A certificate signing request in DER."""
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "node")]))
        .add_extension(NAMES, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    der = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    return der.replace(b"node", b"nope") if tampered else der


def pem_of(der: bytes, label: str) -> str:
    lines = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{lines}-----END {label}-----\n"


def test_a_certificate_says_what_openssl_says():
    parsed = parse_certificate(LEAF.pem)
    said = openssl("x509", "-noout", "-serial", "-fingerprint", "-sha256", given=LEAF.pem)
    serial, fingerprint = (line.partition("=")[2] for line in said.splitlines())
    public_key = openssl("x509", "-noout", "-pubkey", given=LEAF.pem)
    public_der = base64.b64decode("".join(public_key.splitlines()[1:-1]))
    assert parsed.serial == normalized_serial(serial)
    assert parsed.fingerprint_sha256 == fingerprint.replace(":", "").lower()
    assert parsed.public_key_sha256 == hashlib.sha256(public_der).hexdigest()
    assert parsed.subject_alt_names == NAME_TEXTS
    assert (parsed.subject, parsed.issuer, parsed.common_name) == ("CN=node", "CN=Test CA", "node")
    assert (parsed.is_ca, parsed.self_signed, parsed.path_length) == (False, False, None)
    assert parsed.not_after - parsed.not_before == timedelta(hours=25)
    assert parsed.not_after.tzinfo is timezone.utc


def test_a_ca_says_that_it_is_one():
    parsed = parse_certificate(CA.pem.encode())
    assert (parsed.is_ca, parsed.self_signed, parsed.path_length, parsed.subject_alt_names) == (True, True, 0, ())


def test_the_result_of_a_certificate_is_plain():
    result = parse_certificate(LEAF.pem).as_result()
    assert result["certificate"] == LEAF.pem
    assert result["subject_alt_names"] == list(NAME_TEXTS)
    assert datetime.fromisoformat(result["not_after"]) == parse_certificate(LEAF.pem).not_after


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa.generate_private_key(65537, 2048), "RSA_2048"),
        (rsa.generate_private_key(65537, 3072), "RSA_3072"),
        (ec.generate_private_key(ec.SECP256R1()), "EC_prime256v1"),
        (ec.generate_private_key(ec.SECP384R1()), "EC_secp384r1"),
        (ec.generate_private_key(ec.SECP521R1()), "EC_secp521r1"),
    ],
)
def test_kinds_of_keys(key, algorithm):
    assert parse_certificate(pki.entity("node", key=key).pem).key_algorithm == algorithm
    assert parse_signing_request(request(key)).key_algorithm == algorithm


def test_a_kind_of_key_that_the_collection_does_not_make_has_a_name_too():
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    certificate = CA.issue("node", key=type("Key", (), {"public_key": lambda self: key})())
    assert "Ed25519" in parse_certificate(certificate.pem).key_algorithm


def test_a_request_in_pem_and_der():
    der = request(pki.ec_key())
    pem = openssl("req", "-inform", "DER", given=der) + "\n"
    from_der, from_pem = parse_signing_request(der), parse_signing_request(pem)
    assert from_der == from_pem == parse_signing_request(pem.encode())
    assert (from_der.der, from_der.pem) == (der, pem)
    assert (from_der.subject, from_der.common_name, from_der.subject_alt_names) == ("CN=node", "node", NAME_TEXTS)
    assert from_der.other_extensions == ("2.5.29.19",)


def test_a_request_that_its_key_did_not_sign_is_refused():
    with pytest.raises(InputError, match="not signed by the key that it names"):
        parse_signing_request(request(pki.ec_key(), tampered=True))


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_certificate, ""),
        (parse_certificate, "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n"),
        (parse_certificate, LEAF.pem[:-60]),
        (parse_signing_request, "certificate please"),
        (parse_signing_request, LEAF.pem),
        (parse_signing_request, b""),
        (certificate_der, "no certificate"),
        (parse_crl, b"no list"),
    ],
)
def test_what_is_none_is_refused(parse, text):
    with pytest.raises(InputError, match="this is not a "):
        parse(text)


def damaged(der: bytes):
    """Data that was almost good: some bytes of it are others."""
    places = st.dictionaries(st.integers(0, len(der) - 1), st.integers(0, 255), min_size=1, max_size=4)
    return places.map(lambda changes: bytes(changes.get(place, byte) for place, byte in enumerate(der)))


def read_or_refused(parse, data):
    """Whether data was read; when not, that it was refused and nothing worse."""
    try:
        parse(data)
    except InputError:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(damaged(certificate_der(LEAF.pem)))
def test_a_damaged_certificate_is_read_or_refused(der):
    pem = pem_of(der, "CERTIFICATE")
    read_or_refused(parse_certificate, pem)
    read_or_refused(certificate_der, pem)
    read_or_refused(lambda text: is_signed_by(text, CA.pem), pem)


REQUEST = request(pki.ec_key())


@settings(max_examples=150, deadline=None)
@given(damaged(REQUEST))
def test_a_damaged_request_is_refused(der):
    assert read_or_refused(parse_signing_request, der) == (der == REQUEST)


@settings(max_examples=100, deadline=None)
@given(damaged(CA.crl([1, 2], der=True)))
def test_a_damaged_list_is_read_or_refused(der):
    read_or_refused(parse_crl, der)
    read_or_refused(lambda data: crl_signed_by(data, CA.pem), der)


def test_a_chain_is_split_in_its_order():
    noise = "subject=CN = node\n"
    assert split_chain(noise + LEAF.pem + "\n" + noise + CA.pem) == [LEAF.pem, CA.pem]
    assert split_chain("") == []


def test_der_is_what_openssl_makes():
    der = certificate_der(LEAF.pem)
    assert openssl("x509", "-inform", "DER", given=der) + "\n" == LEAF.pem


def test_who_signed_a_certificate():
    assert is_signed_by(LEAF.pem, CA.pem)
    assert is_signed_by(CA.pem, CA.pem)
    assert not is_signed_by(LEAF.pem, OTHER_CA.pem)
    assert not is_signed_by(CA.pem, LEAF.pem)


def test_a_revocation_list():
    crl = parse_crl(CA.crl([0xAB, 0x10], der=True, number=7))
    assert (crl.issuer, crl.number, crl.serials) == ("CN=Test CA", 7, ("AB", "10"))
    result = crl.as_result()
    assert (result["revoked_count"], result["crl_number"]) == (2, 7)
    assert result["next_update"] > result["last_update"]


def test_who_signed_a_revocation_list():
    der = CA.crl([1], der=True)
    assert crl_signed_by(der, CA.pem)
    assert not crl_signed_by(der, OTHER_CA.pem)
    with pytest.raises(InputError, match="not a PEM certificate"):
        crl_signed_by(der, "no certificate")


@given(st.integers(1, 2**512 - 1))
def test_a_serial_in_any_form(serial):
    digits = f"{serial:x}"
    even = digits.zfill(len(digits) + len(digits) % 2)
    colons = ":".join(even[place : place + 2] for place in range(0, len(even), 2))
    for form in (digits, digits.upper(), f"0x{digits}", f"0X{digits}", f" {colons}\n", even.zfill(128)):
        assert normalized_serial(form) == serial_text(serial)


@pytest.mark.parametrize("text", ["", "xyz", "0x", "12 34", "-1", "1" * 129, "0x0x1"])
def test_a_serial_that_is_none(text):
    with pytest.raises(InputError, match="is not a hexadecimal number"):
        normalized_serial(text)


def test_a_moment_as_results_show_it():
    east = timezone(timedelta(hours=2))
    assert iso(datetime(2026, 1, 10, 1, 2, 3, 999, tzinfo=east)) == "2026-01-09T23:02:03Z"


def test_a_name_as_requests_hold_it():
    name = distinguished_name([("C", "DE"), ("O", "Example, Inc."), ("CN", "node")])
    assert name == "CN=node,O=Example\\, Inc.,C=DE"
