# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls of IAM Roles Anywhere's control plane, one a function.

Trust anchors, profiles and CRLs have the same operations under other names; a :class:`Kind` holds the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..aws import call, pages

if TYPE_CHECKING:
    from botocore.client import BaseClient

Resource = dict[str, Any]
"""A trust anchor, profile or CRL as AWS describes it."""


@dataclass(frozen=True)
class Kind:
    """A type of resource and what AWS calls it.

    :param noun: for messages
    :param member: the member of replies that holds one; ``<member>Id`` and ``<member>Arn`` name it
    :param method: the ending of its operations' method names
    :param creation: the method that creates one
    """

    noun: str
    member: str
    method: str
    creation: str

    def id_of(self, resource: Mapping[str, Any]) -> str:
        return str(resource[f"{self.member}Id"])

    def arn_of(self, resource: Mapping[str, Any]) -> str:
        return str(resource[f"{self.member}Arn"])


TRUST_ANCHOR = Kind("trust anchor", "trustAnchor", "trust_anchor", "create_trust_anchor")
PROFILE = Kind("profile", "profile", "profile", "create_profile")
CRL = Kind("CRL", "crl", "crl", "import_crl")


def list_all(client: BaseClient, kind: Kind) -> list[Resource]:
    """All resources of a kind in the account and Region, oldest first.

    :raises AwsError: AWS refused
    """
    found = [item for page in pages(client, f"list_{kind.method}s") for item in page.get(f"{kind.member}s", [])]
    return sorted(found, key=lambda item: (item["createdAt"], kind.arn_of(item)))


def get(client: BaseClient, kind: Kind, identifier: str) -> Resource:
    """One resource by its id or ARN.

    :raises AwsError: ``ResourceNotFoundException`` among others
    """
    resource: Resource = call(client, f"get_{kind.method}", **{f"{kind.member}Id": identifier})[kind.member]
    return resource


def create(client: BaseClient, kind: Kind, **members: Any) -> tuple[Resource, bool]:
    """Create a resource, and tell whether botocore sent the request more than once.

    :raises AwsError: AWS refused
    """
    reply = call(client, kind.creation, **members)
    return reply[kind.member], reply["ResponseMetadata"].get("RetryAttempts", 0) > 0


def update(client: BaseClient, kind: Kind, identifier: str, **members: Any) -> Resource:
    """Change members of a resource; those that are not named stay.

    :raises AwsError: AWS refused
    """
    request = {f"{kind.member}Id": identifier, **members}
    resource: Resource = call(client, f"update_{kind.method}", **request)[kind.member]
    return resource


def enable(client: BaseClient, kind: Kind, identifier: str, enabled: bool) -> Resource:
    """Switch a resource on or off.

    :raises AwsError: AWS refused
    """
    operation = f"{'enable' if enabled else 'disable'}_{kind.method}"
    resource: Resource = call(client, operation, **{f"{kind.member}Id": identifier})[kind.member]
    return resource


def delete(client: BaseClient, kind: Kind, identifier: str) -> None:
    """Delete a resource.

    :raises AwsError: AWS refused
    """
    call(client, f"delete_{kind.method}", **{f"{kind.member}Id": identifier})


def put_notifications(client: BaseClient, trust_anchor_id: str, settings: list[dict[str, Any]]) -> Resource:
    """Set when a trust anchor's notifications are sent, for the events that are given.

    :raises AwsError: AWS refused
    """
    reply = call(client, "put_notification_settings", trustAnchorId=trust_anchor_id, notificationSettings=settings)
    resource: Resource = reply["trustAnchor"]
    return resource


def reset_notifications(client: BaseClient, trust_anchor_id: str, events: list[str]) -> Resource:
    """Give AWS's own notification settings back to these events.

    :raises AwsError: AWS refused
    """
    keys = [{"event": event} for event in events]
    reply = call(client, "reset_notification_settings", trustAnchorId=trust_anchor_id, notificationSettingKeys=keys)
    resource: Resource = reply["trustAnchor"]
    return resource


def tags_of(client: BaseClient, arn: str) -> dict[str, str]:
    """The tags of a resource.

    :raises AwsError: AWS refused
    """
    tags = call(client, "list_tags_for_resource", resourceArn=arn).get("tags", [])
    return {tag["key"]: tag["value"] for tag in tags}


def add_tags(client: BaseClient, arn: str, tags: Mapping[str, str]) -> None:
    """Add tags to a resource, or change their values.

    :raises AwsError: AWS refused
    """
    call(client, "tag_resource", resourceArn=arn, tags=tag_list(tags))


def remove_tags(client: BaseClient, arn: str, keys: list[str]) -> None:
    """Remove tags from a resource.

    :raises AwsError: AWS refused
    """
    call(client, "untag_resource", resourceArn=arn, tagKeys=keys)


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in the form that the service takes."""
    return [{"key": key, "value": value} for key, value in tags.items()]
