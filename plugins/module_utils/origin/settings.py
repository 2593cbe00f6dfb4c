# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the user asks for: one value for module options and the Lambda function's configuration alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from ..errors import InputError
from . import condition, header, rule
from .rule import Action

RetirePrevious = Literal["after_deployed", "next_rotation"]
MIN_VALUE_LENGTH = 32


@dataclass(frozen=True)
class DistributionChoice:
    """A CloudFront distribution, and the origins of it that get the header; None for all custom origins."""

    id: str
    origins: tuple[str, ...] | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> DistributionChoice:
        """A choice from a module's suboptions or a JSON object."""
        origins = options.get("origins")
        return cls(options["id"], None if origins is None else tuple(origins))


@dataclass(frozen=True)
class Settings:
    """Which header, who sends it, who demands it, and how to make sure. Times are seconds."""

    header_name: str = "X-Origin-Verify"
    distributions: tuple[DistributionChoice, ...] = ()
    web_acls: tuple[str, ...] = ()
    rule_groups: tuple[str, ...] = ()
    listener_rules: tuple[str, ...] = ()
    rule_name: str = "OriginVerify"
    rule_priority: int | None = None
    rule_action: Action | None = None
    value_length: int = 64
    retire_previous: RetirePrevious = "after_deployed"
    test_urls: tuple[str, ...] = ()
    test_refused_status: tuple[int, ...] = (403,)
    test_accepted_status: tuple[int, ...] = ()
    test_ca_path: str | None = None
    settle_time: float = 10
    propagation_wait: float = 75
    propagation_timeout: float = 600
    deployment_timeout: float = 1800

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Settings:
        """Settings from a module's options or a JSON object; options that are None keep their default.

        :raises InputError: an option is unknown, or its value cannot be used
        """
        known = {setting.name for setting in fields(cls)}
        unknown = sorted(set(options) - known)
        if unknown:
            raise InputError(f"unknown settings: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in options.items()
            if value is not None
        }
        choices = given.pop("distributions", ())
        return cls(distributions=tuple(map(DistributionChoice.from_options, choices)), **given)._checked()

    def _checked(self) -> Settings:
        header.check_header_name(self.header_name)
        if not self.distributions:
            raise InputError("distributions is empty: name at least one CloudFront distribution")
        if not (self.web_acls or self.rule_groups or self.listener_rules):
            raise InputError("nothing demands the header: name at least one of web_acls, rule_groups, listener_rules")
        limits = [
            ("AWS WAF", bool(self.web_acls or self.rule_groups), rule.MAX_NAME_LENGTH, rule.MAX_VALUE_BYTES),
            ("a listener rule", bool(self.listener_rules), condition.MAX_NAME_LENGTH, condition.MAX_VALUE_LENGTH),
        ]
        for what, used, name_limit, value_limit in limits:
            if used and len(self.header_name) > name_limit:
                raise InputError(
                    f"header name {self.header_name!r} has {len(self.header_name)} characters, "
                    f"{what} takes at most {name_limit}"
                )
            if used and not MIN_VALUE_LENGTH <= self.value_length <= value_limit:
                raise InputError(
                    f"value_length is {self.value_length}: for {what} it must be {MIN_VALUE_LENGTH} to {value_limit}"
                )
        return self
