# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed nodes as the API shows them: DescribeInstanceInformation, its filters, and hybrid activations."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .. import clock
from ..errors import Refused
from ..nodes import fleet
from ..nodes.fleet import CURRENT_AGENT, Node

LONGEST_VALIDITY = timedelta(days=30)
DEFAULT_VALIDITY = timedelta(hours=24)
NODE_ID = re.compile(r"i-(\w{8}|\w{17})|mi-\w{17}")

MATCHERS: dict[str, Callable[[Node], str | None]] = {
    "InstanceIds": lambda node: node.id,
    "AgentVersion": lambda node: node.agent_version,
    "PingStatus": lambda node: node.ping_status,
    "PlatformTypes": lambda node: node.platform_type,
    "ActivationIds": lambda node: node.activation_id,
    "IamRole": lambda node: node.iam_role,
    "ResourceType": lambda node: "ManagedInstance" if node.is_hybrid else "EC2Instance",
}


def described(region: str, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The ``InstanceInformation`` of all nodes that fit the request's filters, in order of their ids.

    :raises Refused: a filter that AWS does not know, an id that was never registered
    """
    filters = [(item["key"], item["valueSet"]) for item in request.get("InstanceInformationFilterList", [])]
    more = [(item["Key"], item["Values"]) for item in request.get("Filters", [])]
    if filters and more:
        raise Refused("ValidationException", "Use Filters or InstanceInformationFilterList, not both.")
    filters += more
    _check_filters(filters)
    nodes = [node for node in fleet() if node.region == region and node.state == "running"]
    chosen = [node for node in nodes if all(_matches(node, key, values) for key, values in filters)]
    return [_information(node) for node in sorted(chosen, key=lambda node: node.id)]


def targets(region: str, target_list: list[dict[str, Any]]) -> list[Node]:
    """The running nodes that SendCommand's Targets name.

    :raises Refused: InvalidInstanceId, or ValidationException for a key that Run Command does not know
    """
    nodes = [node for node in fleet() if node.region == region and node.state == "running"]
    for target in target_list:
        key, values = target["Key"], target.get("Values", [])
        if key == "InstanceIds":
            nodes = commandable(region, values)
        elif key.startswith("tag:"):
            nodes = [node for node in nodes if node.tags.get(key[4:]) in values]
        else:
            raise Refused("ValidationException", f"Target key {key} is not one of InstanceIds, tag:<key>.")
    return nodes


def commandable(region: str, node_ids: list[str]) -> list[Node]:
    """The nodes with these ids.

    :raises Refused: one of them is not registered or does not run; AWS refuses the whole command then
    """
    nodes = [fleet().get(node_id) for node_id in node_ids]
    refused = [
        node_id
        for node_id, node in zip(node_ids, nodes, strict=True)
        if node is None or node.region != region or node.state != "running"
    ]
    if refused:
        raise Refused("InvalidInstanceId", f"Instances [{', '.join(refused)}] not in a valid state for account")
    return [node for node in nodes if node]


def _check_filters(filters: list[tuple[str, list[str]]]) -> None:
    for key, values in filters:
        if key not in MATCHERS and key != "tag-key" and not key.startswith("tag:"):
            raise Refused("InvalidFilterKey", f"The filter key {key} is not valid.")
        if key == "InstanceIds":
            unknown = [value for value in values if not NODE_ID.fullmatch(value) or not fleet().get(value)]
            if unknown:
                raise Refused("InvalidInstanceId", f"Instance ids {', '.join(unknown)} are not valid")
    if len(filters) > 1 and any(key.startswith("tag") for key, _values in filters):
        raise Refused("ValidationException", "A tag filter cannot be combined with other filters.")


def _matches(node: Node, key: str, values: list[str]) -> bool:
    if key == "tag-key":
        return any(value in node.tags for value in values)
    if key.startswith("tag:"):
        return node.tags.get(key[4:]) in values
    return MATCHERS[key](node) in values


def _information(node: Node) -> dict[str, Any]:
    return {
        "InstanceId": node.id,
        "PingStatus": node.ping_status,
        "LastPingDateTime": clock.now(),
        "AgentVersion": node.agent_version,
        "IsLatestVersion": node.agent_version == CURRENT_AGENT,
        "PlatformType": node.platform_type,
        "PlatformName": "Sandbox Linux",
        "PlatformVersion": "1",
        "ActivationId": node.activation_id,
        "IamRole": node.iam_role,
        "RegistrationDate": node.registered if node.is_hybrid else None,
        "ResourceType": "ManagedInstance" if node.is_hybrid else "EC2Instance",
        "Name": node.name if node.is_hybrid else None,
        "IPAddress": node.address,
        "ComputerName": f"ip-{node.address.replace('.', '-')}",
        "SourceId": node.id,
        "SourceType": "AWS::SSM::ManagedInstance" if node.is_hybrid else "AWS::EC2::Instance",
    }


@dataclass
class Activation:
    """What lets machines outside EC2 register themselves."""

    iam_role: str
    description: str
    default_name: str
    limit: int
    expires: datetime
    tags: dict[str, str]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    code: str = field(default_factory=lambda: secrets.token_urlsafe(15))
    created: datetime = field(default_factory=clock.now)
    registrations: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "ActivationId": self.id,
            "Description": self.description,
            "DefaultInstanceName": self.default_name,
            "IamRole": self.iam_role,
            "RegistrationLimit": self.limit,
            "RegistrationsCount": self.registrations,
            "ExpirationDate": self.expires,
            "Expired": clock.now() >= self.expires,
            "CreatedDate": self.created,
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
        }


class Activations:
    """The hybrid activations of an account in a Region."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._activations: dict[str, Activation] = {}

    def create(self, request: Mapping[str, Any]) -> dict[str, str]:
        """:raises Refused: an expiration date that is past or more than 30 days ahead"""
        expires = clock.now() + DEFAULT_VALIDITY
        if "ExpirationDate" in request:
            expires = datetime.fromtimestamp(request["ExpirationDate"], clock.now().tzinfo)
        if not timedelta(0) < expires - clock.now() <= LONGEST_VALIDITY:
            raise Refused("ValidationException", "The expiration date is not within the next 30 days.")
        activation = Activation(
            iam_role=request["IamRole"],
            description=request.get("Description", ""),
            default_name=request.get("DefaultInstanceName", ""),
            limit=request.get("RegistrationLimit", 1),
            expires=expires,
            tags={tag["Key"]: tag["Value"] for tag in request.get("Tags", [])},
        )
        self._activations[activation.id] = activation
        return {"ActivationId": activation.id, "ActivationCode": activation.code}

    def described(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        chosen = [activation.as_json() for activation in self._activations.values()]
        members = {"ActivationIds": "ActivationId", "DefaultInstanceName": "DefaultInstanceName", "IamRole": "IamRole"}
        for item in request.get("Filters", []):
            chosen = [entry for entry in chosen if entry[members[item["FilterKey"]]] in item["FilterValues"]]
        return chosen

    def delete(self, activation_id: str) -> None:
        """:raises Refused: no such activation"""
        if self._activations.pop(activation_id, None) is None:
            raise Refused("InvalidActivationId", f"The activation ID {activation_id} is not valid.")

    def register(self, activation_id: str, code: str, **attributes: Any) -> Node:
        """Have a new machine register itself, as ``amazon-ssm-agent -register`` does.

        :raises ValueError: a wrong id or code, an expired activation, or one that is used up
        """
        activation = self._activations.get(activation_id)
        if activation is None or activation.code != code:
            raise ValueError("the activation id or code is wrong")
        if clock.now() >= activation.expires or activation.registrations >= activation.limit:
            raise ValueError("the activation has expired or is used up")
        activation.registrations += 1
        attributes.setdefault("name", activation.default_name)
        (node,) = fleet().add(
            1,
            prefix="mi-",
            region=self._region,
            activation_id=activation.id,
            iam_role=activation.iam_role,
            tags=dict(activation.tags),
            **attributes,
        )
        return node
