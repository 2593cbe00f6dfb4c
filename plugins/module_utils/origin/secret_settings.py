# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of the secret beside its value: that it exists, its description, its key, its tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..secretsmanager import api
from .secret import create_secret

if TYPE_CHECKING:
    from botocore.client import BaseClient


@dataclass(frozen=True)
class SecretWish:
    """What the secret should be like; None leaves a setting as it is.

    :param tags: with ``purge_tags`` all tags that it should have, without it those that it should have at least
    """

    description: str | None = None
    kms_key_id: str | None = None
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True


def ensure_secret(
    client: BaseClient,
    secret_id: str,
    described: dict[str, Any] | None,
    wish: SecretWish,
    *,
    value_length: int,
    check_mode: bool,
) -> list[str]:
    """Have the secret exist with the settings that are wanted, and tell what that changes.

    :param described: what DescribeSecret answered, None when there is no such secret
    :param value_length: of the first value, in characters
    :raises AwsError: AWS refused
    """
    if described is None:
        if not check_mode:
            tags = [{"Key": key, "Value": value} for key, value in sorted((wish.tags or {}).items())]
            create_secret(
                client,
                secret_id,
                value_length,
                Description=wish.description,
                KmsKeyId=wish.kms_key_id,
                Tags=tags or None,
            )
        return ["secret created"]
    changes = []
    if "DeletedDate" in described:
        changes.append("secret restored")
        if not check_mode:
            api.restore_secret(client, secret_id)
    settings = _different_settings(described, wish)
    if settings:
        changes.append("secret's settings differed")
        if not check_mode:
            api.update_secret(client, secret_id, **settings)
    added, removed = _different_tags(described, wish)
    if added or removed:
        changes.append("secret's tags differed")
        if not check_mode:
            _apply_tags(client, secret_id, added, removed)
    return changes


def _different_settings(described: dict[str, Any], wish: SecretWish) -> dict[str, str]:
    settings = {}
    if wish.description is not None and wish.description != described.get("Description", ""):
        settings["Description"] = wish.description
    key, held = wish.kms_key_id, described.get("KmsKeyId", "alias/aws/secretsmanager")
    # A key may be named by its id or alias, and be answered as the ARN that ends with it.
    if key is not None and key != held and not held.endswith((f"/{key}", f":{key}")):
        settings["KmsKeyId"] = key
    return settings


def _different_tags(described: dict[str, Any], wish: SecretWish) -> tuple[dict[str, str], list[str]]:
    """The tags to add or change, and the keys of those to remove. Tags of AWS's own are left alone."""
    if wish.tags is None:
        return {}, []
    held = {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}
    added = {key: value for key, value in wish.tags.items() if held.get(key) != value}
    removed = [key for key in held if key not in wish.tags and not key.startswith("aws:")] if wish.purge_tags else []
    return added, removed


def _apply_tags(client: BaseClient, secret_id: str, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        api.untag_secret(client, secret_id, removed)
    if added:
        api.tag_secret(client, secret_id, added)
