# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pure transformations: one place is changed, everything else is kept to the byte."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.origin import condition, header, rule
from ansible_collections.certwright.aws.plugins.module_utils.origin.settings import Settings

NAME = "X-Origin-Verify"
RULE_ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/site/1/2/3"
values = st.lists(st.text("abcXYZ019", min_size=1, max_size=200), min_size=1, max_size=4, unique=True)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
members = st.dictionaries(st.text("abcdefgh", min_size=3, max_size=8), junk, max_size=4)


# Distribution configurations


@st.composite
def configs(draw):
    ids = draw(st.lists(st.text("abcd", min_size=1, max_size=3), min_size=1, max_size=4, unique=True))
    origins = []
    for origin_id in ids:
        names = draw(st.lists(st.sampled_from(["A", "B", "x-ORIGIN-verify", "C"]), unique=True, max_size=4))
        items = [{"HeaderName": name, "HeaderValue": f"value of {name}"} for name in names]
        headers = {"Quantity": len(items), **({"Items": items} if items else {})}
        origins.append(
            {**draw(members), "Id": origin_id, "CustomOriginConfig": draw(members), "CustomHeaders": headers}
        )
    return {**draw(members), "Origins": {"Quantity": len(ids), "Items": origins}}, draw(
        st.lists(st.sampled_from(ids), min_size=1, unique=True)
    )


def without_ours(config):
    """The configuration with our header cut out by hand, however it is written."""
    left = copy.deepcopy(config)
    for origin in left["Origins"]["Items"]:
        items = origin["CustomHeaders"].get("Items", [])
        origin["CustomHeaders"] = [item for item in items if item["HeaderName"].lower() != NAME.lower()]
    return left


@given(configs())
def test_only_the_header_of_the_chosen_origins_changes(drawn):
    config, chosen = drawn
    before = copy.deepcopy(config)
    changed = header.with_header(config, chosen, NAME, "new")
    assert config == before, "what was read is not changed in place"
    assert without_ours(changed) == without_ours(config)
    assert header.header_values(changed, chosen, NAME) == dict.fromkeys(chosen, "new")
    others = [origin["Id"] for origin in config["Origins"]["Items"] if origin["Id"] not in chosen]
    assert header.header_values(changed, others, NAME) == header.header_values(config, others, NAME)
    for origin in changed["Origins"]["Items"]:
        assert origin["CustomHeaders"]["Quantity"] == len(origin["CustomHeaders"].get("Items", []))
    assert header.with_header(changed, chosen, NAME, "new") == changed
    removed = header.without_header(changed, chosen, NAME)
    assert without_ours(removed) == without_ours(config)
    assert header.header_values(removed, chosen, NAME) == dict.fromkeys(chosen)


def test_a_removed_last_header_leaves_no_empty_list():
    config = {"Origins": {"Items": [{"Id": "a", "CustomHeaders": {"Quantity": 0}}]}}
    with_one = header.with_header(config, ["a"], NAME, "v")
    assert header.without_header(with_one, ["a"], NAME) == config


@pytest.mark.parametrize(
    "name",
    ["Cookie", "host", "If-Match", "PROXY-Authorization", "X-Amz-Foo", "x-edge-id", "X-Real-IP", "Via", "TE"],
)
def test_forbidden_header_names(name):
    with pytest.raises(InputError, match="CloudFront does not add the header"):
        header.check_header_name(name)


@pytest.mark.parametrize("name", ["", "X Y", "X:Y", "X\r\nY", "Ü", "X" * 257])
def test_impossible_header_names(name):
    with pytest.raises(InputError, match="header name"):
        header.check_header_name(name)


def test_the_characters_of_all_headers_are_counted():
    items = [{"HeaderName": f"H{n}", "HeaderValue": "x" * 1700} for n in range(6)]
    config = {"Origins": {"Items": [{"Id": "a", "CustomHeaders": {"Quantity": 6, "Items": items}}]}}
    header.check_header_limits(config, ["a"], "E1")
    wanted = header.with_header(config, ["a"], NAME, "y" * 64)
    with pytest.raises(InputError, match="would have 10291 characters together"):
        header.check_header_limits(wanted, ["a"], "E1")


# WAF rules


def accept(*accepted, name=NAME):
    return rule.new_rule("r", 0, "allow", name, accepted)["Statement"]


@st.composite
def rules(draw):
    """A rule that demands the header somewhere inside other statements."""
    held = draw(values)
    statement = accept(*held)
    other = {"GeoMatchStatement": {"CountryCodes": ["AQ"]}}
    for wrap in draw(st.lists(st.sampled_from(["and", "or", "not"]), max_size=3)):
        if wrap == "not":
            statement = {"NotStatement": {"Statement": statement}}
        else:
            statements = draw(st.permutations([statement, other]))
            statement = {f"{wrap.capitalize()}Statement": {"Statements": statements}}
    fixed = {"Name": "r", "Priority": 3, "Action": {"Count": {}}, "Statement": statement}
    return {**draw(members), **fixed}, held


