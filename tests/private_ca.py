# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of Private CA share: certificate signing requests, an active CA, calls that wait for AWS."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

TEMPLATE = "arn:aws:acm-pca:::template/{}/V1"
ROOT_TEMPLATE = TEMPLATE.format("RootCACertificate")
LEAF_KEY = ec.generate_private_key(ec.SECP256R1())


@cache
def client(service: str) -> Any:
    """A client of the mocked AWS; making one takes botocore long, so each is made once."""
    return boto3.client(
        service, region_name="us-east-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x" * 40
    )


def make_csr(common_name: str | None = "leaf.example", *extensions: Any, key: Any = LEAF_KEY) -> bytes:
    """A PEM certificate signing request; each one is another, because ECDSA signatures are random."""
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    for value in extensions:
        builder = builder.add_extension(value, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def create_ca(pca: Any, **changes: Any) -> str:
    """Create a root CA of an elliptic curve and return its ARN; it is PENDING_CERTIFICATE."""
    request = {
        "CertificateAuthorityType": "ROOT",
        "CertificateAuthorityConfiguration": {
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": "Test Root", "Organization": "Example", "Country": "DE"},
        },
        **changes,
    }
    return pca.create_certificate_authority(**request)["CertificateAuthorityArn"]


def issue(pca: Any, authority_arn: str, csr: bytes, **changes: Any) -> str:
    """Have a certificate issued and return its ARN."""
    request = {
        "CertificateAuthorityArn": authority_arn,
        "Csr": csr,
        "SigningAlgorithm": "SHA256WITHECDSA",
        "Validity": {"Type": "DAYS", "Value": 7},
        **changes,
    }
    return pca.issue_certificate(**request)["CertificateArn"]


def fetch(pca: Any, authority_arn: str, arn: str) -> dict[str, str]:
    """GetCertificate, once the certificate is there."""
    return patiently(lambda: pca.get_certificate(CertificateAuthorityArn=authority_arn, CertificateArn=arn))


def csr_of(pca: Any, authority_arn: str) -> bytes:
    """The CSR of a CA, once it is there."""
    return patiently(lambda: pca.get_certificate_authority_csr(CertificateAuthorityArn=authority_arn))["Csr"].encode()


def patiently(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Ask again while AWS answers RequestInProgressException."""
    for _attempt in range(200):
        try:
            return ask()
        except ClientError as error:
            if error.response["Error"]["Code"] != "RequestInProgressException":
                raise
            time.sleep(0.005)
    raise AssertionError("still in progress")


def active_root(pca: Any, years: int = 10, **changes: Any) -> str:
    """An ACTIVE root CA."""
    arn = create_ca(pca, **changes)
    signed = issue(pca, arn, csr_of(pca, arn), TemplateArn=ROOT_TEMPLATE, Validity={"Type": "YEARS", "Value": years})
    certificate = fetch(pca, arn, signed)["Certificate"]
    pca.import_certificate_authority_certificate(CertificateAuthorityArn=arn, Certificate=certificate.encode())
    return arn


def load(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def code_of(caught: Any) -> str:
    """AWS's error code of what ``pytest.raises`` caught."""
    return caught.value.response["Error"]["Code"]
