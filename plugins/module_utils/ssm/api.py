# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of the Systems Manager API, one function each. All raise :class:`AwsError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..aws import call, pages

if TYPE_CHECKING:
    from botocore.client import BaseClient


def send_command(
    ssm: BaseClient,
    *,
    document_name: str,
    document_hash: str,
    node_ids: Sequence[str],
    parameters: Mapping[str, str],
    delivery_timeout: int,
    comment: str,
) -> str:
    """Have at most 50 nodes run the default version of a document if its SHA-256 is the given one; return the command's id.

    :param delivery_timeout: seconds, from 30, after which a node that did not begin never will
    """
    return call(
        ssm,
        "send_command",
        DocumentName=document_name,
        DocumentVersion="$DEFAULT",
        DocumentHash=document_hash,
        DocumentHashType="Sha256",
        InstanceIds=list(node_ids),
        Parameters={name: [value] for name, value in parameters.items()},
        TimeoutSeconds=delivery_timeout,
        Comment=comment,
        # One node that fails must not keep the others from starting.
        MaxConcurrency="100%",
        MaxErrors="100%",
    )["Command"]["CommandId"]


def list_invocations(ssm: BaseClient, command_id: str) -> list[dict[str, Any]]:
    """The API's CommandInvocation structures, with outputs cut at 2,500 characters; shortly after SendCommand, none."""
    found = pages(
        ssm, "list_command_invocations", CommandId=command_id, Details=True, PaginationConfig={"PageSize": 50}
    )
    return [invocation for page in found for invocation in page["CommandInvocations"]]


def get_invocation(ssm: BaseClient, command_id: str, node_id: str) -> dict[str, Any]:
    """What one node did, with up to 24,000 characters of its output."""
    return call(ssm, "get_command_invocation", CommandId=command_id, InstanceId=node_id)


def describe_document(ssm: BaseClient, name: str, version: str | None = None) -> dict[str, Any]:
    """The API's Document structure of a version, by default of the default one."""
    return call(ssm, "describe_document", Name=name, DocumentVersion=version)["Document"]


def get_document(ssm: BaseClient, name: str, version: str) -> str:
    """The content of a version as it was given."""
    return call(ssm, "get_document", Name=name, DocumentVersion=version, DocumentFormat="JSON")["Content"]


def list_document_versions(ssm: BaseClient, name: str) -> list[dict[str, Any]]:
    """All versions that are kept, as the API's DocumentVersionInfo structures."""
    found = pages(ssm, "list_document_versions", Name=name)
    return [version for page in found for version in page["DocumentVersions"]]


def create_document(ssm: BaseClient, name: str, content: str, tags: Sequence[Mapping[str, str]]) -> None:
    """Create a document for Run Command on any node."""
    call(
        ssm,
        "create_document",
        Name=name,
        Content=content,
        DocumentType="Command",
        DocumentFormat="JSON",
        TargetType="/",
        Tags=list(tags) or None,
    )


def update_document(ssm: BaseClient, name: str, content: str) -> str:
    """Add a version, which is not the default yet, and return its number."""
    answer = call(
        ssm,
        "update_document",
        Name=name,
        Content=content,
        DocumentFormat="JSON",
        TargetType="/",
        DocumentVersion="$LATEST",
    )
    return answer["DocumentDescription"]["DocumentVersion"]


def set_default_version(ssm: BaseClient, name: str, version: str) -> None:
    call(ssm, "update_document_default_version", Name=name, DocumentVersion=version)


def delete_document(ssm: BaseClient, name: str) -> None:
    """Delete a document with all its versions."""
    call(ssm, "delete_document", Name=name)


def list_tags(ssm: BaseClient, name: str) -> list[dict[str, str]]:
    return call(ssm, "list_tags_for_resource", ResourceType="Document", ResourceId=name)["TagList"]


def add_tags(ssm: BaseClient, name: str, tags: Sequence[Mapping[str, str]]) -> None:
    call(ssm, "add_tags_to_resource", ResourceType="Document", ResourceId=name, Tags=list(tags))


def remove_tags(ssm: BaseClient, name: str, keys: Sequence[str]) -> None:
    call(ssm, "remove_tags_from_resource", ResourceType="Document", ResourceId=name, TagKeys=list(keys))
