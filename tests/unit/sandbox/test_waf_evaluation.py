# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deciding requests by rules: statements, transformations, labels and rule groups."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.sandbox.waf_evaluation import Policy, WebRequest, decide, matches

Statement = dict[str, Any]
REQUEST = WebRequest(
    "POST",
    "/shop/Cart",
    "a=1&b=two%20words",
    [("User-Agent", "  Bad   Bot\0 "), ("X-Code", "c2VjcmV0")],
    body=b"body text",
)


def byte_match(sought: bytes, field: Statement, constraint: str = "EXACTLY", *transformations: str) -> Statement:
    listed = [{"Priority": number, "Type": kind} for number, kind in enumerate(transformations or ("NONE",))]
    return {
        "ByteMatchStatement": {
            "SearchString": base64.b64encode(sought).decode(),
            "FieldToMatch": field,
            "PositionalConstraint": constraint,
            "TextTransformations": listed,
        }
    }


AGENT = {"SingleHeader": {"Name": "user-agent"}}
CODE = {"SingleHeader": {"Name": "X-CODE"}}
TRUE = byte_match(b"POST", {"Method": {}})
FALSE = byte_match(b"GET", {"Method": {}})


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (byte_match(b"/shop", {"UriPath": {}}, "STARTS_WITH"), True),
        (byte_match(b"Cart", {"UriPath": {}}, "ENDS_WITH"), True),
        (byte_match(b"cart", {"UriPath": {}}, "CONTAINS"), False),
        (byte_match(b"cart", {"UriPath": {}}, "CONTAINS", "LOWERCASE"), True),
        (byte_match(b"art", {"UriPath": {}}, "CONTAINS_WORD"), False),
        (byte_match(b"Cart", {"UriPath": {}}, "CONTAINS_WORD"), True),
        (byte_match(b" bad bot ", AGENT, "EXACTLY", "REMOVE_NULLS", "COMPRESS_WHITE_SPACE", "LOWERCASE"), True),
        (byte_match(b"secret", CODE, "EXACTLY", "BASE64_DECODE"), True),
        (byte_match(b"", {"SingleHeader": {"Name": "absent"}}, "STARTS_WITH"), False),
        (byte_match(b"two words", {"SingleQueryArgument": {"Name": "b"}}), True),
        (byte_match(b"a=1&b=two words", {"QueryString": {}}, "EXACTLY", "URL_DECODE"), True),
        (byte_match(b"text", {"Body": {}}, "ENDS_WITH"), True),
        ({"AndStatement": {"Statements": [TRUE, FALSE]}}, False),
        ({"OrStatement": {"Statements": [TRUE, FALSE]}}, True),
        ({"NotStatement": {"Statement": FALSE}}, True),
        ({"IPSetReferenceStatement": {"ARN": "local"}}, True),
        ({"IPSetReferenceStatement": {"ARN": "elsewhere"}}, False),
        ({"LabelMatchStatement": {"Scope": "LABEL", "Key": "seen"}}, True),
        ({"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}}, False),
    ],
)
def test_statements(statement: Statement, expected: bool) -> None:
    policy = Policy({}, ip_sets={"local": ["127.0.0.0/8"], "elsewhere": ["192.0.2.0/24"]})
    assert matches(policy, REQUEST, statement, {"seen"}) is expected


@pytest.mark.parametrize(
    ("kind", "member", "expected"),
    [
        ("SizeConstraintStatement", {"ComparisonOperator": "GT", "Size": 5}, True),
        ("SizeConstraintStatement", {"ComparisonOperator": "EQ", "Size": 5}, False),
        ("RegexMatchStatement", {"RegexString": "^/shop/[A-Z]"}, True),
        ("RegexPatternSetReferenceStatement", {"ARN": "paths"}, True),
    ],
)
def test_statements_about_a_field(kind: str, member: Statement, expected: bool) -> None:
    content = {"FieldToMatch": {"UriPath": {}}, "TextTransformations": [{"Priority": 0, "Type": "NONE"}], **member}
    policy = Policy({}, regex_sets={"paths": ["nothing", "Cart$"]})
    assert matches(policy, REQUEST, {kind: content}, set()) is expected


def rule(name: str, priority: int, statement: Statement, action: Statement, **more: Any) -> Statement:
    return {"Name": name, "Priority": priority, "Statement": statement, "Action": action, **more}


def test_rules_go_by_priority_and_count_goes_on_with_its_labels() -> None:
    labelled = rule("count", 1, TRUE, {"Count": {}}, RuleLabels=[{"Name": "seen"}])
    by_label = rule("by label", 2, {"LabelMatchStatement": {"Scope": "LABEL", "Key": "seen"}}, {"Block": {}})
    late = rule("late", 3, TRUE, {"Allow": {}})
    decision = decide(Policy({"DefaultAction": {"Allow": {}}, "Rules": [late, by_label, labelled]}), REQUEST)
    assert (decision.rule, decision.allowed, decision.status) == ("by label", False, 403)


@pytest.mark.parametrize(
    ("reference", "override", "expected"),
    [
        ({}, {"None": {}}, ("inner", 418, "sorry")),
        ({}, {"Count": {}}, ("Default_Action", 200, "")),
        ({"ExcludedRules": [{"Name": "inner"}]}, {"None": {}}, ("Default_Action", 200, "")),
        (
            {"RuleActionOverrides": [{"Name": "inner", "ActionToUse": {"Captcha": {}}}]},
            {"None": {}},
            ("inner", 405, ""),
        ),
    ],
)
def test_a_rule_group_decides_with_its_own_bodies_and_can_be_overridden(
    reference: Statement, override: Statement, expected: tuple[str, int, str]
) -> None:
    action = {"Block": {"CustomResponse": {"ResponseCode": 418, "CustomResponseBodyKey": "key"}}}
    group = {"Rules": [rule("inner", 0, TRUE, action)], "CustomResponseBodies": {"key": {"Content": "sorry"}}}
    referring = {
        "Name": "group",
        "Priority": 0,
        "Statement": {"RuleGroupReferenceStatement": {"ARN": "g", **reference}},
        "OverrideAction": override,
    }
    policy = Policy({"DefaultAction": {"Allow": {}}, "Rules": [referring]}, groups={"g": group})
    decision = decide(policy, REQUEST)
    assert (decision.rule, decision.status, decision.body) == expected
