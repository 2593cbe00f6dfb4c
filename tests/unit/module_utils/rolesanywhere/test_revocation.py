# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CRLs as files: whatever form they come in, the same DER comes out, and PEM that openssl reads."""

from __future__ import annotations

import base64
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.revocation import (
    check_issuer,
    der_of,
    described,
    pem_of,
)
from tests import pki

CA = pki.authority("Test CA")


def test_every_form_gives_the_same_der() -> None:
    der = CA.crl([1, 0xABCDEF], der=True)
    pem = pem_of(der)
    for form in (der, pem, pem.decode(), base64.b64encode(der).decode(), base64.encodebytes(der)):
        assert der_of(form) == der


def test_the_pem_is_read_by_openssl() -> None:
    pem = pem_of(CA.crl([0xABCDEF], der=True))
    text = subprocess.run(
        ["openssl", "crl", "-noout", "-text"], input=pem, capture_output=True, check=True
    ).stdout.decode()
    assert "Serial Number: ABCDEF" in text


@given(st.binary(max_size=400))
def test_der_survives_the_way_through_pem(tail: bytes) -> None:
    der = b"\x30" + tail
    assert der_of(pem_of(der)) == der


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not DER"),
        ("no CRL at all", "neither PEM nor"),
        (CA.pem, "holds 0 CRLs"),
        (CA.crl().decode() * 2, "holds 2 CRLs"),
        (base64.b64encode(b"text").decode(), "not DER"),
        (b"\xff\xfe", "neither PEM nor"),
    ],
)
def test_what_is_no_crl_is_refused(content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        der_of(content)


def test_a_crl_that_is_too_large_is_refused_with_a_way_out() -> None:
    with pytest.raises(InputError, match=r"300,000: let the trust anchor look at the distribution point"):
        pem_of(b"\x30" + bytes(230_000))


def test_a_crl_says_what_is_in_it() -> None:
    result = described(CA.crl([1, 2, 3], der=True, number=7))
    assert (result["issuer"], result["crl_number"], result["revoked_count"]) == ("CN=Test CA", 7, 3)
    assert result["next_update"] > result["last_update"]


def test_only_der_of_a_crl_is_described() -> None:
    with pytest.raises(InputError, match="not a certificate revocation list"):
        described(b"\x30\x00")


def test_the_ca_that_signed_is_accepted_and_a_namesake_is_not() -> None:
    namesake = pki.authority("Test CA")
    der = CA.crl(der=True)
    check_issuer(der, [namesake.pem, CA.pem], "trust anchor x")
    with pytest.raises(InputError, match=r"CRL of CN=Test CA is not signed by .* trust anchor x, which is CN=Test CA"):
        check_issuer(der, [namesake.pem], "trust anchor x")
