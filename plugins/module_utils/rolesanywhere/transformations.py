# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between AWS's descriptions and what modules take and return. Everything here is pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InputError
from ..x509 import iso, split_chain
from .api import Kind, Resource
from .revocation import der_of, described

AWS_OWN = "rolesanywhere.amazonaws.com"
"""Who configured a notification setting that nobody customized."""
THRESHOLD_DAYS = range(1, 361)


def source_of(certificate_authority_arn: str | None, certificate_bundle: str | None) -> dict[str, Any] | None:
    """A trust anchor's source in AWS's form, None when neither is given."""
    if certificate_authority_arn:
        return {"sourceType": "AWS_ACM_PCA", "sourceData": {"acmPcaArn": certificate_authority_arn}}
    if certificate_bundle:
        return {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": certificate_bundle}}
    return None


def notifications_of(settings: Iterable[Mapping[str, Any]] | None) -> dict[str, dict[str, Any]] | None:
    """A trust anchor's own notification settings by event, from a module's option; None when that was not given.

    :raises InputError: a threshold out of range, or two settings for one event
    """
    if settings is None:
        return None
    wanted: dict[str, dict[str, Any]] = {}
    for setting in settings:
        event, threshold = setting["event"], setting.get("threshold")
        if threshold is not None and threshold not in THRESHOLD_DAYS:
            raise InputError(
                f"notification_settings: the threshold of {event} is {threshold}, and has to be 1 to 360 days"
            )
        if event in wanted:
            raise InputError(f"notification_settings: {event} is in the list twice")
        wanted[event] = {name: value for name, value in setting.items() if value is not None}
    return wanted


def text_tags(tags: Mapping[Any, Any] | None) -> dict[str, str] | None:
    """Tags as AWS holds them, text to text; YAML makes numbers of some."""
    return None if tags is None else {str(key): str(value) for key, value in tags.items()}


def comparable(member: str, value: Any) -> Any:
    """A member of a resource in a form in which two that mean the same are equal."""
    if value is None:
        return None
    if member in ("roleArns", "managedPolicyArns"):
        return sorted(value)
    if member == "sessionPolicy":
        return json.loads(value) if value else None
    if member == "crlData":
        return der_of(value)
    if member == "source":
        data = value.get("sourceData", {})
        certificates = ["".join(pem.split()) for pem in split_chain(data.get("x509CertificateData", ""))]
        return value.get("sourceType"), data.get("acmPcaArn"), certificates
    return value


def customized(resource: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A trust anchor's own notification settings, by event, without those that are AWS's."""
    return {
        setting["event"]: {name: setting[name] for name in ("event", "enabled", "threshold") if name in setting}
        for setting in resource.get("notificationSettings", [])
        if setting.get("configuredBy") != AWS_OWN
    }


def result_of(kind: Kind, resource: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """A resource as its modules return it: snake_case, times in ISO 8601, tags as a dictionary."""
    result = {
        f"{kind.method}_id": resource.get(f"{kind.member}Id"),
        f"{kind.method}_arn": resource.get(f"{kind.member}Arn"),
        "name": resource.get("name"),
        "enabled": resource.get("enabled"),
        **_SPECIFIC[kind.member](resource),
        "tags": dict(tags),
    }
    for member, name in (("createdAt", "created_at"), ("updatedAt", "updated_at")):
        if resource.get(member):
            result[name] = iso(resource[member])
    return result


def diff_of(result: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a diff shows of a result: what can be set, not what AWS makes up."""
    made_up = ("created_at", "updated_at", "trust_anchor_id", "profile_id", "crl_id")
    return {name: value for name, value in (result or {}).items() if name not in made_up}


def _trust_anchor(resource: Mapping[str, Any]) -> dict[str, Any]:
    source = resource.get("source", {})
    settings = [
        {
            "event": setting["event"],
            "enabled": setting["enabled"],
            "threshold": setting.get("threshold"),
            "customized": setting.get("configuredBy") != AWS_OWN,
        }
        for setting in resource.get("notificationSettings", [])
    ]
    return {
        "certificate_authority_arn": source.get("sourceData", {}).get("acmPcaArn"),
        "certificate_bundle": source.get("sourceData", {}).get("x509CertificateData"),
        "crl_dp_revocation_enabled": resource.get("crlDpRevocationEnabled", False),
        "notification_settings": sorted(settings, key=lambda setting: str(setting["event"])),
    }


def _profile(resource: Mapping[str, Any]) -> dict[str, Any]:
    policy = resource.get("sessionPolicy")
    return {
        "role_arns": sorted(resource.get("roleArns", [])),
        "managed_policy_arns": sorted(resource.get("managedPolicyArns", [])),
        "session_policy": json.loads(policy) if policy else None,
        "duration_seconds": resource.get("durationSeconds"),
        "accept_role_session_name": resource.get("acceptRoleSessionName", False),
    }


def _crl(resource: Mapping[str, Any]) -> dict[str, Any]:
    der = der_of(resource["crlData"])
    return {
        "trust_anchor_arn": resource.get("trustAnchorArn"),
        "content_sha256": hashlib.sha256(der).hexdigest(),
        **described(der),
    }


_SPECIFIC = {"trustAnchor": _trust_anchor, "profile": _profile, "crl": _crl}


def with_members(resource: Mapping[str, Any] | None, members: Mapping[str, Any]) -> Resource:
    """A resource as it would be with these members, for check mode."""
    return {**(resource or {}), **{name: value for name, value in members.items() if value is not None}}
