# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a resource's own policy lets an AWS service do: the policies of functions, topics and queues."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any

Statement = Mapping[str, Any]
_LIKE = ("ArnLike", "ArnEquals", "StringLike", "StringEquals")


def permits(statements: Iterable[Statement], service: str, action: str, source_arn: str) -> bool:
    """Whether a policy lets a service act on behalf of a resource.

    :param service: the principal, for example ``events.amazonaws.com``
    :param source_arn: the rule or secret on whose behalf it acts
    """
    applying = [one for one in statements if _applies(one, service, action, source_arn)]
    return bool(applying) and all(one.get("Effect", "Allow") == "Allow" for one in applying)


def _applies(statement: Statement, service: str, action: str, source_arn: str) -> bool:
    principal = statement.get("Principal")
    services = _listed(principal.get("Service")) if isinstance(principal, Mapping) else _listed(principal)
    actions = [pattern.lower() for pattern in _listed(statement.get("Action"))]
    return (
        (service in services or "*" in services)
        and any(fnmatch.fnmatchcase(action.lower(), pattern) for pattern in actions)
        and _conditions_hold(statement.get("Condition", {}), source_arn)
    )


def _conditions_hold(conditions: Mapping[str, Any], source_arn: str) -> bool:
    """Whether every condition is one on the source, and holds; others are about callers that no service is."""
    facts = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_arn.split(":")[4]}
    return all(
        operator in _LIKE
        and key.lower() in facts
        and any(fnmatch.fnmatchcase(facts[key.lower()], pattern) for pattern in _listed(patterns))
        for operator, pairs in conditions.items()
        for key, patterns in pairs.items()
    )


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []
