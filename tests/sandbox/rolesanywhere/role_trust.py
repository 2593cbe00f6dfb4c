# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The trust policy of an IAM role, as far as IAM Roles Anywhere is concerned."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

ACTIONS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
PRINCIPAL = "rolesanywhere.amazonaws.com"
NAMES = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COUNTRY_NAME: "C",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
}
OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda actual, wanted: actual == wanted,
    "StringLike": fnmatchcase,
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
}


def allows(policy: str | Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether the policy lets the service assume the role, tag the session and set the source identity.

    :param context: condition keys and their values in this request
    """
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = _list(document["Statement"])
    for action in ACTIONS:
        effects = {entry["Effect"] for entry in statements if _applies(entry, action, context)}
        if effects != {"Allow"}:
            return False
    return True


def session_context(certificate: x509.Certificate, anchor_arn: str, account_id: str) -> dict[str, str]:
    """The condition keys of a session: whence it comes, and the certificate's fields as principal tags."""
    context = {"aws:SourceArn": anchor_arn, "aws:SourceAccount": account_id}
    for field, name in (("x509Subject", certificate.subject), ("x509Issuer", certificate.issuer)):
        for attribute in name:
            if attribute.oid in NAMES:
                context[f"aws:PrincipalTag/{field}/{NAMES[attribute.oid]}"] = str(attribute.value)
    context.update(_alternative_names(certificate))
    common_name = context.get("aws:PrincipalTag/x509Subject/CN")
    if common_name:
        context["sts:SourceIdentity"] = common_name
    return context


def _alternative_names(certificate: x509.Certificate) -> dict[str, str]:
    """The first name of each kind, as AWS tags sessions with it."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return {}
    found = {
        "DNS": names.get_values_for_type(x509.DNSName),
        "URI": names.get_values_for_type(x509.UniformResourceIdentifier),
    }
    return {f"aws:PrincipalTag/x509SAN/{kind}": values[0] for kind, values in found.items() if values}


def _applies(entry: Mapping[str, Any], action: str, context: Mapping[str, str]) -> bool:
    principal = entry.get("Principal", {})
    services = _list(principal.get("Service", [])) if isinstance(principal, Mapping) else []
    return (
        PRINCIPAL in services
        and any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _list(entry.get("Action", [])))
        and all(
            _holds(operator, key, wanted, context)
            for operator, keys in entry.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, key: str, wanted: Any, context: Mapping[str, str]) -> bool:
    """A condition with an operator or key that is not known here does not hold."""
    known = {name.lower(): value for name, value in context.items()}
    compare, actual = OPERATORS.get(operator), known.get(key.lower())
    return compare is not None and actual is not None and any(compare(actual, value) for value in _list(wanted))


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
