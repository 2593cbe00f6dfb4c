# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS WAF: web ACLs and rule groups kept as they were sent, replaced as a whole, enforced after a delay.

moto merges an update into what it holds and forgets members that it does not know; WAF replaces everything that an
update may carry. Which members these are is read from botocore's model, so that what a newer API adds is kept too.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ParamValidationError
from botocore.validate import validate_parameters
from moto.core.base_backend import BaseBackend
from moto.core.common_models import BaseModel
from moto.core.common_types import TYPE_RESPONSE
from moto.core.utils import get_service_model
from moto.moto_api._internal import mock_random
from moto.wafv2.exceptions import WAFNonexistentItemException, WAFOptimisticLockException
from moto.wafv2.models import GLOBAL_REGION, US_EAST_1_REGION, WAFV2Backend, wafv2_backends
from moto.wafv2.responses import WAFV2Response
from moto.wafv2.utils import make_arn_for_rule_group, make_arn_for_wacl

from . import profile, waf_rules
from .errors import Refused
from .propagation import Rollout
from .waf_evaluation import Policy

Settings = dict[str, Any]

_MODEL = get_service_model("wafv2")
_one_at_a_time = threading.Lock()
_IDENTITY = {"Name", "Scope", "Id", "LockToken"}


def _replaceable(operation: str) -> list[str]:
    """Members of an update's request that become the resource's own."""
    return [name for name in _MODEL.operation_model(operation).input_shape.members if name not in _IDENTITY]


class Protected(BaseModel):
    """A web ACL or a rule group: identity, settings as last written, and which of them are in effect.

    The attributes and ``to_short_dict`` are what moto's own code (lists, associations, tags) uses.
    """

    def __init__(self, arn: str, name: str, resource_id: str, label_namespace: str, settings: Settings) -> None:
        self.arn, self.name, self.id = arn, name, resource_id
        self.scope = "CLOUDFRONT" if ":global/" in arn else "REGIONAL"
        self.label_namespace = label_namespace
        self.associated_resources: list[str] = []
        self.rollout: Rollout[Settings] = Rollout(arn, places=profile.current().waf_places)
        self.replace(settings)

    def replace(self, settings: Settings) -> str:
        """Store new settings in place of the old, and give the new lock token."""
        self.settings = settings
        self.lock_token = str(mock_random.uuid4())
        self.rollout.write(settings, profile.current().waf_propagation_s)
        return self.lock_token

    @property
    def rules(self) -> Sequence[Mapping[str, Any]]:
        return self.settings.get("Rules", [])

    def to_short_dict(self) -> dict[str, Any]:
        return {
            "ARN": self.arn,
            "Description": self.settings.get("Description", ""),
            "Id": self.id,
            "Name": self.name,
            "LockToken": self.lock_token,
        }

    def described(self, capacity: int) -> dict[str, Any]:
        """The resource as GetWebACL and GetRuleGroup answer it."""
        identity = {"Name": self.name, "Id": self.id, "ARN": self.arn, "LabelNamespace": self.label_namespace}
        return {**self.settings, **identity, "Rules": self.rules, "Capacity": capacity}


class StrictWAFV2Backend(WAFV2Backend):
    """moto's WAF with web ACLs and rule groups as :class:`Protected`."""

    @property
    def _url_module(self) -> Any:
        return sys.modules[__name__]

    def group_capacity(self) -> dict[str, int]:
        return {arn: group.settings["Capacity"] for arn, group in self.rule_groups.items()}

    def checked(self, settings: Settings) -> Settings:
        """The settings, when everything that they say and refer to is acceptable."""
        rules = settings.get("Rules", [])
        waf_rules.check(rules, settings.get("DefaultAction"), settings.get("CustomResponseBodies", {}))
        known = {
            "RuleGroupReferenceStatement": self.rule_groups,
            "IPSetReferenceStatement": self.ip_sets,
            "RegexPatternSetReferenceStatement": self.regex_pattern_sets,
        }
        for kind, content in waf_rules.every_statement(rules):
            if kind in known:
                if content["ARN"] not in known[kind]:
                    raise WAFNonexistentItemException()
                _check_available(known[kind][content["ARN"]])
        return settings

    def check_web_acl_capacity(self, settings: Settings) -> None:
        needed = waf_rules.capacity(settings.get("Rules", []), self.group_capacity())
        limit = profile.current().waf_web_acl_wcu
        if needed > limit:
            raise Refused("WAFLimitsExceededException", f"The rules need {needed} WCU, a web ACL has {limit}")

    def check_rule_group_capacity(self, settings: Settings, capacity: int) -> None:
        needed = waf_rules.capacity(settings.get("Rules", []), self.group_capacity())
        if needed > capacity:
            raise Refused("WAFLimitsExceededException", f"The rules need {needed} WCU, the rule group has {capacity}")

    def found(self, kind: str, body: Mapping[str, Any]) -> Protected:
        """The resource that a request names by ARN, or by Name, Scope and Id."""
        held = self.wacls if kind == "webacl" else self.rule_groups
        for resource in held.values():
            if body.get("ARN") == resource.arn:
                return resource
            if (resource.name, resource.scope, resource.id) == (body.get("Name"), body.get("Scope"), body.get("Id")):
                return resource
        raise WAFNonexistentItemException()

    def associate_web_acl(self, web_acl_arn: str, resource_arn: str) -> None:
        if web_acl_arn in self.wacls:
            _check_available(self.wacls[web_acl_arn])
            self.disassociate_web_acl(resource_arn)
        super().associate_web_acl(web_acl_arn, resource_arn)

    def policy(self, web_acl_arn: str) -> Policy | None:
        """What enforces at a place picked at random; None while the web ACL has not reached it."""
        if web_acl_arn not in self.wacls:
            raise WAFNonexistentItemException()
        acl = self.wacls[web_acl_arn].rollout.anywhere()
        if acl is None:
            return None
        return Policy(
            acl,
            {arn: group.rollout.anywhere() or {} for arn, group in self.rule_groups.items()},
            {arn: ip_set.addresses for arn, ip_set in self.ip_sets.items()},
            {
                arn: [expression["RegexString"] for expression in regex_set.regular_expressions]
                for arn, regex_set in self.regex_pattern_sets.items()
            },
        )


