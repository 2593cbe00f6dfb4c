# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What trust anchors, profiles and CRLs have in common: ids, ARNs, aliases, listing, on and off."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .. import clock
from .errors import ResourceNotFoundException, ValidationException

PAGE_SIZE = 50
RESERVED_ALIAS = re.compile(r"aws/", re.IGNORECASE)


@dataclass(frozen=True)
class Kind:
    """A type of resource.

    :param noun: its name in ARNs
    :param member: its name in replies, and the beginning of the names of its id and ARN
    :param limit: how many an account may have in a Region; None: counted elsewhere
    """

    noun: str
    member: str
    limit: int | None


class Collection:
    """The resources of one kind in an account and Region, each in the form that replies have."""

    def __init__(self, kind: Kind, arn_base: str) -> None:
        self.kind = kind
        self._arn_base = arn_base
        self._items: dict[str, dict[str, Any]] = {}

    def __iter__(self) -> Any:
        return iter(self._items.values())

    def arn(self, item: Mapping[str, Any]) -> str:
        return str(item[f"{self.kind.member}Arn"])

    def add(self, values: Mapping[str, Any], alias: str | None) -> dict[str, Any]:
        """:raises ValidationException: the quota is used up, or the alias is taken or reserved"""
        if self.kind.limit is not None and len(self._items) >= self.kind.limit:
            raise ValidationException(f"The limit of {self.kind.limit} resources of type {self.kind.noun} is reached.")
        identifier = str(uuid.uuid4())
        now = clock.now()
        item: dict[str, Any] = {
            f"{self.kind.member}Id": identifier,
            f"{self.kind.member}Arn": f"{self._arn_base}:{self.kind.noun}/{identifier}",
            "createdAt": now,
            "updatedAt": now,
            **values,
        }
        self._set_alias(item, alias)
        self._items[identifier] = item
        return item

    def get(self, identifier: str) -> dict[str, Any]:
        """Look a resource up by id, ARN or alias ARN.

        :raises ResourceNotFoundException: there is none
        """
        for item in self:
            if identifier in (item[f"{self.kind.member}Id"], self.arn(item), item.get("aliasArn")):
                return item
        raise ResourceNotFoundException(f"There is no {self.kind.noun} {identifier}.")

    def by_arn(self, arn: str) -> dict[str, Any]:
        """Look a resource up by its ARN alone, as where AWS takes no alias.

        :raises ResourceNotFoundException: there is none
        """
        for item in self:
            if self.arn(item) == arn:
                return item
        raise ResourceNotFoundException(f"There is no {self.kind.noun} {arn}.")

    def update(self, identifier: str, values: Mapping[str, Any], alias: str | None) -> dict[str, Any]:
        """Change the values that are given, and return the resource as the reply shows it."""
        item = self.get(identifier)
        previous = item.get("aliasName")
        self._set_alias(item, alias)
        item.update({name: value for name, value in values.items() if value is not None})
        item["updatedAt"] = clock.now()
        changed = previous is not None and item.get("aliasName") != previous
        return {**item, "previousAliasName": previous} if changed else item

    def remove(self, identifier: str) -> dict[str, Any]:
        item = self.get(identifier)
        return self._items.pop(item[f"{self.kind.member}Id"])

    def page(self, token: str | None, size: int | None) -> tuple[list[dict[str, Any]], str | None]:
        """One page of the resources, oldest first, and the token of the next."""
        start = int(token or 0)
        end = start + (size or PAGE_SIZE)
        items = sorted(self, key=_creation)
        return items[start:end], str(end) if end < len(items) else None

    def _set_alias(self, item: dict[str, Any], alias: str | None) -> None:
        """None keeps the alias, an empty one removes it."""
        if alias is None:
            return
        if RESERVED_ALIAS.match(alias):
            raise ValidationException("Alias names that begin with aws/ are reserved.")
        if alias and any(other.get("aliasName") == alias and other is not item for other in self):
            raise ValidationException(f"Another {self.kind.noun} has the alias {alias}.")
        item.pop("aliasName", None)
        item.pop("aliasArn", None)
        if alias:
            item.update(aliasName=alias, aliasArn=f"{self._arn_base}:alias/{self.kind.noun}/{alias}")


def _creation(item: Mapping[str, Any]) -> datetime:
    created: datetime = item["createdAt"]
    return created
