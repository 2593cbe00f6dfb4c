# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule of a web ACL or rule group that demands the header: pure transformations of what WAF returns.

A rule contains one place that lists the values which the origin accepts: a byte match on the header, or an OR of such
matches. Only that place is rewritten; whatever stands around it (AND, NOT, other conditions), the rule's action and its
other settings stay as they are. Of the two usual shapes,

- ``Allow`` what matches belongs into a web ACL that blocks by default,
- ``Block`` what does not match (NOT) belongs into one that allows by default, and into a rule group.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from ..errors import InputError

Rule = dict[str, Any]
Statement = dict[str, Any]
Action = Literal["allow", "block"]

MAX_VALUE_BYTES = 200
MAX_NAME_LENGTH = 64

_WIRE = "latin-1"  # how HTTP carries a header's value, and lossless for any bytes that a rule may hold


def new_rule(name: str, priority: int, action: Action, header: str, values: Sequence[str]) -> Rule:
    """A rule that lets only requests with one of ``values`` pass.

    Requests are not sampled: a sample would show the header's value to whoever may read samples.
    """
    accepted = _accept_statement(header, values)
    return {
        "Name": name,
        "Priority": priority,
        "Statement": accepted if action == "allow" else {"NotStatement": {"Statement": accepted}},
        "Action": {action.capitalize(): {}},
        "VisibilityConfig": {
            "SampledRequestsEnabled": False,
            "CloudWatchMetricsEnabled": True,
            "MetricName": re.sub(r"[^\w#:./-]", "-", name),
        },
    }


def accepted_values(rule: Rule, header: str) -> list[str]:
    """The values of the header that a rule accepts.

    :raises InputError: the rule is none that demands the header, or demands it in more than one place
    """
    place, _negated = _place(rule, header)
    return [match["SearchString"].decode(_WIRE) for match in _matches(place, header)]


def with_accepted(rule: Rule, header: str, values: Sequence[str]) -> Rule:
    """The rule, accepting exactly ``values``, and otherwise unchanged.

    :raises InputError: as :func:`accepted_values`
    """
    changed = copy.deepcopy(rule)
    place, _negated = _place(changed, header)
    place.clear()
    place.update(_accept_statement(header, values))
    return changed


def check_purpose(rule: Rule, header: str) -> None:
    """Refuse a rule that does the opposite of what it should: to block requests because their value is right.

    :raises InputError: naming the rule and what it would have to say
    """
    _place_of_match, negated = _place(rule, header)
    action = next(iter(rule.get("Action", {})), "none")
    if action == "Allow" and negated:
        raise InputError(f"rule {rule['Name']} allows requests whose {header} does not match: take the NOT away")
    if action == "Block" and not negated:
        raise InputError(f"rule {rule['Name']} blocks requests whose {header} matches: wrap its statement in a NOT")


def _accept_statement(header: str, values: Sequence[str]) -> Statement:
    matches = [
        {
            "ByteMatchStatement": {
                "SearchString": value.encode(_WIRE),
                "FieldToMatch": {"SingleHeader": {"Name": header.lower()}},
                "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
                "PositionalConstraint": "EXACTLY",
            }
        }
        for value in values
    ]
    return matches[0] if len(matches) == 1 else {"OrStatement": {"Statements": matches}}


def _place(rule: Rule, header: str) -> tuple[Statement, bool]:
    """The statement that lists the accepted values, and whether an odd number of NOTs stands around it."""
    places = list(_places(rule["Statement"], header, negated=False))
    if len(places) != 1:
        problem = "does not look at" if not places else "looks in several places at"
        raise InputError(
            f"rule {rule['Name']} {problem} the header {header}: it must compare the header in one place, "
            "with one byte match or an OR of byte matches; name another rule, or remove this one to have it made anew"
        )
    return places[0]


def _places(statement: Statement, header: str, *, negated: bool) -> Iterator[tuple[Statement, bool]]:
    if _matches(statement, header):
        yield statement, negated
        return
    for kind, content in statement.items():
        if kind in ("AndStatement", "OrStatement"):
            for inner in content["Statements"]:
                yield from _places(inner, header, negated=negated)
        elif kind == "NotStatement":
            yield from _places(content["Statement"], header, negated=not negated)


def _matches(statement: Statement, header: str) -> list[dict[str, Any]]:
    """The byte matches of a statement that is nothing but byte matches on the header; empty when it is not."""
    alternatives = statement.get("OrStatement", {}).get("Statements", [statement])
    matches = [alternative.get("ByteMatchStatement") for alternative in alternatives]
    return matches if all(match is not None and _on_header(match, header) for match in matches) else []


def _on_header(match: dict[str, Any], header: str) -> bool:
    return match["FieldToMatch"].get("SingleHeader", {}).get("Name", "").lower() == header.lower()
