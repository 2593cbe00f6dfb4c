# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of the Private CA API about certificates, one function each. All raise :class:`AwsError`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..aws import call

if TYPE_CHECKING:
    from botocore.client import BaseClient

IN_PROGRESS = "RequestInProgressException"
NOT_FOUND = "ResourceNotFoundException"
REQUEST_FAILED = "RequestFailedException"


def issue_certificate(
    pca: BaseClient,
    *,
    authority_arn: str,
    csr: str,
    signing_algorithm: str,
    validity: dict[str, Any],
    template_arn: str,
    token: str,
) -> str:
    """Have the CA issue, and return the certificate's ARN. The same token within five minutes gives the same one."""
    return call(
        pca,
        "issue_certificate",
        CertificateAuthorityArn=authority_arn,
        Csr=csr.encode(),
        SigningAlgorithm=signing_algorithm,
        Validity=validity,
        TemplateArn=template_arn,
        IdempotencyToken=token,
    )["CertificateArn"]


def get_certificate(pca: BaseClient, authority_arn: str, certificate_arn: str) -> tuple[str, str]:
    """The certificate and the chain above it, both PEM; the chain of a root's own certificate is empty.

    The error's code is :data:`IN_PROGRESS` until the CA has issued, :data:`NOT_FOUND` when it does not know the ARN.
    """
    answer = call(pca, "get_certificate", CertificateAuthorityArn=authority_arn, CertificateArn=certificate_arn)
    return answer["Certificate"].strip() + "\n", _with_newline(answer.get("CertificateChain", ""))


def revoke_certificate(pca: BaseClient, authority_arn: str, serial: str, reason: str) -> None:
    """Revoke by serial, in the colon form that AWS documents."""
    call(
        pca,
        "revoke_certificate",
        CertificateAuthorityArn=authority_arn,
        CertificateSerial=serial,
        RevocationReason=reason,
    )


def _with_newline(pem: str) -> str:
    return pem.strip() + "\n" if pem.strip() else ""
