# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demanding side: what stands before the origin and lets in only requests with the right header.

All gates share one interface: :meth:`Gate.accepted` tells which values a gate accepts, None when it does not look at
the header and so lets everything in; :meth:`Gate.accept` changes that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ..errors import InputError
from . import condition, elbv2, rule, wafv2
from .optimistic import rewrite
from .redaction import hiding
from .settings import Settings
from .timer import Timer
from .wafv2 import WafResource

if TYPE_CHECKING:
    from botocore.client import BaseClient

Accepted: TypeAlias = "list[str] | None"
Choose = Callable[[Accepted], Accepted]
"""Given the values that a gate accepts, those that it should accept; None to leave it alone.

It is called after the gate was read and before it is written, so what it looks up is as fresh as what it decides on.
"""


class Gate(Protocol):
    """A web ACL, a rule group or a listener rule."""

    arn: str

    def accepted(self) -> Accepted:
        """The values that the gate accepts now."""

    def check(self, values: Sequence[str]) -> None:
        """Refuse a gate that could not be made to accept ``values`` beside those that it accepts.

        :raises InputError: with the reason
        """

    def accept(self, choose: Choose, *, check_mode: bool = False) -> bool:
        """Have the gate accept exactly what ``choose`` says, and tell whether that is a change.

        :raises AwsError: AWS refused
        """

    def check_removal(self) -> None:
        """Refuse to stop demanding the header where that would shut everybody out.

        :raises InputError: with the reason
        """

    def remove(self) -> None:
        """Have the gate demand the header no longer.

        :raises AwsError: AWS refused
        """


def together(accepted: Sequence[str], values: Sequence[str]) -> list[str]:
    """What is accepted, and ``values`` too."""
    return list(dict.fromkeys([*accepted, *values]))


def _in_held_order(accepted: Accepted, wanted: list[str]) -> list[str]:
    """What is wanted, in the order in which it is accepted already where that is the same."""
    return accepted if accepted is not None and sorted(accepted) == sorted(wanted) else wanted


@dataclass(frozen=True)
class _WafState:
    settings: dict[str, Any]
    lock_token: str

    @property
    def rules(self) -> list[dict[str, Any]]:
        return self.settings.get("Rules", [])

    @property
    def default_action(self) -> str | None:
        """``Allow`` or ``Block``; None for a rule group, which has none."""
        return next(iter(self.settings.get("DefaultAction", {})), None)


class WafGate:
    """A rule of a web ACL or of a rule group."""

    def __init__(self, client: BaseClient, resource: WafResource, settings: Settings, timer: Timer) -> None:
        self._client = client
        self._resource = resource
        self._settings = settings
        self._timer = timer
        self.arn = resource.arn

    def accepted(self) -> Accepted:
        return self._accepted(self._read())

    def check(self, values: Sequence[str]) -> None:
        state = self._read()
        accepted = self._accepted(state) or []
        every = together(accepted, values)
        for value in every:
            if len(value) > rule.MAX_VALUE_BYTES:
                raise InputError(f"{self._resource} compares at most {rule.MAX_VALUE_BYTES} bytes, a value is longer")
        planned = self._with_rule(state, every)
        self._check_purpose(state, planned)
        if len(every) > len(accepted):
            self._check_capacity(state, planned)

    def accept(self, choose: Choose, *, check_mode: bool = False) -> bool:
        def plan(state: _WafState) -> list[dict[str, Any]] | None:
            accepted = self._accepted(state)
            wanted = choose(accepted)
            if wanted is None:
                return None
            planned = self._with_rule(state, _in_held_order(accepted, wanted))
            return planned if planned != state.rules else None

        return self._rewrite(plan, check_mode)

    def check_removal(self) -> None:
        state = self._read()
        ours = self._rule(state)
        others_allow = any("Allow" in other.get("Action", {}) for other in state.rules if other is not ours)
        if ours and "Allow" in ours.get("Action", {}) and state.default_action == "Block" and not others_allow:
            raise InputError(
                f"{self._resource} blocks by default and only its rule {ours['Name']} allows: without it every request "
                "would be refused; first set the default action to Allow, or add another rule that allows"
            )

    def remove(self) -> None:
        def plan(state: _WafState) -> list[dict[str, Any]] | None:
            ours = self._rule(state)
            return [other for other in state.rules if other is not ours] if ours else None

        self._rewrite(plan, check_mode=False)

    def _rewrite(self, plan: Callable[[_WafState], list[dict[str, Any]] | None], check_mode: bool) -> bool:
        conflicts = (*wafv2.CONFLICTS, *wafv2.NOT_YET)
        return rewrite(self._read, plan, self._write, conflicts=conflicts, timer=self._timer, check_mode=check_mode)

    def _read(self) -> _WafState:
        return _WafState(*wafv2.get(self._client, self._resource))

    def _write(self, state: _WafState, rules: list[dict[str, Any]]) -> None:
        written = _WafState({**state.settings, "Rules": rules}, state.lock_token)
        with hiding([*(self._accepted(state) or []), *(self._accepted(written) or [])]):
            wafv2.update(self._client, self._resource, written.settings, state.lock_token)

    def _rule(self, state: _WafState) -> dict[str, Any] | None:
        return next((held for held in state.rules if held["Name"] == self._settings.rule_name), None)

    def _accepted(self, state: _WafState) -> Accepted:
        ours = self._rule(state)
        return rule.accepted_values(ours, self._settings.header_name) if ours else None

    def _with_rule(self, state: _WafState, values: Sequence[str]) -> list[dict[str, Any]]:
        """The rules with ours accepting ``values``, the others as they are and where they are.

        :raises InputError: another rule has our priority
        """
        wish, ours = self._settings, self._rule(state)
        priority = wish.rule_priority
        if priority is None:
            priority = ours["Priority"] if ours else 0
        for other in state.rules:
            if other is not ours and other["Priority"] == priority:
                raise InputError(
                    f"{self._resource} has a rule of priority {priority} already, {other['Name']}: "
                    "give rule_priority a number that is free"
                )
        if ours:
            changed = {**rule.with_accepted(ours, wish.header_name, values), "Priority": priority}
            return [changed if other is ours else other for other in state.rules]
        action = wish.rule_action or ("allow" if state.default_action == "Block" else "block")
        return [*state.rules, rule.new_rule(wish.rule_name, priority, action, wish.header_name, values)]

    def _check_purpose(self, state: _WafState, planned: list[dict[str, Any]]) -> None:
        ours = next(planned_rule for planned_rule in planned if planned_rule["Name"] == self._settings.rule_name)
        rule.check_purpose(ours, self._settings.header_name)
        if "Allow" in ours["Action"] and state.default_action == "Allow":
            raise InputError(
                f"{self._resource} allows by default, so its rule {ours['Name']}, which allows too, keeps nobody out: "
                "use rule_action=block, or set the default action to Block"
            )

    def _check_capacity(self, state: _WafState, planned: list[dict[str, Any]]) -> None:
        limit = wafv2.MAX_WEB_ACL_WCU if self._resource.kind == "web ACL" else state.settings["Capacity"]
        with hiding(self._accepted(_WafState({**state.settings, "Rules": planned}, "")) or []):
            needed = wafv2.check_capacity(self._client, planned)
        if needed > limit:
            raise InputError(
                f"{self._resource} would need {needed} WCU with the values of a rotation, its capacity is {limit}: "
                "remove another rule, or use another web ACL or rule group"
            )


