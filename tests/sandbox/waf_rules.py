# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What WAF checks of rules before it stores them, and the capacity (WCU) that they need."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import waf_evaluation
from .errors import Refused

Rule = Mapping[str, Any]
Statement = Mapping[str, Any]

SEARCH_STRING_BYTES = 200
HEADER_NAME_LENGTH = 64
MANAGED_RULE_GROUP_WCU = 700
"""WAF tells each managed group's own; the sandbox takes the core rule set's for all."""

_FIXED_WCU = {
    "XssMatchStatement": 40,
    "SizeConstraintStatement": 1,
    "GeoMatchStatement": 1,
    "IPSetReferenceStatement": 1,
    "RegexPatternSetReferenceStatement": 25,
    "LabelMatchStatement": 1,
    "RegexMatchStatement": 3,
    "AsnMatchStatement": 1,
    "ManagedRuleGroupStatement": MANAGED_RULE_GROUP_WCU,
}
_REFERS_TO_GROUP = ("RuleGroupReferenceStatement", "ManagedRuleGroupStatement")


def capacity(rules: Sequence[Rule], group_capacity: Mapping[str, int]) -> int:
    """Capacity units that the rules need.

    :param group_capacity: the capacity of each rule group, by ARN
    """
    return sum(_statement_wcu(rule["Statement"], group_capacity) for rule in rules)


def _statement_wcu(statement: Statement, group_capacity: Mapping[str, int]) -> int:
    kind, content = one_of(statement, "Statement")
    nested = sum(_statement_wcu(inner, group_capacity) for inner in nested_statements(kind, content))
    transformations = [t for t in content.get("TextTransformations", []) if t["Type"] != "NONE"]
    if kind == "ByteMatchStatement":
        own = 10 if content["PositionalConstraint"].startswith("CONTAINS") else 2
    elif kind == "SqliMatchStatement":
        own = 30 if content.get("SensitivityLevel") == "HIGH" else 20
    elif kind == "RateBasedStatement":
        own = 2 + 30 * len(content.get("CustomKeys", []))
    elif kind == "RuleGroupReferenceStatement":
        own = group_capacity[content["ARN"]]
    else:
        own = _FIXED_WCU.get(kind, 0)
    return own + nested + 10 * len(transformations)


def one_of(union: Mapping[str, Any], what: str) -> tuple[str, Any]:
    """The name and content of the one member that a union of the API holds."""
    if len(union) != 1:
        raise Refused("WAFInvalidParameterException", f"{what}: exactly one member is needed, found {sorted(union)}")
    return next(iter(union.items()))


def nested_statements(kind: str, content: Mapping[str, Any]) -> list[Statement]:
    """The statements directly inside one."""
    if kind in ("AndStatement", "OrStatement"):
        return content["Statements"]
    if kind == "NotStatement":
        return [content["Statement"]]
    return [content["ScopeDownStatement"]] if "ScopeDownStatement" in content else []


def every_statement(rules: Sequence[Rule]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each statement of the rules with its kind, at whatever depth."""
    waiting = [rule["Statement"] for rule in rules]
    while waiting:
        kind, content = one_of(waiting.pop(), "Statement")
        yield kind, content
        waiting.extend(nested_statements(kind, content))


def check(rules: Sequence[Rule], default_action: Mapping[str, Any] | None, bodies: Mapping[str, Any]) -> None:
    """Refuse what WAF refuses.

    :param bodies: CustomResponseBodies, which actions refer to by key
    :raises Refused: WAFInvalidParameterException, naming the rule and what is wrong with it
    """
    for member in ("Name", "Priority"):
        values = [rule[member] for rule in rules]
        if len(set(values)) != len(values):
            raise Refused("WAFInvalidParameterException", f"Rules: two rules have the same {member}, found {values}")
    for rule in rules:
        _check_action(rule)
        for kind, content in every_statement([rule]):
            _check_statement(rule["Name"], kind, content)
    actions = [default_action or {}, *(rule.get("Action", {}) for rule in rules)]
    for key in (key for action in actions for key in _body_keys(action)):
        if key not in bodies:
            raise Refused(
                "WAFInvalidParameterException", f"CustomResponseBodyKey {key} is not among CustomResponseBodies"
            )


def _body_keys(action: Mapping[str, Any]) -> list[str]:
    response = action.get("Block", {}).get("CustomResponse", {})
    return [response["CustomResponseBodyKey"]] if "CustomResponseBodyKey" in response else []


def _check_action(rule: Rule) -> None:
    refers = any(kind in rule["Statement"] for kind in _REFERS_TO_GROUP)
    needed, other = ("OverrideAction", "Action") if refers else ("Action", "OverrideAction")
    if needed not in rule or other in rule:
        raise Refused("WAFInvalidParameterException", f"Rule {rule['Name']}: needs {needed} and not {other}")
    one_of(rule[needed], f"Rule {rule['Name']}: {needed}")


def _check_statement(rule: str, kind: str, content: Mapping[str, Any]) -> None:
    if kind in ("AndStatement", "OrStatement") and len(content["Statements"]) < 2:
        raise Refused("WAFInvalidParameterException", f"Rule {rule}: {kind} needs at least two statements")
    if kind == "ByteMatchStatement":
        length = len(base64.b64decode(content["SearchString"]))
        if not 1 <= length <= SEARCH_STRING_BYTES:
            raise Refused(
                "WAFInvalidParameterException",
                f"Rule {rule}: SearchString has {length} bytes, it must have 1 to {SEARCH_STRING_BYTES}",
            )
    if "FieldToMatch" in content:
        field, member = one_of(content["FieldToMatch"], f"Rule {rule}: FieldToMatch")
        if field == "SingleHeader" and not 1 <= len(member.get("Name", "")) <= HEADER_NAME_LENGTH:
            raise Refused(
                "WAFInvalidParameterException", f"Rule {rule}: the header's Name must have 1 to 64 characters"
            )
        _check_transformations(rule, content["TextTransformations"])


def _check_transformations(rule: str, transformations: Sequence[Mapping[str, Any]]) -> None:
    priorities = [transformation["Priority"] for transformation in transformations]
    if not priorities or len(set(priorities)) != len(priorities):
        raise Refused("WAFInvalidParameterException", f"Rule {rule}: TextTransformations need priorities of their own")
    unknown = {t["Type"] for t in transformations} - set(waf_evaluation.TRANSFORMATIONS)
    if unknown:
        raise Refused(
            "WAFInvalidParameterException", f"Rule {rule}: the sandbox does not know {', '.join(sorted(unknown))}"
        )
