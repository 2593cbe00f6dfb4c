# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control plane's rules: which trust anchors, profiles and CRLs AWS accepts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend

from . import trust
from .collection import Collection, Kind
from .errors import ResourceNotFoundException, TooManyTagsException, ValidationException

MAX_CRLS_PER_ANCHOR = 2
MAX_TAGS = 200
DEFAULT_NOTIFICATIONS = {
    event: {
        "enabled": True,
        "event": event,
        "threshold": 45,
        "channel": "ALL",
        "configuredBy": "rolesanywhere.amazonaws.com",
    }
    for event in ("CA_CERTIFICATE_EXPIRY", "END_ENTITY_CERTIFICATE_EXPIRY")
}
DEFAULT_MAPPINGS = [
    {"certificateField": name, "mappingRules": [{"specifier": specifier} for specifier in specifiers]}
    for name, specifiers in (("x509Subject", ["*"]), ("x509Issuer", ["*"]), ("x509SAN", ["DNS", "URI", "Name/*"]))
]
DEFAULT_DURATION = timedelta(hours=1)


class RolesAnywhereBackend(BaseBackend):
    """IAM Roles Anywhere in one account and Region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        base = f"arn:{self.partition}:rolesanywhere:{region_name}:{account_id}"
        self.anchors = Collection(Kind("trust-anchor", "trustAnchor", 50), base)
        self.profiles = Collection(Kind("profile", "profile", 250), base)
        self.crls = Collection(Kind("crl", "crl", None), base)
        self._tags: dict[str, dict[str, str]] = {}

    @property
    def _url_module(self) -> Any:  # type: ignore[misc]
        from . import urls

        return urls

    def create_trust_anchor(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._check_source(request["source"])
        settings = self._custom_settings(request.get("notificationSettings", []))
        values = {
            "name": request["name"],
            "source": request["source"],
            "enabled": request.get("enabled", False),
            "crlDpRevocationEnabled": request.get("crlDpRevocationEnabled", False),
            "notificationSettings": list({**DEFAULT_NOTIFICATIONS, **settings}.values()),
        }
        return self._added(self.anchors, values, request)

    def update_trust_anchor(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if "source" in request:
            self._check_source(request["source"])
        values = {name: request.get(name) for name in ("name", "source", "crlDpRevocationEnabled")}
        return self.anchors.update(request["trustAnchorId"], values, request.get("aliasName"))

    def put_notification_settings(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return self._notify(request["trustAnchorId"], self._custom_settings(request["notificationSettings"]))

    def reset_notification_settings(self, request: Mapping[str, Any]) -> dict[str, Any]:
        events = [key["event"] for key in request["notificationSettingKeys"]]
        return self._notify(request["trustAnchorId"], {event: DEFAULT_NOTIFICATIONS[event] for event in events})

    def create_profile(self, request: Mapping[str, Any]) -> dict[str, Any]:
        values = {
            "name": request["name"],
            "roleArns": request["roleArns"],
            "managedPolicyArns": request.get("managedPolicyArns", []),
            "durationSeconds": request.get("durationSeconds", int(DEFAULT_DURATION.total_seconds())),
            "enabled": request.get("enabled", False),
            "acceptRoleSessionName": request.get("acceptRoleSessionName", False),
            "requireInstanceProperties": request.get("requireInstanceProperties", False),
            "createdBy": self.account_id,
            "attributeMappings": DEFAULT_MAPPINGS,
        }
        if request.get("sessionPolicy"):
            values["sessionPolicy"] = request["sessionPolicy"]
        return self._added(self.profiles, values, request)

    def update_profile(self, request: Mapping[str, Any]) -> dict[str, Any]:
        changeable = (
            "name",
            "sessionPolicy",
            "roleArns",
            "managedPolicyArns",
            "durationSeconds",
            "acceptRoleSessionName",
        )
        values = {name: request.get(name) for name in changeable}
        return self.profiles.update(request["profileId"], values, request.get("aliasName"))

    def import_crl(self, request: Mapping[str, Any], data: bytes) -> dict[str, Any]:
        anchor = self.anchors.by_arn(request["trustAnchorArn"])
        self._check_crl(data, anchor)
        if sum(crl["trustAnchorArn"] == request["trustAnchorArn"] for crl in self.crls) >= MAX_CRLS_PER_ANCHOR:
            raise ValidationException(
                f"The limit of {MAX_CRLS_PER_ANCHOR} certificate revocation lists per trust anchor is reached."
            )
        values = {
            "name": request["name"],
            "crlData": data,
            "enabled": request.get("enabled", False),
            "trustAnchorArn": request["trustAnchorArn"],
        }
        return self._added(self.crls, values, request)

    def update_crl(self, request: Mapping[str, Any], data: bytes | None) -> dict[str, Any]:
        if data is not None:
            crl = self.crls.get(request["crlId"])
            self._check_crl(data, self.anchors.by_arn(crl["trustAnchorArn"]))
        return self.crls.update(
            request["crlId"], {"name": request.get("name"), "crlData": data}, request.get("aliasName")
        )

    def delete(self, collection: Collection, identifier: str) -> dict[str, Any]:
        item = collection.remove(identifier)
        self._tags.pop(collection.arn(item), None)
        return item

    def tags_of(self, arn: str) -> dict[str, str]:
        """The tags of a resource, to be changed in place.

        :raises ResourceNotFoundException: there is no resource with this ARN
        """
        for collection in (self.anchors, self.profiles, self.crls):
            if any(collection.arn(item) == arn for item in collection):
                return self._tags.setdefault(arn, {})
        raise ResourceNotFoundException(f"There is no resource {arn}.")

    def tag(self, arn: str, tags: list[dict[str, str]]) -> None:
        held = self.tags_of(arn)
        merged = held | _checked_tags(tags)
        if len(merged) > MAX_TAGS:
            raise TooManyTagsException(f"A resource may have {MAX_TAGS} tags.")
        held.update(merged)

    def _added(self, collection: Collection, values: dict[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
        tags = _checked_tags(request.get("tags", []))
        item = collection.add(values, request.get("aliasName"))
        self._tags[collection.arn(item)] = tags
        return item

    def _check_source(self, source: Mapping[str, Any]) -> None:
        for certificate in trust.anchor_certificates(source, self.account_id, self.region_name):
            trust.check_authority(certificate)

    def _check_crl(self, data: bytes, anchor: Mapping[str, Any]) -> None:
        crl = trust.parse_crl(data)
        authorities = trust.anchor_certificates(anchor["source"], self.account_id, self.region_name)
        if not any(trust.signed_by(crl, authority) for authority in authorities):
            raise ValidationException("The CRL is not signed by a certificate authority of the trust anchor.")

    def _custom_settings(self, settings: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for setting in settings:
            if setting["enabled"] and setting.get("threshold") is None:
                raise ValidationException("A notification setting that is enabled needs a threshold.")
        events = [setting["event"] for setting in settings]
        if len(events) != len(set(events)):
            raise ValidationException("An event has more than one notification setting.")
        return {
            setting["event"]: {"channel": "ALL", **setting, "configuredBy": self.account_id} for setting in settings
        }

    def _notify(self, identifier: str, settings: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        anchor = self.anchors.get(identifier)
        held = {setting["event"]: setting for setting in anchor["notificationSettings"]}
        return self.anchors.update(identifier, {"notificationSettings": list({**held, **settings}.values())}, None)


def _checked_tags(tags: list[dict[str, str]]) -> dict[str, str]:
    for tag in tags:
        if tag["key"].lower().startswith("aws:"):
            raise ValidationException("Tag keys that begin with aws: are reserved.")
    return {tag["key"]: tag["value"] for tag in tags}


rolesanywhere_backends = BackendDict(RolesAnywhereBackend, "rolesanywhere")
