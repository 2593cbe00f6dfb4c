# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An AWS in memory for the flows of the origin header, as strict as AWS where the flows could go wrong.

Time is a number that only :meth:`World.sleep` moves. Whatever is written takes effect everywhere only after a while;
until then a request may meet the old or the new. At every call and every moment that passes, the world checks that no
request which an edge may send is refused by a gate that it may meet.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

from ansible_collections.certwright.aws.plugins.module_utils.origin.parts import OriginHeader
from ansible_collections.certwright.aws.plugins.module_utils.origin.probe import Answer
from ansible_collections.certwright.aws.plugins.module_utils.origin.settings import Settings
from ansible_collections.certwright.aws.plugins.module_utils.origin.timer import Timer

HEADER = "X-Origin-Verify"
WEB_ACL = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/site/0c5b1f8e-7d0a-4a6b-9d7e-1f2a3b4c5d6e"
RULE_GROUP = "arn:aws:wafv2:eu-west-1:123456789012:regional/rulegroup/origin/1c5b1f8e-7d0a-4a6b-9d7e-1f2a3b4c5d6e"
LISTENER_RULE = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/site/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2"
SECRET = "origin/verify"
CREATED = datetime(2026, 1, 1, tzinfo=timezone.utc)
METAS = {
    service: boto3.client(
        service, region_name="eu-west-1", aws_access_key_id="AKIA", aws_secret_access_key="hidden"
    ).meta
    for service in ("secretsmanager", "cloudfront", "wafv2", "elbv2")
}


class Killed(BaseException):
    """The process is killed: nothing that it would have done next happens."""


class Rollout:
    """A setting that is in effect everywhere only ``delay`` after it was written."""

    def __init__(self, world: World, value: Any) -> None:
        self.world, self.value = world, value
        self.still_met: list[tuple[float, Any]] = []

    def write(self, value: Any, delay: float) -> None:
        self.still_met.append((self.world.now + delay, self.value))
        self.value = value

    @property
    def met(self) -> list[Any]:
        """What a request may meet now."""
        return [self.value, *(value for until, value in self.still_met if until > self.world.now)]

    @property
    def settled(self) -> bool:
        return len(self.met) == 1


class Client:
    """A boto3 client of one service: validates as botocore does, counts, and can be made to fail."""

    service: str

    def __init__(self, world: World) -> None:
        self.world = world
        self.meta = METAS[self.service]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = self.meta.method_to_api_mapping[name]

        def call(**parameters: Any) -> Any:
            shape = self.meta.service_model.operation_model(operation).input_shape
            validate_parameters(parameters, shape)
            self.world.before_call(operation)
            result = copy.deepcopy(type(self).__dict__[f"do_{name}"](self, **copy.deepcopy(parameters)))
            self.world.after_call(operation)
            return result

        return call

    @staticmethod
    def error(code: str, operation: str, message: str = "refused") -> ClientError:
        return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class SecretsManager(Client):
    service = "secretsmanager"

    def _found(self, secret_id: str) -> dict[str, Any]:
        for secret in self.world.secrets.values():
            if secret_id in (secret["Name"], secret["ARN"]):
                return secret
        raise self.error("ResourceNotFoundException", "DescribeSecret")

    def do_describe_secret(self, SecretId: str) -> Any:
        return {name: value for name, value in self._found(SecretId).items() if name != "values"}

    def do_get_random_password(self, PasswordLength: int, **options: Any) -> Any:
        assert options["ExcludePunctuation"]
        assert not options["IncludeSpace"]
        return {"RandomPassword": self.world.random_value(PasswordLength)}

    def do_create_secret(self, Name: str, SecretString: str, ClientRequestToken: str = "", **members: Any) -> Any:
        if Name in self.world.secrets:
            raise self.error("ResourceExistsException", "CreateSecret")
        version = ClientRequestToken or str(uuid.uuid4())
        arn = f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{Name}-AbCdEf"
        self.world.secrets[Name] = {
            **{"Name": Name, "ARN": arn, "VersionIdsToStages": {version: ["AWSCURRENT"]}},
            **{"values": {version: SecretString}, **members},
        }
        return {"ARN": arn}

    def do_get_secret_value(self, SecretId: str, VersionId: str) -> Any:
        secret = self._found(SecretId)
        if "DeletedDate" in secret:
            raise self.error("InvalidRequestException", "GetSecretValue")
        if VersionId not in secret["values"]:
            raise self.error("ResourceNotFoundException", "GetSecretValue")
        return {"SecretString": secret["values"][VersionId], "VersionId": VersionId, "CreatedDate": CREATED}

    def do_put_secret_value(
        self,
        SecretId: str,
        ClientRequestToken: str,
        SecretString: str,
        VersionStages: list[str],
        RotationToken: str | None = None,
    ) -> Any:
        secret = self._found(SecretId)
        held = secret["values"].setdefault(ClientRequestToken, SecretString)
        if held != SecretString:
            raise self.error("ResourceExistsException", "PutSecretValue")
        for stage in VersionStages:
            self._attach(secret, stage, ClientRequestToken)
        return {}

    def do_update_secret_version_stage(
        self, SecretId: str, VersionStage: str, RemoveFromVersionId: str, MoveToVersionId: str | None = None
    ) -> Any:
        secret = self._found(SecretId)
        if VersionStage not in secret["VersionIdsToStages"].get(RemoveFromVersionId, []):
            raise self.error("InvalidParameterException", "UpdateSecretVersionStage")
        self._attach(secret, VersionStage, MoveToVersionId)
        if VersionStage == "AWSCURRENT":
            self._attach(secret, "AWSPREVIOUS", RemoveFromVersionId)
        return {}

    @staticmethod
    def _attach(secret: dict[str, Any], stage: str, version: str | None) -> None:
        stages = secret["VersionIdsToStages"]
        for held in stages.values():
            if stage in held:
                held.remove(stage)
        if version:
            stages.setdefault(version, []).append(stage)
        for gone in [version_id for version_id, held in stages.items() if not held]:
            del stages[gone]

    def do_delete_secret(self, SecretId: str, RecoveryWindowInDays: int) -> Any:
        self._found(SecretId)["DeletedDate"] = RecoveryWindowInDays
        return {}

    def do_restore_secret(self, SecretId: str) -> Any:
        del self._found(SecretId)["DeletedDate"]
        return {}

    def do_update_secret(self, SecretId: str, **members: Any) -> Any:
        self._found(SecretId).update(members)
        return {}

    def do_tag_resource(self, SecretId: str, Tags: list[dict[str, str]]) -> Any:
        secret = self._found(SecretId)
        keys = {tag["Key"] for tag in Tags}
        secret["Tags"] = [tag for tag in secret.get("Tags", []) if tag["Key"] not in keys] + Tags
        return {}

    def do_untag_resource(self, SecretId: str, TagKeys: list[str]) -> Any:
        secret = self._found(SecretId)
        secret["Tags"] = [tag for tag in secret["Tags"] if tag["Key"] not in TagKeys]
        return {}


