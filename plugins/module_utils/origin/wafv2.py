# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS WAF: one function for each call that the collection makes. Web ACLs and rule groups are handled alike."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..aws import call
from ..errors import AwsError, InputError
from .lossless import refuse_losses, watch

if TYPE_CHECKING:
    from botocore.client import BaseClient

CONFLICTS = ("WAFOptimisticLockException",)
"""Codes that an update answers when somebody else has changed the resource since it was read."""
NOT_YET = ("WAFUnavailableEntityException",)
"""Codes that say that WAF is still making something available that was made or changed just now."""
MAX_WEB_ACL_WCU = 5000

_ARN = re.compile(
    r"arn:[^:]+:wafv2:(?P<region>[^:]+):\d{12}:(?P<scope>regional|global)/"
    r"(?P<kind>webacl|rulegroup)/(?P<name>[^/]+)/(?P<id>[^/]+)"
)


@dataclass(frozen=True)
class WafResource:
    """A web ACL or a rule group, as its ARN names it."""

    arn: str
    kind: Literal["web ACL", "rule group"]
    name: str
    id: str
    region: str

    @property
    def member(self) -> str:
        """What the API calls it: ``WebACL`` or ``RuleGroup``."""
        return "WebACL" if self.kind == "web ACL" else "RuleGroup"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def parse_arn(arn: str, kind: Literal["web ACL", "rule group"]) -> WafResource:
    """Read the ARN of a REGIONAL web ACL or rule group.

    :raises InputError: it is the ARN of something else
    """
    found = _ARN.fullmatch(arn)
    if not found or found["kind"] != kind.replace(" ", "").lower():
        raise InputError(
            f"{arn!r} is not the ARN of a {kind}: it looks like "
            f"arn:aws:wafv2:REGION:ACCOUNT:regional/{kind.replace(' ', '').lower()}/NAME/ID"
        )
    if found["scope"] == "global":
        raise InputError(
            f"{kind} {found['name']} has the scope CLOUDFRONT, it guards the edge: "
            f"the header is demanded at the origin, name the REGIONAL {kind} there"
        )
    return WafResource(arn, kind, found["name"], found["id"], found["region"])


def get(client: BaseClient, resource: WafResource) -> tuple[dict[str, Any], str]:
    """The settings of a web ACL or rule group, and the lock token for their update.

    :raises InputError: it does not exist
    :raises StateError: botocore does not know all of the settings
    :raises AwsError: AWS refused
    """
    watch(client, f"Get{resource.member}")
    operation = "get_web_acl" if resource.kind == "web ACL" else "get_rule_group"
    try:
        answer = call(client, operation, Name=resource.name, Scope="REGIONAL", Id=resource.id)
    except AwsError as error:
        if error.code == "WAFNonexistentItemException":
            raise InputError(f"{resource} ({resource.arn}) does not exist") from error
        raise
    refuse_losses(answer, resource.member, str(resource))
    return answer[resource.member], answer["LockToken"]


def update(client: BaseClient, resource: WafResource, settings: dict[str, Any], lock_token: str) -> None:
    """Replace the settings of a web ACL or rule group.

    Whatever the update takes is sent back as :func:`get` returned it: what is left out would be erased.

    :raises AwsError: AWS refused; one of :data:`CONFLICTS` when it was changed in between
    """
    operation = "update_web_acl" if resource.kind == "web ACL" else "update_rule_group"
    taken: Any = client.meta.service_model.operation_model(f"Update{resource.member}").input_shape
    # WAF answers an empty Description where there is none, and takes none that is empty.
    sent = {name: value for name, value in settings.items() if name in taken.members and value != ""}
    call(client, operation, **{**sent, "Scope": "REGIONAL", "LockToken": lock_token})


def check_capacity(client: BaseClient, rules: list[dict[str, Any]]) -> int:
    """Capacity units (WCU) that rules need.

    Statements alone need capacity. Actions are left out, for they may refer to custom responses, which the call is not
    given.

    :raises AwsError: AWS refused
    """
    plain = [{**rule, "Action": {"Block": {}}} if "Action" in rule else rule for rule in rules]
    return call(client, "check_capacity", Scope="REGIONAL", Rules=plain)["Capacity"]
