# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of the Private CA API about the CAs themselves, one function each. All raise :class:`AwsError`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..aws import call, pages

if TYPE_CHECKING:
    from botocore.client import BaseClient

ACM = "acm.amazonaws.com"
ACM_ACTIONS = ["IssueCertificate", "GetCertificate", "ListPermissions"]


def describe_authority(pca: BaseClient, arn: str) -> dict[str, Any]:
    """The API's CertificateAuthority structure."""
    return call(pca, "describe_certificate_authority", CertificateAuthorityArn=arn)["CertificateAuthority"]


def list_authorities(pca: BaseClient) -> Iterator[dict[str, Any]]:
    """Every CA of the account and Region, deleted ones that can be restored included."""
    for page in pages(pca, "list_certificate_authorities"):
        yield from page["CertificateAuthorities"]


def create_authority(pca: BaseClient, **request: Any) -> str:
    """Create a CA and return its ARN."""
    return call(pca, "create_certificate_authority", **request)["CertificateAuthorityArn"]


def update_authority(
    pca: BaseClient, arn: str, *, revocation: Mapping[str, Any] | None = None, status: str | None = None
) -> None:
    """Change how a CA tells of revocations, its status, or both."""
    call(
        pca,
        "update_certificate_authority",
        CertificateAuthorityArn=arn,
        RevocationConfiguration=revocation or None,
        Status=status,
    )


def delete_authority(pca: BaseClient, arn: str, days: int) -> None:
    """Delete a CA; it can be restored for that many days."""
    call(pca, "delete_certificate_authority", CertificateAuthorityArn=arn, PermanentDeletionTimeInDays=days)


def restore_authority(pca: BaseClient, arn: str) -> None:
    """Restore a deleted CA, to the status that it had."""
    call(pca, "restore_certificate_authority", CertificateAuthorityArn=arn)


def get_csr(pca: BaseClient, arn: str) -> str:
    """The CA's certificate signing request, PEM."""
    return call(pca, "get_certificate_authority_csr", CertificateAuthorityArn=arn)["Csr"].strip() + "\n"


def get_authority_certificate(pca: BaseClient, arn: str) -> tuple[str, str]:
    """The CA's certificate and the chain above it, both PEM; a root's chain is empty."""
    answer = call(pca, "get_certificate_authority_certificate", CertificateAuthorityArn=arn)
    chain = answer.get("CertificateChain", "").strip()
    return answer["Certificate"].strip() + "\n", chain + "\n" if chain else ""


def import_authority_certificate(pca: BaseClient, arn: str, certificate: str, chain: str) -> None:
    """Give a CA its certificate, which makes it ACTIVE."""
    call(
        pca,
        "import_certificate_authority_certificate",
        CertificateAuthorityArn=arn,
        Certificate=certificate.encode(),
        CertificateChain=chain.encode() or None,
    )


def list_tags(pca: BaseClient, arn: str) -> dict[str, str]:
    """The CA's tags."""
    return {
        tag["Key"]: tag.get("Value", "")
        for page in pages(pca, "list_tags", CertificateAuthorityArn=arn)
        for tag in page["Tags"]
    }


def tag_authority(pca: BaseClient, arn: str, tags: Mapping[str, str]) -> None:
    """Add tags, or change their values."""
    call(pca, "tag_certificate_authority", CertificateAuthorityArn=arn, Tags=as_tags(tags))


def untag_authority(pca: BaseClient, arn: str, keys: Sequence[str]) -> None:
    """Remove tags, whatever their values."""
    call(pca, "untag_certificate_authority", CertificateAuthorityArn=arn, Tags=[{"Key": key} for key in keys])


def as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the API takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def permits_acm(pca: BaseClient, arn: str) -> bool:
    """Whether ACM may issue and renew certificates with the CA."""
    return any(
        permission["Principal"] == ACM
        for page in pages(pca, "list_permissions", CertificateAuthorityArn=arn)
        for permission in page["Permissions"]
    )


def permit_acm(pca: BaseClient, arn: str) -> None:
    """Let ACM issue and renew certificates with the CA."""
    call(pca, "create_permission", CertificateAuthorityArn=arn, Principal=ACM, Actions=ACM_ACTIONS)


def forbid_acm(pca: BaseClient, arn: str) -> None:
    """Take ACM's permission away."""
    call(pca, "delete_permission", CertificateAuthorityArn=arn, Principal=ACM)


def get_policy(pca: BaseClient, arn: str) -> str:
    """The CA's resource policy, JSON. The error's code is ``ResourceNotFoundException`` when it has none."""
    return call(pca, "get_policy", ResourceArn=arn)["Policy"]


def put_policy(pca: BaseClient, arn: str, policy: str) -> None:
    """Attach a resource policy."""
    call(pca, "put_policy", ResourceArn=arn, Policy=policy)


def delete_policy(pca: BaseClient, arn: str) -> None:
    """Remove the resource policy."""
    call(pca, "delete_policy", ResourceArn=arn)
