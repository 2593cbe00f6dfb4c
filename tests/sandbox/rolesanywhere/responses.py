# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control plane's operations: requests checked against the model, then handed to the backend."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult, BaseResponse

from .. import shapes
from .backend import RolesAnywhereBackend, rolesanywhere_backends
from .collection import Collection
from .errors import ValidationException


class RolesAnywhereResponse(BaseResponse):
    """One method for each operation, found by moto through its name."""

    def __init__(self) -> None:
        super().__init__(service_name="rolesanywhere")

    @property
    def backend(self) -> RolesAnywhereBackend:
        return rolesanywhere_backends[self.current_account][self.region]

    # Trust anchors

    def create_trust_anchor(self) -> ActionResult:
        return self._one("trustAnchor", self.backend.create_trust_anchor(self._request()))

    def get_trust_anchor(self) -> ActionResult:
        return self._got(self.backend.anchors)

    def list_trust_anchors(self) -> ActionResult:
        return self._listed(self.backend.anchors)

    def update_trust_anchor(self) -> ActionResult:
        return self._one("trustAnchor", self.backend.update_trust_anchor(self._request()))

    def enable_trust_anchor(self) -> ActionResult:
        return self._switched(self.backend.anchors, on=True)

    def disable_trust_anchor(self) -> ActionResult:
        return self._switched(self.backend.anchors, on=False)

    def delete_trust_anchor(self) -> ActionResult:
        return self._deleted(self.backend.anchors)

    def put_notification_settings(self) -> ActionResult:
        return self._one("trustAnchor", self.backend.put_notification_settings(self._request()))

    def reset_notification_settings(self) -> ActionResult:
        return self._one("trustAnchor", self.backend.reset_notification_settings(self._request()))

    # Profiles

    def create_profile(self) -> ActionResult:
        return self._one("profile", self.backend.create_profile(self._request()))

    def get_profile(self) -> ActionResult:
        return self._got(self.backend.profiles)

    def list_profiles(self) -> ActionResult:
        return self._listed(self.backend.profiles)

    def update_profile(self) -> ActionResult:
        return self._one("profile", self.backend.update_profile(self._request()))

    def enable_profile(self) -> ActionResult:
        return self._switched(self.backend.profiles, on=True)

    def disable_profile(self) -> ActionResult:
        return self._switched(self.backend.profiles, on=False)

    def delete_profile(self) -> ActionResult:
        return self._deleted(self.backend.profiles)

    # Certificate revocation lists

    def import_crl(self) -> ActionResult:
        request = self._request()
        return self._one("crl", self.backend.import_crl(request, base64.b64decode(request["crlData"])))

    def get_crl(self) -> ActionResult:
        return self._got(self.backend.crls)

    def list_crls(self) -> ActionResult:
        return self._listed(self.backend.crls)

    def update_crl(self) -> ActionResult:
        request = self._request()
        data = base64.b64decode(request["crlData"]) if "crlData" in request else None
        return self._one("crl", self.backend.update_crl(request, data))

    def enable_crl(self) -> ActionResult:
        return self._switched(self.backend.crls, on=True)

    def disable_crl(self) -> ActionResult:
        return self._switched(self.backend.crls, on=False)

    def delete_crl(self) -> ActionResult:
        return self._deleted(self.backend.crls)

    # Tags

    def list_tags_for_resource(self) -> ActionResult:
        tags = self.backend.tags_of(self._request()["resourceArn"])
        return ActionResult({"tags": [{"key": key, "value": value} for key, value in tags.items()]})

    def tag_resource(self) -> ActionResult:
        request = self._request()
        self.backend.tag(request["resourceArn"], request["tags"])
        return ActionResult({})

    def untag_resource(self) -> ActionResult:
        request = self._request()
        held = self.backend.tags_of(request["resourceArn"])
        for key in request["tagKeys"]:
            held.pop(key, None)
        return ActionResult({})

    def _request(self) -> dict[str, Any]:
        """The request in JSON form, from path, query and body.

        :raises ValidationException: it does not fit the model
        """
        operation = self._get_action()
        query = self.normalized_request.args.to_dict()
        request = {**json.loads(self.body or "{}"), **query, **self.uri_match}
        if "pageSize" in query:
            request["pageSize"] = int(query["pageSize"])
        shape = shapes.input_shape("rolesanywhere", operation)
        found = list(shapes.violations(shape, request))
        if found:
            raise ValidationException(f"{len(found)} validation error(s) detected: {'; '.join(found)}")
        return request

    @staticmethod
    def _one(member: str, item: Mapping[str, Any]) -> ActionResult:
        return ActionResult({member: item})

    def _identifier(self, collection: Collection) -> str:
        return str(self._request()[f"{collection.kind.member}Id"])

    def _got(self, collection: Collection) -> ActionResult:
        return self._one(collection.kind.member, collection.get(self._identifier(collection)))

    def _switched(self, collection: Collection, *, on: bool) -> ActionResult:
        item = collection.update(self._identifier(collection), {"enabled": on}, None)
        return self._one(collection.kind.member, item)

    def _deleted(self, collection: Collection) -> ActionResult:
        return self._one(collection.kind.member, self.backend.delete(collection, self._identifier(collection)))

    def _listed(self, collection: Collection) -> ActionResult:
        request = self._request()
        items, token = collection.page(request.get("nextToken"), request.get("pageSize"))
        return ActionResult({f"{collection.kind.member}s": items, "nextToken": token})