class CloudFront(Client):
    service = "cloudfront"

    def do_get_distribution(self, Id: str) -> Any:
        if Id not in self.world.distributions:
            raise self.error("NoSuchDistribution", "GetDistribution")
        config: Rollout = self.world.distributions[Id]
        status = "Deployed" if config.settled else "InProgress"
        distribution = {"Id": Id, "Status": status, "DistributionConfig": config.value}
        return {"Distribution": distribution, "ETag": self.world.tokens[Id]}

    def do_update_distribution(self, Id: str, DistributionConfig: dict[str, Any], IfMatch: str) -> Any:
        if IfMatch != self.world.tokens[Id]:
            raise self.error("PreconditionFailed", "UpdateDistribution")
        self.world.tokens[Id] = str(uuid.uuid4())
        self.world.distributions[Id].write(DistributionConfig, self.world.deploy_s)
        return {}


class Waf(Client):
    service = "wafv2"

    def _get(self, arn: str, member: str) -> Any:
        if arn not in self.world.waf:
            raise self.error("WAFNonexistentItemException", f"Get{member}")
        return {member: self.world.waf[arn].value, "LockToken": self.world.tokens[arn]}

    def do_get_web_acl(self, Id: str, **_identity: Any) -> Any:
        return self._get(next(arn for arn in self.world.waf if arn.endswith(Id)), "WebACL")

    def do_get_rule_group(self, Id: str, **_identity: Any) -> Any:
        return self._get(next(arn for arn in self.world.waf if arn.endswith(Id)), "RuleGroup")

    def _update(self, arn: str, LockToken: str, settings: dict[str, Any]) -> Any:
        if LockToken != self.world.tokens[arn]:
            raise self.error("WAFOptimisticLockException", "Update")
        held = self.world.waf[arn].value
        settings.pop("Scope")
        kept = {name: held[name] for name in ("ARN", "Capacity") if name in held}
        self.world.tokens[arn] = str(uuid.uuid4())
        self.world.waf[arn].write({**kept, **settings}, self.world.waf_s)
        return {}

    def do_update_web_acl(self, LockToken: str, **settings: Any) -> Any:
        return self._update(WEB_ACL, LockToken, settings)

    def do_update_rule_group(self, LockToken: str, **settings: Any) -> Any:
        return self._update(RULE_GROUP, LockToken, settings)

    def do_check_capacity(self, Scope: str, Rules: list[dict[str, Any]]) -> Any:
        if "CustomResponseBodyKey" in str(Rules):
            raise self.error("WAFInvalidParameterException", "CheckCapacity")
        return {"Capacity": json.dumps(Rules, default=repr).count("ByteMatchStatement") * 2}


