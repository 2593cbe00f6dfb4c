# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The web site of the origin chaos run: what it is made of, and whether anything but the header ever changed."""

from __future__ import annotations

import copy
from typing import Any

from tests.sandbox.client import Sandbox

HEADER = "X-Origin-Verify"
DOMAIN_NAME = "origin.shop.example"
RULE_NAME = "OriginVerify"
SECRET = "shop/origin-header"
_VISIBILITY = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "shop"}
_OTHER_RULE = {
    "Name": "NoBots",
    "Priority": 7,
    "Statement": {
        "ByteMatchStatement": {
            "SearchString": b"bad bot",
            "FieldToMatch": {"SingleHeader": {"Name": "user-agent"}},
            "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}],
            "PositionalConstraint": "CONTAINS",
        }
    },
    "Action": {"Block": {"CustomResponse": {"ResponseCode": 418, "CustomResponseBodyKey": "sorry"}}},
    "VisibilityConfig": _VISIBILITY,
}
_WEB_ACL = {
    "Name": "shop",
    "Scope": "REGIONAL",
    "Description": "what guards the shop",
    "DefaultAction": {"Allow": {}},
    "Rules": [_OTHER_RULE],
    "VisibilityConfig": _VISIBILITY,
    "CustomResponseBodies": {"sorry": {"ContentType": "TEXT_PLAIN", "Content": "no bots"}},
    "CaptchaConfig": {"ImmunityTimeProperty": {"ImmunityTime": 120}},
    "ChallengeConfig": {"ImmunityTimeProperty": {"ImmunityTime": 130}},
    "TokenDomains": ["shop.example"],
    "AssociationConfig": {"RequestBody": {"CLOUDFRONT": {"DefaultSizeInspectionLimit": "KB_32"}}},
    "DataProtectionConfig": {"DataProtections": [{"Field": {"FieldType": "BODY"}, "Action": "HASH"}]},
    "OnSourceDDoSProtectionConfig": {"ALBLowReputationMode": "ALWAYS_ON"},
}


class Site:
    """An origin behind a web ACL and a listener rule, and two distributions in front of it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._waf = sandbox.client("wafv2")
        self._cloudfront = sandbox.client("cloudfront")
        self._elb = sandbox.client("elbv2")
        self._secrets = sandbox.client("secretsmanager")
        self.web_acl_arn = self._waf.create_web_acl(**_WEB_ACL)["Summary"]["ARN"]
        self.listener_arn, self.listener_rule_arn = self._create_listener(sandbox.client("ec2"))
        self.distribution_ids = [self._create_distribution(number) for number in range(2)]
        gates = {"web_acl_arn": self.web_acl_arn, "listener_arn": self.listener_arn}
        self.origin = sandbox.control("POST", "/origin", {"domain_name": DOMAIN_NAME, **gates})
        self.edges = [sandbox.control("POST", "/edge", {"distribution_id": one}) for one in self.distribution_ids]
        self._before = self.apart_from_the_header()

    @property
    def options(self) -> dict[str, Any]:
        """Options of ``waf_origin_secret`` that describe the site."""
        return {
            "secret_name": SECRET,
            "header_name": HEADER,
            "distributions": [{"id": one} for one in self.distribution_ids],
            "web_acls": [self.web_acl_arn],
            "listener_rules": [self.listener_rule_arn],
            "rule_name": RULE_NAME,
            "test_urls": [f"{self.origin['url']}/probe"],
        }

    def versions(self) -> dict[str, str]:
        """The id of the version that each label of the secret is attached to."""
        stages = self._secrets.describe_secret(SecretId=SECRET)["VersionIdsToStages"]
        return {label: version for version, labels in stages.items() for label in labels}

    def value(self, label: str) -> str:
        """The header's value in the version with a label."""
        return self._secrets.get_secret_value(SecretId=SECRET, VersionStage=label)["SecretString"]

    def changed_by_mistake(self) -> list[str]:
        """What differs from the site's beginning, apart from the header and the rule that demands it."""
        now = self.apart_from_the_header()
        return [name for name, value in self._before.items() if value != now[name]]

    def apart_from_the_header(self) -> dict[str, Any]:
        """Every setting of the web ACL, the listener rule and the distributions that no rotation may touch."""
        acl = self._waf.get_web_acl(ARN=self.web_acl_arn)["WebACL"]
        rules = [rule for rule in acl.pop("Rules") if rule["Name"] != RULE_NAME]
        acl.pop("Capacity")
        rule = self._elb.describe_rules(RuleArns=[self.listener_rule_arn])["Rules"][0]
        conditions = [one for one in rule.pop("Conditions") if one["Field"] != "http-header"]
        found = {"web ACL": acl, "other rules": rules, "listener rule": rule, "other conditions": conditions}
        for one in self.distribution_ids:
            config = copy.deepcopy(self._cloudfront.get_distribution_config(Id=one)["DistributionConfig"])
            for origin in config["Origins"]["Items"]:
                headers = origin.pop("CustomHeaders").get("Items", [])
                origin["other headers"] = [header for header in headers if header["HeaderName"] != HEADER]
            found[f"distribution {one}"] = config
        return found

    def _create_listener(self, ec2: Any) -> tuple[str, str]:
        """The ARNs of a listener that refuses by default, and of its rule for the whole site."""
        subnets = ec2.describe_subnets()["Subnets"]
        balancer = self._elb.create_load_balancer(Name="shop", Subnets=[one["SubnetId"] for one in subnets[:2]])
        group = self._elb.create_target_group(Name="shop", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"])
        refuse = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403", "ContentType": "text/plain"}}
        listener = self._elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[refuse],
        )["Listeners"][0]["ListenerArn"]
        rule = self._elb.create_rule(
            ListenerArn=listener,
            Priority=10,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
            Actions=[{"Type": "forward", "TargetGroupArn": group["TargetGroups"][0]["TargetGroupArn"]}],
        )
        return listener, rule["Rules"][0]["RuleArn"]

    def _create_distribution(self, number: int) -> str:
        headers = [{"HeaderName": "X-Shop", "HeaderValue": f"shop {number}"}]
        site = {
            "Id": "site",
            "DomainName": DOMAIN_NAME,
            "CustomHeaders": {"Quantity": 1, "Items": headers},
            "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
        }
        images = {
            "Id": "images",
            "DomainName": "images.s3.us-east-1.amazonaws.com",
            "S3OriginConfig": {"OriginAccessIdentity": ""},
        }
        made = self._cloudfront.create_distribution(
            DistributionConfig={
                "CallerReference": f"shop {number}",
                "Comment": f"shop {number}",
                "Enabled": True,
                "Origins": {"Quantity": 2, "Items": [site, images]},
                "DefaultCacheBehavior": {"TargetOriginId": "site", "ViewerProtocolPolicy": "allow-all"},
            }
        )
        return made["Distribution"]["Id"]