@given(rules(), values)
def test_only_the_accepted_values_of_a_rule_change(drawn, wanted):
    held_rule, held = drawn
    before = copy.deepcopy(held_rule)
    assert rule.accepted_values(held_rule, NAME) == held
    changed = rule.with_accepted(held_rule, NAME, wanted)
    assert held_rule == before, "what was read is not changed in place"
    assert rule.accepted_values(changed, NAME.upper()) == wanted
    assert rule.with_accepted(changed, NAME, held) == held_rule, "and nothing else changed on the way"


def test_one_value_needs_no_or_statement():
    assert list(accept("a")) == ["ByteMatchStatement"]
    assert len(accept("a", "b")["OrStatement"]["Statements"]) == 2


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ({"GeoMatchStatement": {"CountryCodes": ["AQ"]}}, "does not look at"),
        (accept("a", name="X-Other"), "does not look at"),
        ({"AndStatement": {"Statements": [accept("a"), accept("b", "c")]}}, "looks in several places at"),
    ],
)
def test_a_rule_that_cannot_be_rotated_is_refused(statement, problem):
    with pytest.raises(InputError, match=problem):
        rule.accepted_values({"Name": "r", "Statement": statement}, NAME)


def test_a_rule_that_does_the_opposite_is_refused():
    allow, block = (rule.new_rule("r", 0, action, NAME, ["v"]) for action in ("allow", "block"))
    rule.check_purpose(allow, NAME)
    rule.check_purpose(block, NAME)
    with pytest.raises(InputError, match="take the NOT away"):
        rule.check_purpose({**block, "Action": {"Allow": {}}}, NAME)
    with pytest.raises(InputError, match="wrap its statement in a NOT"):
        rule.check_purpose({**allow, "Action": {"Block": {}}}, NAME)


def test_a_new_rule_does_not_sample_requests():
    made = rule.new_rule("A rule", 4, "block", NAME, ["v"])
    assert made["VisibilityConfig"]["SampledRequestsEnabled"] is False
    assert made["VisibilityConfig"]["MetricName"] == "A-rule"


# Listener rules

HOST = {"Field": "host-header", "Values": ["a"], "HostHeaderConfig": {"Values": ["a"]}}
PATH = {"Field": "path-pattern", "Values": ["/x"]}
QUERY = {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "k", "Value": "v"}]}}


@given(st.lists(st.sampled_from([HOST, PATH, QUERY]), unique_by=str, max_size=3), values)
def test_only_the_header_condition_changes(others, wanted):
    before = copy.deepcopy(others)
    changed = condition.with_accepted(others, NAME, wanted)
    assert others == before
    assert condition.accepted_values(changed, NAME.lower(), RULE_ARN) == wanted
    told_once = [
        {"Field": "host-header", "HostHeaderConfig": HOST["HostHeaderConfig"]} if o is HOST else o for o in others
    ]
    assert changed[:-1] == told_once
    assert condition.without_header(changed, NAME) == (told_once or condition.without_header([], NAME))


def test_a_rule_without_another_condition_matches_everything_then():
    only = condition.with_accepted([], NAME, ["v"])
    assert condition.without_header(only, NAME) == [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}]


def test_values_are_counted_as_the_load_balancer_does():
    conditions = condition.with_accepted([HOST, PATH], NAME, ["1", "2", "3"])
    condition.check_value_count(conditions, RULE_ARN)
    with pytest.raises(InputError, match="would have 6 values"):
        condition.check_value_count(condition.with_accepted(conditions, NAME, ["1", "2", "3", "4"]), RULE_ARN)


def test_conditions_that_cannot_be_rotated_are_refused():
    one = condition.with_accepted([], NAME, ["v"])
    with pytest.raises(InputError, match="several conditions"):
        condition.accepted_values([*one, *one], NAME, RULE_ARN)
    regex = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": NAME, "RegexValues": ["v.*"]}}
    with pytest.raises(InputError, match="a regular expression"):
        condition.accepted_values([regex], NAME, RULE_ARN)


# Settings

GIVEN = {"distributions": [{"id": "E1"}, {"id": "E2", "origins": ["a"]}], "listener_rules": [RULE_ARN]}


def test_settings_from_options():
    settings = Settings.from_options({**GIVEN, "rule_priority": None})
    assert [(choice.id, choice.origins) for choice in settings.distributions] == [("E1", None), ("E2", ("a",))]
    assert (settings.header_name, settings.value_length) == ("X-Origin-Verify", 64)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"distributions": []}, "distributions is empty"),
        ({"listener_rules": []}, "nothing demands the header"),
        ({"value_length": 129}, "for a listener rule it must be 32 to 128"),
        ({"value_length": 31}, "must be 32 to 128"),
        ({"web_acls": ["a"], "header_name": "X" * 65, "listener_rules": []}, "AWS WAF takes at most 64"),
        ({"colour": "red"}, "unknown settings: colour"),
        ({"header_name": "Host"}, "CloudFront does not add"),
    ],
)
def test_settings_that_cannot_be_used(options, message):
    with pytest.raises(InputError, match=message):
        Settings.from_options({**GIVEN, **options})
