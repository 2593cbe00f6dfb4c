# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's WAF, seen through boto3 with moto's mock in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.wafv2.models import WAFV2Backend, wafv2_backends
from moto.wafv2.responses import WAFV2Response

from tests.sandbox import profile, wafv2
from tests.sandbox.waf_evaluation import WebRequest, decide

VISIBILITY = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
KEPT = {
    "Description": "the shop",
    "CustomResponseBodies": {"sorry": {"ContentType": "TEXT_PLAIN", "Content": "not for you"}},
    "CaptchaConfig": {"ImmunityTimeProperty": {"ImmunityTime": 120}},
    "ChallengeConfig": {"ImmunityTimeProperty": {"ImmunityTime": 130}},
    "TokenDomains": ["example.com"],
    "AssociationConfig": {"RequestBody": {"CLOUDFRONT": {"DefaultSizeInspectionLimit": "KB_32"}}},
    "DataProtectionConfig": {"DataProtections": [{"Field": {"FieldType": "BODY"}, "Action": "HASH"}]},
    "OnSourceDDoSProtectionConfig": {"ALBLowReputationMode": "ALWAYS_ON"},
    "MonetizationConfig": {"CurrencyMode": "TEST"},
    "AnalyticsConfig": {"Mode": "DISABLED"},
}
APPLICATION = {"Attributes": [{"Name": "kind", "Values": ["shop"]}]}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    profile.change({"waf_propagation_s": 0})
    yield
    profile.restore()


@pytest.fixture(scope="module")
def client() -> Any:
    return boto3.client("wafv2", "us-east-1", aws_access_key_id="A" * 20, aws_secret_access_key="s")


@pytest.fixture
def waf(client: Any) -> Iterator[Any]:
    wafv2.install()
    with mock_aws():
        yield client


def header_rule(value: bytes, name: str = "origin", priority: int = 0, **changes: Any) -> dict[str, Any]:
    """A rule that blocks what has not exactly this value in the header x-origin-verify."""
    match = {
        "SearchString": value,
        "FieldToMatch": {"SingleHeader": {"Name": "x-origin-verify"}},
        "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
        "PositionalConstraint": "EXACTLY",
    }
    return {
        "Name": name,
        "Priority": priority,
        "Statement": {"NotStatement": {"Statement": {"ByteMatchStatement": {**match, **changes}}}},
        "Action": {"Block": {}},
        "VisibilityConfig": VISIBILITY,
    }


def created(waf: Any, **settings: Any) -> dict[str, str]:
    request = {"Name": "acl", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBILITY}
    return waf.create_web_acl(**{**request, **settings})["Summary"]