class LoadBalancing(Client):
    service = "elbv2"

    def do_describe_rules(self, RuleArns: list[str]) -> Any:
        if RuleArns[0] not in self.world.listener_rules:
            raise self.error("RuleNotFound", "DescribeRules")
        return {"Rules": [self.world.listener_rules[arn].value for arn in RuleArns]}

    def do_modify_rule(self, RuleArn: str, Conditions: list[dict[str, Any]]) -> Any:
        for condition in Conditions:
            if "Values" in condition and len(condition) > 2:
                raise self.error("ValidationError", "ModifyRule", "Values and a config are exclusive")
        held = self.world.listener_rules[RuleArn]
        held.write({**held.value, "Conditions": Conditions}, self.world.waf_s)
        return {}


class World:
    """One site: a distribution with two custom origins, and up to three gates before them."""

    def __init__(self, *, waf_s: float = 1, deploy_s: float = 2) -> None:
        self.now, self.waf_s, self.deploy_s = 0.0, waf_s, deploy_s
        self.secrets: dict[str, dict[str, Any]] = {}
        self.distributions: dict[str, Rollout] = {}
        self.waf: dict[str, Rollout] = {}
        self.listener_rules: dict[str, Rollout] = {}
        self.tokens: dict[str, str] = {}
        self.calls: list[str] = []
        self.violations: list[str] = []
        self.kill_at: int | None = None
        self.lose_reply_at: int | None = None
        self.before: dict[str, Callable[[], None]] = {}
        self._values = 0

    # What the flows are given

    def client(self, service: str, region: str | None) -> Client:
        kinds = {kind.service: kind for kind in (SecretsManager, CloudFront, Waf, LoadBalancing)}
        assert region in (None, "eu-west-1")
        return kinds[service](self)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        end = self.now + seconds
        changes = {until for rollout in self.rollouts() for until, _old in rollout.still_met if self.now < until < end}
        for self.now in (*sorted(changes), end):
            self.check()

    def origin(self, *, probed: bool = True, **options: Any) -> OriginHeader:
        """The origin header of this site, as a module would connect it."""
        given = {
            "header_name": HEADER,
            "distributions": [{"id": edge} for edge in self.distributions],
            "web_acls": [arn for arn in self.waf if "/webacl/" in arn],
            "rule_groups": [arn for arn in self.waf if "/rulegroup/" in arn],
            "listener_rules": list(self.listener_rules),
            "settle_time": 0,
        }
        settings = Settings.from_options({**given, **options})
        prober: Any = Visitor(self) if probed else None
        return OriginHeader(settings, SECRET, self.client, Timer(clock=self), prober)

    def rollouts(self) -> list[Rollout]:
        return [*self.distributions.values(), *self.waf.values(), *self.listener_rules.values()]

    # Faults

    def before_call(self, operation: str) -> None:
        self.calls.append(operation)
        if self.kill_at == len(self.calls):
            raise Killed
        if operation in self.before:
            self.before.pop(operation)()

    def after_call(self, operation: str) -> None:
        self.check()
        if self.lose_reply_at == len(self.calls):
            raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "lost"}}, operation)

    def writes(self) -> list[str]:
        return [name for name in self.calls if not name.startswith(("Get", "Describe", "Check"))]

    # The site

    def add_distribution(self, edge: str = "E1", *, enabled: bool = True, headers: int = 1) -> None:
        others = [{"HeaderName": f"X-Other-{n}", "HeaderValue": f"kept-{n}"} for n in range(headers)]
        custom = {"CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}
        origins = [
            {"Id": "app", "DomainName": "app.example.com", **custom},
            {"Id": "api", "DomainName": "api.example.com", **custom},
            {"Id": "bucket", "DomainName": "b.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}},
        ]
        for origin in origins[:2]:
            origin["CustomHeaders"] = {"Quantity": headers, "Items": copy.deepcopy(others)}
        behaviour = {"TargetOriginId": "app", "ViewerProtocolPolicy": "redirect-to-https"}
        config = {
            **{"CallerReference": edge, "Origins": {"Quantity": 3, "Items": origins}, "Enabled": enabled},
            **{"DefaultCacheBehavior": behaviour, "Comment": "kept"},
        }
        self.distributions[edge] = Rollout(self, config)
        self.tokens[edge] = str(uuid.uuid4())

    def add_web_acl(self, default: str = "Allow", rules: list[dict[str, Any]] | None = None) -> None:
        self._add_waf(WEB_ACL, {"DefaultAction": {default: {}}, "Rules": [other_rule(), *(rules or [])]})

    def add_rule_group(self, capacity: int = 50) -> None:
        self._add_waf(RULE_GROUP, {"Capacity": capacity, "Rules": []})

    def _add_waf(self, arn: str, settings: dict[str, Any]) -> None:
        name, resource_id = arn.split("/")[2:]
        visibility = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": False, "MetricName": "kept"}
        kept = {"Name": name, "Id": resource_id, "ARN": arn, "VisibilityConfig": visibility, "Description": ""}
        bodies = {"busy": {"ContentType": "TEXT_PLAIN", "Content": "later"}}
        self.waf[arn] = Rollout(self, {**kept, "CustomResponseBodies": bodies, **settings})
        self.tokens[arn] = str(uuid.uuid4())

    def add_listener_rule(self) -> None:
        conditions = [
            {"Field": "host-header", "Values": ["a.test"], "HostHeaderConfig": {"Values": ["a.test"]}},
        ]
        rule = {"RuleArn": LISTENER_RULE, "Priority": "1", "Conditions": conditions, "IsDefault": False}
        self.listener_rules[LISTENER_RULE] = Rollout(self, rule)

    def random_value(self, length: int) -> str:
        self._values += 1
        return f"Value{self._values}".ljust(length, "x")

    def values_ever_used(self) -> list[str]:
        return [json.loads(text)["HEADERVALUE"] for text in self.secrets[SECRET]["values"].values()]

    # What visitors meet

    def edge_values(self) -> set[str | None]:
        """Every value that an edge may be sending now."""
        return {
            next(
                (h["HeaderValue"] for h in origin["CustomHeaders"].get("Items", []) if h["HeaderName"] == HEADER), None
            )
            for config in self.distributions.values()
            for met in config.met
            for origin in met["Origins"]["Items"][:2]
        }

    def lets_in(self, value: str | None) -> set[bool]:
        """What may happen now to a request that goes to the origin directly."""
        answers = set()
        gates = [(waf, self._waf_passes) for waf in self.waf.values()]
        gates += [(rule, self._listener_passes) for rule in self.listener_rules.values()]
        for rollout, passes in gates:
            answers |= {passes(met, value) for met in rollout.met}
        return {False, True} if len(answers) == 2 else answers

    @staticmethod
    def _waf_passes(settings: dict[str, Any], value: str | None) -> bool:
        for rule in sorted(settings["Rules"], key=lambda rule: rule["Priority"]):
            counts = "Count" in rule["Action"] or rule["Name"].startswith("other")
            if not counts and _matches(rule["Statement"], value):
                return "Allow" in rule["Action"]
        return "Block" not in settings.get("DefaultAction", {})

    @staticmethod
    def _listener_passes(rule: dict[str, Any], value: str | None) -> bool:
        for condition in rule["Conditions"]:
            if condition["Field"] == "http-header" and value not in condition["HttpHeaderConfig"]["Values"]:
                return False
        return True

    def check(self) -> None:
        """Note every request of an edge that may be refused now."""
        for value in self.edge_values():
            if False in self.lets_in(value):
                self.violations.append(f"at {self.now:.1f} s after {self.calls[-1:]}: {value and value[:8]} refused")


class Visitor:
    """Asks the origin of a world directly, as :class:`Prober` does over HTTP; meets the worst of what it may meet."""

    def __init__(self, world: World) -> None:
        self._world = world

    def ask_all(self, expectations: Any) -> list[Answer]:
        answers = []
        for expectation in expectations:
            possible = self._world.lets_in(expectation.value)
            let_in = expectation.let_in if possible == {expectation.let_in} else not expectation.let_in
            answers.append(Answer("https://origin.test/", expectation, let_in, "HTTP status"))
        return answers


def other_rule() -> dict[str, Any]:
    """A rule that somebody else keeps in the same web ACL."""
    return {
        "Name": "other",
        "Priority": 7,
        "Statement": {"GeoMatchStatement": {"CountryCodes": ["AQ"]}},
        "Action": {"Block": {"CustomResponse": {"ResponseCode": 503, "CustomResponseBodyKey": "busy"}}},
        "VisibilityConfig": {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "other"},
    }


def _matches(statement: dict[str, Any], value: str | None) -> bool:
    kind, content = next(iter(statement.items()))
    if kind == "NotStatement":
        return not _matches(content["Statement"], value)
    if kind == "OrStatement":
        return any(_matches(inner, value) for inner in content["Statements"])
    return value is not None and content["SearchString"] == value.encode()
