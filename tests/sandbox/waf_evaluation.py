# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide a request by a web ACL as WAF does: rules by priority, the first terminating action, the default action."""

from __future__ import annotations

import base64
import binascii
import html
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes


@dataclass(frozen=True)
class WebRequest:
    """A request as WAF inspects it. Header names are compared without regard to case."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    client_ip: str = "127.0.0.1"
    body: bytes = b""

    def header(self, name: str) -> list[str]:
        """Every value that was sent for the header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(frozen=True)
class Decision:
    """What happens with a request. ``status`` is the answer's when it is refused."""

    allowed: bool
    rule: str
    status: int = 200
    body: str = ""
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Policy:
    """What enforces: the settings of a web ACL, and the rule groups and sets that it refers to, by ARN."""

    acl: Mapping[str, Any]
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ip_sets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    regex_sets: Mapping[str, Sequence[str]] = field(default_factory=dict)


def decide(policy: Policy, request: WebRequest) -> Decision:
    """The decision of the web ACL about a request."""
    verdict = _first_terminating(policy, request, policy.acl, set())
    return verdict or _decision("Default_Action", policy.acl["DefaultAction"], policy.acl)


def _first_terminating(
    policy: Policy, request: WebRequest, rules_of: Mapping[str, Any], labels: set[str]
) -> Decision | None:
    """The decision of the first rule of a web ACL or rule group that matches and ends the evaluation."""
    for rule in sorted(rules_of.get("Rules", []), key=lambda rule: rule["Priority"]):
        if "RuleGroupReferenceStatement" in rule["Statement"]:
            verdict = _group_verdict(policy, request, rule, labels)
            if verdict:
                return verdict
        elif matches(policy, request, rule["Statement"], labels):
            labels.update(label["Name"] for label in rule.get("RuleLabels", []))
            action = rule.get("Action", {"Count": {}})
            if "Count" not in action:
                return _decision(rule["Name"], action, rules_of)
    return None


def _group_verdict(policy: Policy, request: WebRequest, rule: Mapping[str, Any], labels: set[str]) -> Decision | None:
    reference = rule["Statement"]["RuleGroupReferenceStatement"]
    group = policy.groups[reference["ARN"]]
    overrides = {item["Name"]: item["ActionToUse"] for item in reference.get("RuleActionOverrides", [])}
    overrides |= {item["Name"]: {"Count": {}} for item in reference.get("ExcludedRules", [])}
    rules = [{**inner, "Action": overrides.get(inner["Name"], inner["Action"])} for inner in group.get("Rules", [])]
    verdict = _first_terminating(policy, request, {**group, "Rules": rules}, labels)
    return None if "Count" in rule.get("OverrideAction", {}) else verdict


def _decision(rule: str, action: Mapping[str, Any], bodies_of: Mapping[str, Any]) -> Decision:
    if "Allow" in action:
        return Decision(True, rule)
    if "Captcha" in action:
        return Decision(False, rule, 405)
    if "Challenge" in action:
        return Decision(False, rule, 202)
    custom = action["Block"].get("CustomResponse", {})
    bodies = bodies_of.get("CustomResponseBodies", {})
    body = bodies.get(custom.get("CustomResponseBodyKey"), {}).get("Content", "403 Forbidden")
    headers = [(header["Name"], header["Value"]) for header in custom.get("ResponseHeaders", [])]
    return Decision(False, rule, custom.get("ResponseCode", 403), body, headers)


def matches(policy: Policy, request: WebRequest, statement: Mapping[str, Any], labels: set[str]) -> bool:
    """Whether a statement is true of a request. Never, for those that need what a sandbox lacks: see ASSUMPTIONS.md."""
    kind, content = next(iter(statement.items()))
    if kind == "AndStatement":
        return all(matches(policy, request, inner, labels) for inner in content["Statements"])
    if kind == "OrStatement":
        return any(matches(policy, request, inner, labels) for inner in content["Statements"])
    if kind == "NotStatement":
        return not matches(policy, request, content["Statement"], labels)
    if kind == "LabelMatchStatement":
        return content["Key"] in labels
    if kind == "IPSetReferenceStatement":
        address = ipaddress.ip_address(request.client_ip)
        return any(address in ipaddress.ip_network(block) for block in policy.ip_sets[content["ARN"]])
    return kind in _FIELD_TESTS and _field_matches(policy, request, kind, content)