def update(waf: Any, summary: dict[str, str], token: str, **settings: Any) -> str:
    request = {"Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBILITY, **settings}
    return waf.update_web_acl(Name=summary["Name"], Id=summary["Id"], LockToken=token, **request)["NextLockToken"]


def code_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    return failure.value.response["Error"]["Code"]


def verdict(arn: str, value: str | None) -> tuple[bool, int]:
    headers = [] if value is None else [("X-Origin-Verify", value)]
    policy = wafv2.enforced(arn)
    assert policy is not None
    decision = decide(policy, WebRequest("GET", "/", "", headers))
    return decision.allowed, decision.status


def test_moto_still_offers_the_hooks() -> None:
    assert wafv2_backends.service_name == "wafv2"
    assert "_url_module" in dir(WAFV2Backend)
    for operation in ("create_web_acl", "update_web_acl", "get_web_acl", "delete_web_acl", "get_web_acl_for_resource"):
        assert hasattr(WAFV2Response, operation)
    assert not hasattr(WAFV2Response, "check_capacity")


def test_everything_that_was_sent_comes_back_and_an_update_replaces_it_all(waf: Any) -> None:
    summary = created(waf, **KEPT, Rules=[header_rule(b"one")])
    held = waf.get_web_acl(Name="acl", Id=summary["Id"], Scope="REGIONAL")
    assert {name: held["WebACL"][name] for name in KEPT} == KEPT
    assert held["WebACL"]["Rules"] == [header_rule(b"one")]
    assert held["WebACL"]["Capacity"] == 2
    update(waf, summary, held["LockToken"])
    bare = waf.get_web_acl(ARN=summary["ARN"])["WebACL"]
    assert not set(KEPT) & set(bare)
    assert bare["Rules"] == []


def test_application_config_stays_when_omitted_and_must_not_differ(waf: Any) -> None:
    summary = created(waf, ApplicationConfig=APPLICATION)
    token = update(waf, summary, summary["LockToken"])
    assert waf.get_web_acl(ARN=summary["ARN"])["WebACL"]["ApplicationConfig"] == APPLICATION
    token = update(waf, summary, token, ApplicationConfig=APPLICATION)
    with pytest.raises(ClientError) as failure:
        update(waf, summary, token, ApplicationConfig={"Attributes": [{"Name": "other"}]})
    assert code_of(failure) == "WAFInvalidParameterException"


def test_a_used_lock_token_is_refused(waf: Any) -> None:
    summary = created(waf)
    update(waf, summary, summary["LockToken"])
    with pytest.raises(ClientError) as failure:
        update(waf, summary, summary["LockToken"])
    assert code_of(failure) == "WAFOptimisticLockException"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"Rules": [header_rule(b"x" * 201)]}, "WAFInvalidParameterException"),
        ({"Rules": [header_rule(b"")]}, "WAFInvalidParameterException"),
        ({"Rules": [header_rule(b"a"), header_rule(b"b", "other")]}, "WAFInvalidParameterException"),
        ({"Rules": [header_rule(b"a"), header_rule(b"b", priority=1)]}, "WAFInvalidParameterException"),
        (
            {"DefaultAction": {"Block": {"CustomResponse": {"ResponseCode": 418, "CustomResponseBodyKey": "no"}}}},
            "WAFInvalidParameterException",
        ),
        ({"Rules": [{**header_rule(b"a"), "OverrideAction": {"None": {}}}]}, "WAFInvalidParameterException"),
        (
            {"Rules": [header_rule(b"a", f"r{n}", n, PositionalConstraint="CONTAINS") for n in range(501)]},
            "WAFLimitsExceededException",
        ),
        (
            {
                "Rules": [
                    {
                        "Name": "g",
                        "Priority": 0,
                        "OverrideAction": {"None": {}},
                        "VisibilityConfig": VISIBILITY,
                        "Statement": {"RuleGroupReferenceStatement": {"ARN": "arn:aws:wafv2:us-east-1:1:none"}},
                    }
                ]
            },
            "WAFNonexistentItemException",
        ),
    ],
)
def test_what_waf_refuses(waf: Any, settings: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as failure:
        created(waf, **settings)
    assert code_of(failure) == code
    assert waf.list_web_acls(Scope="REGIONAL")["WebACLs"] == []


def test_cloudfront_scope_lives_in_us_east_1_only(waf: Any) -> None:
    summary = created(waf, Scope="CLOUDFRONT")
    assert waf.get_web_acl(ARN=summary["ARN"])["WebACL"]["Id"] == summary["Id"]
    with pytest.raises(ClientError) as failure:
        boto3.client("wafv2", region_name="eu-west-1").list_web_acls(Scope="CLOUDFRONT")
    assert code_of(failure) == "WAFInvalidParameterException"


def test_capacity_counts_transformations_and_rule_groups(waf: Any) -> None:
    lower = [{"Priority": 0, "Type": "LOWERCASE"}]
    rules = [header_rule(b"a", TextTransformations=lower), header_rule(b"b", "two", 1, PositionalConstraint="CONTAINS")]
    assert waf.check_capacity(Scope="REGIONAL", Rules=rules)["Capacity"] == 12 + 10


def test_rule_groups_have_a_capacity_for_life(waf: Any) -> None:
    group = waf.create_rule_group(
        Name="group", Scope="REGIONAL", Capacity=2, VisibilityConfig=VISIBILITY, Rules=[header_rule(b"one")]
    )["Summary"]
    arguments = {"Name": "group", "Scope": "REGIONAL", "Id": group["Id"], "VisibilityConfig": VISIBILITY}
    with pytest.raises(ClientError) as failure:
        waf.update_rule_group(
            **arguments, LockToken=group["LockToken"], Rules=[header_rule(b"a"), header_rule(b"b", "two", 1)]
        )
    assert code_of(failure) == "WAFLimitsExceededException"
    waf.update_rule_group(**arguments, LockToken=group["LockToken"], Rules=[header_rule(b"two")])
    reference = {
        "Name": "by-group",
        "Priority": 0,
        "OverrideAction": {"None": {}},
        "VisibilityConfig": VISIBILITY,
        "Statement": {"RuleGroupReferenceStatement": {"ARN": group["ARN"]}},
    }
    acl = created(waf, Rules=[reference])
    assert waf.get_web_acl(ARN=acl["ARN"])["WebACL"]["Capacity"] == 2
    assert verdict(acl["ARN"], "two") == (True, 200)
    assert verdict(acl["ARN"], "one") == (False, 403)
    token = waf.get_rule_group(ARN=group["ARN"])["LockToken"]
    with pytest.raises(ClientError) as failure:
        waf.delete_rule_group(Name="group", Scope="REGIONAL", Id=group["Id"], LockToken=token)
    assert code_of(failure) == "WAFAssociatedItemException"


def test_requests_meet_an_update_only_after_its_propagation(waf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: seconds[0])
    profile.change({"waf_propagation_s": 5})
    summary = created(waf, Rules=[header_rule(b"one")])
    assert wafv2.enforced(summary["ARN"]) is None
    with pytest.raises(ClientError) as failure:
        waf.associate_web_acl(WebACLArn=summary["ARN"], ResourceArn="arn:aws:elasticloadbalancing:us-east-1:1:lb")
    assert code_of(failure) == "WAFUnavailableEntityException"
    seconds[0] = 106.0
    waf.associate_web_acl(WebACLArn=summary["ARN"], ResourceArn="arn:aws:elasticloadbalancing:us-east-1:1:lb")
    update(waf, summary, summary["LockToken"], Rules=[header_rule(b"two")])
    assert verdict(summary["ARN"], "one") == (True, 200)
    seconds[0] = 112.0
    assert verdict(summary["ARN"], "one") == (False, 403)
    assert verdict(summary["ARN"], "two") == (True, 200)


def test_the_first_terminating_rule_decides(waf: Any) -> None:
    blocked = {"Block": {"CustomResponse": {"ResponseCode": 418, "CustomResponseBodyKey": "sorry"}}}
    either = [header_rule(value)["Statement"]["NotStatement"]["Statement"] for value in (b"old", b"new")]
    rules = [
        {**header_rule(b"never", "counted", 5), "Action": {"Count": {}}},
        {
            **header_rule(b"", "either", 7),
            "Statement": {"OrStatement": {"Statements": either}},
            "Action": {"Allow": {}},
        },
    ]
    acl = created(waf, Rules=rules, DefaultAction=blocked, CustomResponseBodies=KEPT["CustomResponseBodies"])
    assert verdict(acl["ARN"], "old") == (True, 200)
    assert verdict(acl["ARN"], "new") == (True, 200)
    assert verdict(acl["ARN"], "NEW") == (False, 418)
    assert verdict(acl["ARN"], "") == (False, 418)
    assert verdict(acl["ARN"], None) == (False, 418)
