# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The http-header condition of a load balancer's listener rule: pure transformations of what DescribeRules returns."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from ..errors import InputError

Condition = dict[str, Any]

MAX_NAME_LENGTH = 40
MAX_VALUE_LENGTH = 128
MAX_VALUES_OF_A_RULE = 5
WILDCARDS = "*?"

_CONFIGS = {
    "http-header": "HttpHeaderConfig",
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "query-string": "QueryStringConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
}
_ANY_PATH: Condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}


def accepted_values(conditions: Sequence[Condition], header: str, rule_arn: str) -> list[str] | None:
    """The values of the header that the rule accepts, None when it does not look at the header.

    :raises InputError: the rule looks at the header in a way that a value cannot be rotated in
    """
    ours = [condition for condition in conditions if _on_header(condition, header)]
    if not ours:
        return None
    if len(ours) > 1 or ours[0].get("RegexValues") or ours[0]["HttpHeaderConfig"].get("RegexValues"):
        raise InputError(
            f"listener rule {rule_arn} demands the header {header} by "
            f"{'several conditions' if len(ours) > 1 else 'a regular expression'}: give it one condition with plain values"
        )
    return list(ours[0]["HttpHeaderConfig"]["Values"])


def with_accepted(conditions: Sequence[Condition], header: str, values: Sequence[str]) -> list[Condition]:
    """The conditions as ModifyRule takes them, the header's accepting exactly ``values``, the others unchanged."""
    changed = _modifiable(conditions)
    for condition in changed:
        if _on_header(condition, header):
            condition["HttpHeaderConfig"]["Values"] = list(values)
            return changed
    return [
        *changed,
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": header, "Values": list(values)}},
    ]


def without_header(conditions: Sequence[Condition], header: str) -> list[Condition]:
    """The conditions as ModifyRule takes them, without the header's.

    A rule needs a condition: where it had no other, it gets one that every request meets.
    """
    return [condition for condition in _modifiable(conditions) if not _on_header(condition, header)] or [_ANY_PATH]


def check_value_count(conditions: Sequence[Condition], rule_arn: str) -> None:
    """Refuse conditions with more values than a rule may have.

    :param conditions: as they would be written
    :raises InputError: naming the rule and the limit
    """
    count = sum(len(_values(condition)) for condition in conditions)
    if count > MAX_VALUES_OF_A_RULE:
        raise InputError(
            f"the conditions of listener rule {rule_arn} would have {count} values, a load balancer takes "
            f"{MAX_VALUES_OF_A_RULE}: while a value rotates, the header needs two or three of them; "
            "move other conditions to another rule"
        )


def _values(condition: Condition) -> list[str]:
    settings = condition.get(_CONFIGS.get(condition["Field"], ""), condition)
    return [*settings.get("Values", []), *settings.get("RegexValues", [])]


def _modifiable(conditions: Sequence[Condition]) -> list[Condition]:
    """DescribeRules tells host names and paths twice, ModifyRule takes them once."""
    changed = copy.deepcopy(list(conditions))
    for condition in changed:
        if _CONFIGS.get(condition["Field"]) in condition:
            condition.pop("Values", None)
            condition.pop("RegexValues", None)
    return changed


def _on_header(condition: Condition, header: str) -> bool:
    name = condition.get("HttpHeaderConfig", {}).get("HttpHeaderName", "")
    return condition["Field"] == "http-header" and name.lower() == header.lower()
