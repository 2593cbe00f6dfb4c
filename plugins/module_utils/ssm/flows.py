# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents in an account: there with the content that is wanted, or not there.

A document's default version is the one that runs. Versions are never changed, only added; what is compared is the
SHA-256 of their content.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import AwsError, InputError, StateError, WaitTimeout
from . import api
from .documents import document_hash

if TYPE_CHECKING:
    from botocore.client import BaseClient

NAME = re.compile(r"[a-zA-Z0-9_.-]{3,128}")
RESERVED_PREFIXES = ("aws", "amazon", "amzn")
MISSING = "InvalidDocument"
ALREADY_THERE = "DocumentAlreadyExists"
SAME_CONTENT = "DuplicateDocumentContent"


@dataclass(frozen=True)
class Document:
    """A document in the account; ``version`` is its default one, whose content ``sha256`` is of."""

    name: str
    sha256: str
    version: str
    latest_version: str
    tags: Mapping[str, str] = field(default_factory=dict)

    def as_result(self) -> dict[str, Any]:
        """The fields as the module returns them."""
        return {
            "name": self.name,
            "hash": self.sha256,
            "default_version": self.version,
            "latest_version": self.latest_version,
            "tags": dict(self.tags),
        }


def ensure_document(
    ssm: BaseClient,
    name: str,
    content: str,
    *,
    tags: Mapping[str, str] | None = None,
    purge_tags: bool = True,
    wait_timeout: float = 60,
    check_mode: bool = False,
) -> tuple[Document | None, Document]:
    """Have a document whose default version has this content, and return it as it was and as it is.

    :param tags: None leaves the tags as they are
    :raises InputError: the name or the content is none that AWS takes
    :raises WaitTimeout: the document did not become usable in time
    """
    _check(name, content)
    before = find_document(ssm, name)
    if before is None:
        after = Document(name, document_hash(content), "1", "1", tags or {})
        if not check_mode:
            _create(ssm, name, content, tags or {})
            _wait_until_active(ssm, name, wait_timeout)
        return None, after
    after = _with_content(ssm, before, content, wait_timeout, check_mode)
    return before, _with_tags(ssm, after, tags, purge_tags, check_mode)


def ensure_no_document(ssm: BaseClient, name: str, *, check_mode: bool = False) -> Document | None:
    """Delete a document with all its versions, and return what it was; None when there was none."""
    before = find_document(ssm, name)
    if before is not None and not check_mode:
        try:
            api.delete_document(ssm, name)
        except AwsError as error:
            if error.code != MISSING:  # a call whose reply was lost, and which botocore repeated, had deleted it
                raise
    return before


def find_document(ssm: BaseClient, name: str) -> Document | None:
    """The document of that name in this account, or None."""
    try:
        found = api.describe_document(ssm, name)
    except AwsError as error:
        if error.code == MISSING:
            return None
        raise
    tags = {tag["Key"]: tag["Value"] for tag in api.list_tags(ssm, name)}
    return Document(name, found["Hash"], found["DocumentVersion"], found["LatestVersion"], tags)


def _check(name: str, content: str) -> None:
    if not NAME.fullmatch(name) or name.lower().startswith(RESERVED_PREFIXES):
        raise InputError(
            f"name: {name!r} is no name for a document; it has 3 to 128 letters, digits and _.- "
            f"and does not begin with {', '.join(RESERVED_PREFIXES)}"
        )
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise InputError(f"content: it is not JSON: {error}") from error
    if not isinstance(parsed, dict) or "schemaVersion" not in parsed:
        raise InputError("content: it is no document; a document is a JSON object with a schemaVersion")


def _create(ssm: BaseClient, name: str, content: str, tags: Mapping[str, str]) -> None:
    try:
        api.create_document(ssm, name, content, _as_list(tags))
    except AwsError as error:
        # A call whose reply was lost, and which botocore repeated, may have created it.
        created = find_document(ssm, name) if error.code == ALREADY_THERE else None
        if created is None or created.sha256 != document_hash(content):
            raise


def _with_content(ssm: BaseClient, document: Document, content: str, wait_timeout: float, check_mode: bool) -> Document:
    """Make a version with the content the default one: a new one, or the one that has it."""
    wanted = document_hash(content)
    if document.sha256 == wanted:
        return document
    if check_mode:
        following = str(int(document.latest_version) + 1)
        return replace(document, sha256=wanted, version=following, latest_version=following)
    try:
        version = latest = api.update_document(ssm, document.name, content)
    except AwsError as error:
        if error.code != SAME_CONTENT:
            raise
        version, latest = _version_with(ssm, document.name, wanted), document.latest_version
    _wait_until_active(ssm, document.name, wait_timeout, version)
    api.set_default_version(ssm, document.name, version)
    return replace(document, sha256=wanted, version=version, latest_version=latest)


def _version_with(ssm: BaseClient, name: str, wanted: str) -> str:
    """The version with a content, of which AWS says only that there is one."""
    for listed in api.list_document_versions(ssm, name):
        version = listed["DocumentVersion"]
        if api.describe_document(ssm, name, version)["Hash"] == wanted:
            return version
    raise StateError(
        f"AWS says that a version of document {name} has this content, but lists none with its SHA-256 {wanted}"
    )


def _wait_until_active(ssm: BaseClient, name: str, wait_timeout: float, version: str | None = None) -> None:
    """AWS takes a moment until a new version can be run."""
    deadline = time.monotonic() + wait_timeout
    while (found := api.describe_document(ssm, name, version))["Status"] != "Active":
        if found["Status"] == "Failed":
            raise StateError(
                f"AWS could not make document {name}: {found.get('StatusInformation', 'it does not say why')}"
            )
        if time.monotonic() >= deadline:
            raise WaitTimeout(
                f"waited {wait_timeout:g} s for document {name} to become Active; it is {found['Status']}"
            )
        time.sleep(0.5)


def _with_tags(
    ssm: BaseClient, document: Document, tags: Mapping[str, str] | None, purge: bool, check_mode: bool
) -> Document:
    if tags is None:
        return document
    added = {key: value for key, value in tags.items() if document.tags.get(key) != value}
    removed = [key for key in document.tags if purge and key not in tags and not key.startswith("aws:")]
    if added and not check_mode:
        api.add_tags(ssm, document.name, _as_list(added))
    if removed and not check_mode:
        api.remove_tags(ssm, document.name, removed)
    return replace(
        document, tags={key: value for key, value in {**document.tags, **tags}.items() if key not in removed}
    )


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
