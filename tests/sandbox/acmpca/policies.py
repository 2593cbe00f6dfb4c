# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resource policies of a CA: what PutPolicy refuses."""

from __future__ import annotations

import json
from typing import Any

from .errors import refusal

_READ_ACTIONS = {
    "acm-pca:DescribeCertificateAuthority",
    "acm-pca:GetCertificate",
    "acm-pca:GetCertificateAuthorityCertificate",
    "acm-pca:ListPermissions",
    "acm-pca:ListTags",
}
_ISSUE_ACTION = "acm-pca:IssueCertificate"


def check(policy: str, authority_arn: str, account_id: str) -> None:
    """Check a policy document.

    :raises JsonRESTError: InvalidPolicyException or LockoutPreventedException
    """
    for statement in _statements(policy):
        actions = set(_as_list(statement.get("Action", [])))
        if statement.get("Effect") == "Deny" and _names_owner(statement.get("Principal"), account_id):
            raise refusal("LockoutPreventedException", "The policy would lock the caller out.")
        if statement.get("Effect") not in ("Allow", "Deny") or not statement.get("Principal"):
            raise _invalid("a statement needs an Effect and a Principal")
        if set(_as_list(statement.get("Resource", []))) != {authority_arn}:
            raise _invalid(f"a statement's Resource must be {authority_arn}")
        if not actions or not actions <= _READ_ACTIONS | {_ISSUE_ACTION}:
            raise _invalid(f"the only actions allowed are {', '.join(sorted(_READ_ACTIONS | {_ISSUE_ACTION}))}")


def _statements(policy: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(policy)
        statements = document["Statement"]
    except (ValueError, KeyError, TypeError) as error:
        raise _invalid("it is not a JSON document with statements") from error
    return statements if isinstance(statements, list) else [statements]


def _names_owner(principal: Any, account_id: str) -> bool:
    named = _as_list(principal.get("AWS", [])) if isinstance(principal, dict) else _as_list(principal or [])
    return any(name in ("*", account_id, f"arn:aws:iam::{account_id}:root") for name in named)


def _invalid(why: str) -> Exception:
    return refusal(
        "InvalidPolicyException", f"The resource policy is invalid or is missing a required statement: {why}."
    )


def _as_list(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)