def _field_matches(policy: Policy, request: WebRequest, kind: str, content: Mapping[str, Any]) -> bool:
    fields = (_transformed(value, content["TextTransformations"]) for value in _fields(request, content))
    return any(_FIELD_TESTS[kind](policy, content, value) for value in fields)


def _fields(request: WebRequest, content: Mapping[str, Any]) -> list[bytes]:
    """The parts of the request that a statement inspects; none when the request lacks them."""
    kind, member = next(iter(content["FieldToMatch"].items()))
    arguments = parse_qsl(request.query, keep_blank_values=True)
    values: list[str] = {
        "SingleHeader": lambda: request.header(member["Name"]),
        "UriPath": lambda: [request.path],
        "QueryString": lambda: [request.query],
        "Method": lambda: [request.method],
        "SingleQueryArgument": lambda: [value for name, value in arguments if name == member["Name"]],
        "AllQueryArguments": lambda: [text for pair in arguments for text in pair],
        "Body": lambda: [request.body.decode("latin-1")],
    }.get(kind, list)()
    return [value.encode("latin-1", "replace") for value in values]


def _byte_match(_policy: Policy, content: Mapping[str, Any], value: bytes) -> bool:
    sought = base64.b64decode(content["SearchString"])
    return {
        "EXACTLY": lambda: value == sought,
        "STARTS_WITH": lambda: value.startswith(sought),
        "ENDS_WITH": lambda: value.endswith(sought),
        "CONTAINS": lambda: sought in value,
        "CONTAINS_WORD": lambda: re.search(rb"(?<![\w])" + re.escape(sought) + rb"(?![\w])", value) is not None,
    }[content["PositionalConstraint"]]()


def _size_constraint(_policy: Policy, content: Mapping[str, Any], value: bytes) -> bool:
    difference = len(value) - content["Size"]
    return {
        "EQ": difference == 0,
        "NE": difference != 0,
        "LE": difference <= 0,
        "LT": difference < 0,
        "GE": difference >= 0,
        "GT": difference > 0,
    }[content["ComparisonOperator"]]


def _regex_match(_policy: Policy, content: Mapping[str, Any], value: bytes) -> bool:
    return re.search(content["RegexString"].encode(), value) is not None


def _regex_set_match(policy: Policy, content: Mapping[str, Any], value: bytes) -> bool:
    return any(re.search(pattern.encode(), value) for pattern in policy.regex_sets[content["ARN"]])


_FIELD_TESTS: dict[str, Callable[[Policy, Mapping[str, Any], bytes], bool]] = {
    "ByteMatchStatement": _byte_match,
    "SizeConstraintStatement": _size_constraint,
    "RegexMatchStatement": _regex_match,
    "RegexPatternSetReferenceStatement": _regex_set_match,
}


def _base64_decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        return value


def _hex_decoded(value: bytes) -> bytes:
    try:
        return bytes.fromhex(value.decode())
    except ValueError:
        return value


TRANSFORMATIONS: dict[str, Callable[[bytes], bytes]] = {
    "NONE": lambda value: value,
    "LOWERCASE": lambda value: value.lower(),
    "URL_DECODE": lambda value: unquote_to_bytes(value.replace(b"+", b" ")),
    "COMPRESS_WHITE_SPACE": lambda value: re.sub(rb"[\s\xa0]+", b" ", value),
    "HTML_ENTITY_DECODE": lambda value: html.unescape(value.decode("latin-1")).encode("latin-1", "replace"),
    "BASE64_DECODE": _base64_decoded,
    "HEX_DECODE": _hex_decoded,
    "REMOVE_NULLS": lambda value: value.replace(b"\0", b""),
    "REPLACE_NULLS": lambda value: value.replace(b"\0", b" "),
}


def _transformed(value: bytes, transformations: Sequence[Mapping[str, Any]]) -> bytes:
    for transformation in sorted(transformations, key=lambda one: one["Priority"]):
        value = TRANSFORMATIONS[transformation["Type"]](value)
    return value