def _check_available(resource: Any) -> None:
    if isinstance(resource, Protected) and resource.rollout.anywhere() is None:
        raise Refused(
            "WAFUnavailableEntityException",
            f"WAF cannot retrieve {resource.arn} yet. If you have just created it, wait and try again",
        )


def _checked_lock(resource: Protected, body: Mapping[str, Any]) -> Protected:
    if resource.lock_token != body["LockToken"]:
        raise WAFOptimisticLockException()
    return resource


def _with_kept_application(settings: Settings, held: Settings) -> Settings:
    """ApplicationConfig is the exception to "replaces everything": omitted it stays, sent it must be the same."""
    kept = held.get("ApplicationConfig")
    if "ApplicationConfig" in settings and settings["ApplicationConfig"] != kept:
        raise Refused("WAFInvalidParameterException", "ApplicationConfig must match the existing values exactly")
    return settings if kept is None else {**settings, "ApplicationConfig": kept}


class StrictWAFV2Response(WAFV2Response):
    """The operations on web ACLs and rule groups; everything else is moto's."""

    def call_action(self) -> TYPE_RESPONSE:
        with _one_at_a_time:  # a lock token is checked and replaced in one step
            return super().call_action()

    def _request(self, operation: str) -> dict[str, Any]:
        """The request's body, checked against the API's model, with the backend of its scope chosen."""
        body = json.loads(self.body)
        try:
            validate_parameters(body, _MODEL.operation_model(operation).input_shape)
        except ParamValidationError as error:
            raise Refused("WAFInvalidParameterException", str(error)) from error
        scope = body.get("Scope") or ("CLOUDFRONT" if ":global/" in body.get("ARN", "") else "REGIONAL")
        if scope == "CLOUDFRONT":
            self.region = GLOBAL_REGION
        return body

    @property
    def wafv2_backend(self) -> Any:
        if self.region == GLOBAL_REGION:  # chosen for the scope, by moto's operations and by ours
            called = self.get_region_from_url(self.normalized_request, self.uri)
            if called != US_EAST_1_REGION:
                raise Refused(
                    "WAFInvalidParameterException", f"Scope: CLOUDFRONT is served in us-east-1, not in {called}"
                )
        return super().wafv2_backend

    def create_web_acl(self) -> TYPE_RESPONSE:
        body = self._request("CreateWebACL")
        backend = self.wafv2_backend
        if any(acl.name == body["Name"] for acl in backend.wacls.values()):
            raise Refused("WAFDuplicateItemException", f"A web ACL named {body['Name']} exists")
        settings = backend.checked({name: body[name] for name in _replaceable("UpdateWebACL") if name in body})
        backend.check_web_acl_capacity(settings)
        acl = self._created("webacl", make_arn_for_wacl, body, settings)
        backend.wacls[acl.arn] = acl
        backend.tag_resource(acl.arn, body.get("Tags", []))
        return _answer({"Summary": acl.to_short_dict()})

    def get_web_acl(self) -> TYPE_RESPONSE:
        body = self._request("GetWebACL")
        backend = self.wafv2_backend
        acl = backend.found("webacl", body)
        described = acl.described(waf_rules.capacity(acl.rules, backend.group_capacity()))
        return _answer({"WebACL": described, "LockToken": acl.lock_token})

    def get_web_acl_for_resource(self) -> TYPE_RESPONSE:
        backend = self.wafv2_backend
        acl = backend.get_web_acl_for_resource(json.loads(self.body)["ResourceArn"])
        if acl is None:
            return _answer({})
        return _answer({"WebACL": acl.described(waf_rules.capacity(acl.rules, backend.group_capacity()))})

    def update_web_acl(self) -> TYPE_RESPONSE:
        body = self._request("UpdateWebACL")
        backend = self.wafv2_backend
        acl = _checked_lock(backend.found("webacl", body), body)
        settings = backend.checked({name: body[name] for name in _replaceable("UpdateWebACL") if name in body})
        backend.check_web_acl_capacity(settings)
        return _answer({"NextLockToken": acl.replace(_with_kept_application(settings, acl.settings))})

    def delete_web_acl(self) -> TYPE_RESPONSE:
        body = self._request("DeleteWebACL")
        acl = _checked_lock(self.wafv2_backend.found("webacl", body), body)
        if acl.associated_resources:
            raise Refused(
                "WAFAssociatedItemException", f"{acl.arn} is associated with {', '.join(acl.associated_resources)}"
            )
        del self.wafv2_backend.wacls[acl.arn]
        return _answer({})

    def create_rule_group(self) -> TYPE_RESPONSE:
        body = self._request("CreateRuleGroup")
        backend = self.wafv2_backend
        if any(group.name == body["Name"] for group in backend.rule_groups.values()):
            raise Refused("WAFDuplicateItemException", f"A rule group named {body['Name']} exists")
        settings = backend.checked({name: body[name] for name in _replaceable("UpdateRuleGroup") if name in body})
        backend.check_rule_group_capacity(settings, body["Capacity"])
        settings["Capacity"] = body["Capacity"]
        group = self._created("rulegroup", make_arn_for_rule_group, body, settings)
        backend.rule_groups[group.arn] = group
        backend.tag_resource(group.arn, body.get("Tags", []))
        return _answer({"Summary": group.to_short_dict()})

    def get_rule_group(self) -> TYPE_RESPONSE:
        group = self.wafv2_backend.found("rulegroup", self._request("GetRuleGroup"))
        return _answer({"RuleGroup": group.described(group.settings["Capacity"]), "LockToken": group.lock_token})

    def update_rule_group(self) -> TYPE_RESPONSE:
        body = self._request("UpdateRuleGroup")
        backend = self.wafv2_backend
        group = _checked_lock(backend.found("rulegroup", body), body)
        settings = backend.checked({name: body[name] for name in _replaceable("UpdateRuleGroup") if name in body})
        backend.check_rule_group_capacity(settings, group.settings["Capacity"])
        return _answer({"NextLockToken": group.replace({**settings, "Capacity": group.settings["Capacity"]})})

    def delete_rule_group(self) -> TYPE_RESPONSE:
        body = self._request("DeleteRuleGroup")
        backend = self.wafv2_backend
        group = _checked_lock(backend.found("rulegroup", body), body)
        users = [
            acl.arn
            for acl in backend.wacls.values()
            if any(content.get("ARN") == group.arn for _kind, content in waf_rules.every_statement(acl.rules))
        ]
        if users:
            raise Refused("WAFAssociatedItemException", f"{group.arn} is used by {', '.join(users)}")
        del backend.rule_groups[group.arn]
        return _answer({})

    def check_capacity(self) -> TYPE_RESPONSE:
        body = self._request("CheckCapacity")
        backend = self.wafv2_backend
        rules = backend.checked({"Rules": body["Rules"]})["Rules"]
        return _answer({"Capacity": waf_rules.capacity(rules, backend.group_capacity())})

    def _created(self, kind: str, make_arn: Any, body: Mapping[str, Any], settings: Settings) -> Protected:
        resource_id = str(mock_random.uuid4())
        arn = make_arn(
            name=body["Name"],
            account_id=self.current_account,
            region_name=self.region,
            _id=resource_id,
            scope=body["Scope"],
        )
        namespace = f"awswaf:{self.current_account}:{kind}:{body['Name']}:"
        return Protected(arn, body["Name"], resource_id, namespace, settings)


def _answer(body: dict[str, Any]) -> TYPE_RESPONSE:
    return 200, {"Content-Type": "application/json"}, json.dumps(body)


def enforced(web_acl_arn: str) -> Policy | None:
    """The policy that a request to a resource behind this web ACL meets now."""
    region, account, resource = web_acl_arn.split(":", 5)[3:]
    backend: Any = wafv2_backends[account][GLOBAL_REGION if resource.startswith("global/") else region]
    return backend.policy(web_acl_arn)


url_bases = [r"https?://wafv2\.(.+)\.amazonaws.com"]
url_paths = {"{0}/": StrictWAFV2Response.dispatch, "{0}/$": StrictWAFV2Response.dispatch}


def install() -> None:
    """Put the strict WAF in the place of moto's."""
    backend: type[BaseBackend] = StrictWAFV2Backend
    wafv2_backends.backend = backend
