# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signature of a CreateSession request: Signature Version 4 with an X.509 certificate's key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from moto.core.request import Request

from .errors import AccessDeniedException

AUTHORIZATION = re.compile(
    r"(?P<algorithm>AWS4-X509-(?:RSA|ECDSA)-SHA256) "
    r"Credential=(?P<serial>\d+)/(?P<scope>(?P<day>\d{8})/(?P<region>[^/]+)/rolesanywhere/aws4_request), ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]+)"
)
MUST_BE_SIGNED = {"host", "x-amz-date", "x-amz-x509"}
MAX_SKEW_S = 300


@dataclass(frozen=True)
class Signer:
    """Who signed the request, and for which Region."""

    certificate: x509.Certificate
    chain: list[x509.Certificate]
    region: str


def verified_signer(request: Request, body: bytes) -> Signer:
    """Verify the request's signature with the key of the certificate that it carries.

    Whether that certificate is trusted is another question.

    :raises AccessDeniedException: the signature, or what it has to cover, is wrong
    """
    match = AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if match is None:
        raise AccessDeniedException("The Authorization header is not that of AWS4-X509-RSA-SHA256 or -ECDSA-SHA256.")
    chain = [_certificate(text) for text in request.headers.get("X-Amz-X509-Chain", "").split(",") if text]
    certificate = _certificate(request.headers.get("X-Amz-X509", ""))
    signed = match["headers"].split(";")
    if not MUST_BE_SIGNED.issubset(signed) or (chain and "x-amz-x509-chain" not in signed):
        raise AccessDeniedException("The signature has to cover the headers host, x-amz-date and x-amz-x509*.")
    if int(match["serial"]) != certificate.serial_number:
        raise AccessDeniedException("The credential is not the decimal serial number of the certificate.")
    date = request.headers["X-Amz-Date"]
    _check_date(date, match["day"])
    canonical = hashlib.sha256(_canonical_request(request, body, signed).encode()).hexdigest()
    text = "\n".join([match["algorithm"], date, match["scope"], canonical])
    _verify(certificate, match["algorithm"], bytes.fromhex(match["signature"]), text.encode())
    return Signer(certificate, chain, match["region"])


def _certificate(text: str) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error) as error:
        raise AccessDeniedException("X-Amz-X509 is not the base64 of a certificate in DER.") from error


def _check_date(date: str, day: str) -> None:
    """Clients keep the machine's time, whatever AWS's clock was moved to."""
    try:
        moment = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError as error:
        raise AccessDeniedException("X-Amz-Date is not of the form 20260131T235959Z.") from error
    if abs(moment - time.time()) > MAX_SKEW_S or not date.startswith(day):
        raise AccessDeniedException(f"Signature expired: {date} is more than {MAX_SKEW_S} s from the time.")


def _canonical_request(request: Request, body: bytes, signed: list[str]) -> str:
    query = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(request.query_string.decode(), keep_blank_values=True)
    )
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed]
    return "\n".join(
        [
            request.method,
            request.raw_path,
            "&".join(f"{name}={value}" for name, value in query),
            *headers,
            "",
            ";".join(signed),
            hashlib.sha256(body).hexdigest(),
        ]
    )


def _verify(certificate: x509.Certificate, algorithm: str, signature: bytes, text: bytes) -> None:
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm == "AWS4-X509-RSA-SHA256":
            key.verify(signature, text, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm == "AWS4-X509-ECDSA-SHA256":
            key.verify(signature, text, ec.ECDSA(SHA256()))
        else:
            raise AccessDeniedException(f"{algorithm} does not fit the certificate's key.")
    except InvalidSignature as error:
        raise AccessDeniedException("The request signature does not match the certificate's key.") from error
