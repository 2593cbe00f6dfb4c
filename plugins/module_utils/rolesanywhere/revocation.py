# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificate revocation lists as files: DER and PEM, and what is in them.

Private CA publishes DER and IAM Roles Anywhere takes PEM. The way from one to the other is base64, so that a Lambda
function needs no cryptography; with it, a CRL is also parsed and its signature checked.
"""

from __future__ import annotations

import base64
import binascii
import re
import textwrap
from collections.abc import Sequence
from typing import Any

from ..errors import InputError
from ..x509 import CRYPTOGRAPHY_IMPORT_ERROR, crl_signed_by, parse_certificate, parse_crl

MAX_PEM_BYTES = 300_000
"""What IAM Roles Anywhere takes, some 5,500 revoked certificates."""

_PEM = re.compile(r"-----BEGIN X509 CRL-----\s+(.+?)\s+-----END X509 CRL-----", re.DOTALL)
_DER_SEQUENCE = 0x30


def der_of(content: str | bytes) -> bytes:
    """The DER form of a CRL that is given in DER, in PEM, or as the base64 of DER.

    :raises InputError: it is none of these, or more than one CRL
    """
    if isinstance(content, bytes) and content[:1] == bytes([_DER_SEQUENCE]):
        return content
    text = content.decode("latin-1") if isinstance(content, bytes) else content
    if "-----BEGIN" in text:
        bodies = _PEM.findall(text)
        if len(bodies) != 1:
            raise InputError(f"the PEM text holds {len(bodies)} CRLs, and has to hold one")
        text = bodies[0]
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"this is no CRL, neither PEM nor the base64 of DER: {error}") from error
    if der[:1] != bytes([_DER_SEQUENCE]):
        raise InputError("this is no CRL: what the base64 holds is not DER")
    return der


def pem_of(der: bytes) -> bytes:
    """The PEM form of a CRL, as IAM Roles Anywhere takes it.

    :raises InputError: it is larger than the service takes
    """
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    pem = f"-----BEGIN X509 CRL-----\n{body}\n-----END X509 CRL-----\n".encode()
    if len(pem) > MAX_PEM_BYTES:
        raise InputError(
            f"the CRL has {len(pem):,} bytes in PEM, and IAM Roles Anywhere takes {MAX_PEM_BYTES:,}: let the trust anchor "
            "look at the distribution point instead (crl_dp_revocation_enabled)"
        )
    return pem


def described(der: bytes) -> dict[str, Any]:
    """What a CRL says, for results; nothing where cryptography is not installed."""
    if CRYPTOGRAPHY_IMPORT_ERROR:
        return {}
    return parse_crl(der).as_result()


def check_issuer(der: bytes, authorities: Sequence[str], whose: str) -> None:
    """Check that one of the CAs signed the CRL.

    :param authorities: their certificates in PEM
    :param whose: whose CAs they are, for the message
    :raises InputError: none did
    """
    if any(crl_signed_by(der, pem) for pem in authorities):
        return
    names = " or ".join(parse_certificate(pem).subject for pem in authorities)
    raise InputError(
        f"the CRL of {parse_crl(der).issuer} is not signed by a certificate authority of {whose}, which is {names}"
    )