class ListenerGate:
    """A listener rule of an Application Load Balancer, by its http-header condition.

    Elastic Load Balancing has no lock token, so two writers at the same moment can overwrite each other.
    """

    def __init__(self, client: BaseClient, arn: str, header_name: str, timer: Timer) -> None:
        self._client = client
        self._header_name = header_name
        self._timer = timer
        self.arn = arn

    def accepted(self) -> Accepted:
        return self._accepted(self._read())

    def check(self, values: Sequence[str]) -> None:
        conditions = self._read()
        accepted = self._accepted(conditions) or []
        every = together(accepted, values)
        for value in every:
            if len(value) > condition.MAX_VALUE_LENGTH:
                raise InputError(
                    f"listener rule {self.arn} compares at most {condition.MAX_VALUE_LENGTH} characters, a value is longer"
                )
            if set(value) & set(condition.WILDCARDS):
                raise InputError(
                    f"listener rule {self.arn} takes * and ? for wildcards, a value has one: rotate it before"
                )
        condition.check_value_count(condition.with_accepted(conditions, self._header_name, every), self.arn)

    def accept(self, choose: Choose, *, check_mode: bool = False) -> bool:
        def plan(conditions: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
            accepted = self._accepted(conditions)
            wanted = choose(accepted)
            if wanted is None or _in_held_order(accepted, wanted) == accepted:
                return None
            return condition.with_accepted(conditions, self._header_name, wanted)

        return self._rewrite(plan, check_mode)

    def check_removal(self) -> None:
        """Nothing to refuse: without the header, the rule's other conditions decide."""

    def remove(self) -> None:
        def plan(conditions: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
            demanded = self._accepted(conditions) is not None
            return condition.without_header(conditions, self._header_name) if demanded else None

        self._rewrite(plan, check_mode=False)

    def _rewrite(self, plan: Callable[[list[dict[str, Any]]], list[dict[str, Any]] | None], check_mode: bool) -> bool:
        return rewrite(self._read, plan, self._write, conflicts=(), timer=self._timer, check_mode=check_mode)

    def _read(self) -> list[dict[str, Any]]:
        found = elbv2.describe_rule(self._client, self.arn)
        if found["IsDefault"]:
            raise InputError(f"listener rule {self.arn} is a default rule, which has no conditions: name another rule")
        return found["Conditions"]

    def _write(self, conditions: list[dict[str, Any]], changed: list[dict[str, Any]]) -> None:
        both = [*(self._accepted(conditions) or []), *(self._accepted(changed) or [])]
        with hiding(both):
            elbv2.modify_rule(self._client, self.arn, changed)

    def _accepted(self, conditions: list[dict[str, Any]]) -> Accepted:
        return condition.accepted_values(conditions, self._header_name, self.arn)
