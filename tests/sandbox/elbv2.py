# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Application Load Balancer listeners: limits on conditions that moto lacks, and rules that act after a delay."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import moto.elbv2.urls
from moto.elbv2.models import ELBv2Backend, elbv2_backends

from . import profile
from .errors import Refused
from .propagation import Rollout
from .waf_evaluation import Decision, WebRequest

VALUES_PER_RULE = 5
WILDCARDS_PER_RULE = 5
RULES_PER_LOAD_BALANCER = 100


@dataclass(frozen=True)
class ListenerRules:
    """A listener's rules by priority, each as (ARN, conditions, actions), and its default actions."""

    rules: Sequence[tuple[str, Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]]
    default_actions: Sequence[Mapping[str, Any]]

    def decide(self, request: WebRequest) -> Decision:
        """What the first rule whose conditions all hold does with a request."""
        for arn, conditions, actions in self.rules:
            if all(_holds(condition, request) for condition in conditions):
                return _decision(arn, actions)
        return _decision("default", self.default_actions)


class StrictELBv2Backend(ELBv2Backend):
    """moto's load balancers, with a rollout for each listener."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.rollouts: dict[str, Rollout[ListenerRules]] = {}

    @property
    def _url_module(self) -> Any:
        return moto.elbv2.urls

    def create_listener(self, *args: Any, **kwargs: Any) -> Any:
        listener = super().create_listener(*args, **kwargs)
        self._roll_out(listener.arn)
        return listener

    def modify_listener(self, arn: str, *args: Any, **kwargs: Any) -> Any:
        listener = super().modify_listener(arn, *args, **kwargs)
        self._roll_out(arn)
        return listener

    def create_rule(self, listener_arn: str, conditions: Any, *args: Any, **kwargs: Any) -> Any:
        listener = self.describe_listeners(None, [listener_arn])[0]
        balancer = self.load_balancers[listener.load_balancer_arn]
        if sum(len(held.rules) - 1 for held in balancer.listeners.values()) >= RULES_PER_LOAD_BALANCER:
            raise Refused("TooManyRules", "You've reached the limit on the number of rules per load balancer")
        rule = super().create_rule(listener_arn, conditions, *args, **kwargs)
        self._roll_out(listener_arn)
        return rule

    def modify_rule(self, rule_arn: str, conditions: Any, actions: Any) -> Any:
        rule = super().modify_rule(rule_arn, conditions, actions)
        self._roll_out(rule.listener_arn)
        return rule

    def delete_rule(self, arn: str) -> None:
        listeners = [rule.listener_arn for rule in self.describe_rules(None, [arn])]
        super().delete_rule(arn)
        for listener_arn in listeners:
            self._roll_out(listener_arn)

    def set_rule_priorities(self, rule_priorities: list[dict[str, Any]]) -> Any:
        rules = super().set_rule_priorities(rule_priorities)
        for listener_arn in {rule.listener_arn for rule in rules}:
            self._roll_out(listener_arn)
        return rules

    def _validate_conditions(self, conditions: list[dict[str, Any]]) -> None:
        super()._validate_conditions(conditions)
        values = [value for condition in conditions for value in _values(condition)]
        if len(values) > VALUES_PER_RULE:
            raise _invalid(f"A rule can have at most {VALUES_PER_RULE} condition values")
        if sum(value.count("*") + value.count("?") for value in values) > WILDCARDS_PER_RULE:
            raise _invalid(f"A rule can have at most {WILDCARDS_PER_RULE} wildcard characters")
        for condition in conditions:
            if condition.get("Field") == "http-header":
                name = condition["HttpHeaderConfig"]["HttpHeaderName"]
                if name.lower() == "host" or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
                    raise _invalid(f"The HttpHeaderName '{name}' is not allowed")
                if not _values(condition):
                    raise _invalid("A condition value must be specified")

    def _roll_out(self, listener_arn: str) -> None:
        listener = self.describe_listeners(None, [listener_arn])[0]
        own = sorted(listener._non_default_rules.values(), key=lambda rule: int(rule.priority))
        snapshot = ListenerRules(
            [(rule.arn, copy.deepcopy(rule.conditions), _plain(rule.actions)) for rule in own],
            _plain(listener.default_actions),
        )
        rollout = self.rollouts.setdefault(listener_arn, Rollout(listener_arn))
        rollout.write(snapshot, profile.current().elb_propagation_s)


def _invalid(message: str) -> Refused:
    return Refused("ValidationError", message)


def _plain(actions: Iterable[Any]) -> list[dict[str, Any]]:
    return [copy.deepcopy(action.data) for action in actions]


def _values(condition: Mapping[str, Any]) -> list[str]:
    """The values of a condition, old style or new, whatever it looks at."""
    config = next((value for name, value in condition.items() if name.endswith("Config")), {})
    values = config.get("Values", condition.get("Values", []))
    return [value["Value"] if isinstance(value, Mapping) else value for value in values]


def _fits(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern with the wildcards ``*`` and ``?``, whatever the case."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.IGNORECASE | re.DOTALL) is not None


def _holds(condition: Mapping[str, Any], request: WebRequest) -> bool:
    field = condition["Field"]
    if field == "query-string":
        wanted = condition["QueryStringConfig"]["Values"]
        pairs = parse_qsl(request.query, keep_blank_values=True)
        return any(
            _fits(one["Value"], value) and _fits(one.get("Key", "*"), key) for one in wanted for key, value in pairs
        )
    texts = {
        "http-header": lambda: request.header(condition["HttpHeaderConfig"]["HttpHeaderName"]),
        "host-header": lambda: [host.partition(":")[0] for host in request.header("host")],
        "http-request-method": lambda: [request.method],
        "path-pattern": lambda: [request.path],
        "source-ip": lambda: [f"{request.client_ip}/32"],
    }[field]()
    return any(_fits(pattern, text) for pattern in _values(condition) for text in texts)


def _decision(rule: str, actions: Sequence[Mapping[str, Any]]) -> Decision:
    action = actions[-1]
    if action["Type"] == "fixed-response":
        fixed = action["FixedResponseConfig"]
        return Decision(False, rule, int(fixed["StatusCode"]), fixed.get("MessageBody", ""))
    if action["Type"] == "redirect":
        return Decision(False, rule, int(action["RedirectConfig"]["StatusCode"].removeprefix("HTTP_")))
    return Decision(True, rule)


def in_effect(listener_arn: str) -> ListenerRules | None:
    """The rules that a request to the listener meets now; None before they have reached it.

    :raises LookupError: there is no such listener
    """
    region, account = listener_arn.split(":")[3:5]
    backend: Any = elbv2_backends[account][region]
    if listener_arn not in backend.rollouts:
        raise LookupError(f"listener {listener_arn}")
    return backend.rollouts[listener_arn].anywhere()


def install() -> None:
    """Put the strict load balancers in the place of moto's."""
    backend: type[ELBv2Backend] = StrictELBv2Backend
    elbv2_backends.backend = backend
