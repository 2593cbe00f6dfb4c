# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Origins and edges over real HTTP, with the AWS that they follow mocked in this process."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.elbv2.models import ELBv2Backend

from tests.sandbox import cloudfront, control, edge, elbv2, profile, propagation, wafv2

DOMAIN = "origin.example.com"
VISIBILITY = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}


@pytest.fixture(scope="module")
def clients() -> dict[str, Any]:
    keys = {"aws_access_key_id": "A" * 20, "aws_secret_access_key": "s"}
    return {name: boto3.client(name, "us-east-1", **keys) for name in ("wafv2", "cloudfront", "elbv2", "ec2")}


@pytest.fixture
def aws(clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for service in (wafv2, cloudfront, elbv2):
        service.install()
    profile.change({"waf_propagation_s": 0, "cloudfront_deploy_s": 0, "elb_propagation_s": 0})
    with mock_aws():
        yield clients
    edge.servers.stop_all()
    profile.restore()


@pytest.fixture(scope="module", autouse=True)
def _routes() -> None:
    edge.install()


def called(method: str, path: str, **body: Any) -> tuple[int, Any]:
    status, reply = control.answer(method, f"/_sandbox{path}", json.dumps(body).encode())
    return status, json.loads(reply)


def started(path: str, **body: Any) -> dict[str, Any]:
    status, reply = called("POST", path, **body)
    assert status == 200, reply
    return reply


def fetched(url: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def rules_for(*values: bytes) -> list[dict[str, Any]]:
    matches = [
        {
            "ByteMatchStatement": {
                "SearchString": value,
                "FieldToMatch": {"SingleHeader": {"Name": "x-origin-verify"}},
                "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
                "PositionalConstraint": "EXACTLY",
            }
        }
        for value in values
    ]
    statement = matches[0] if len(matches) == 1 else {"OrStatement": {"Statements": matches}}
    return [
        {
            "Name": "origin",
            "Priority": 0,
            "Statement": {"NotStatement": {"Statement": statement}},
            "Action": {"Block": {}},
            "VisibilityConfig": VISIBILITY,
        }
    ]


def web_acl(waf: Any, *values: bytes) -> dict[str, str]:
    return waf.create_web_acl(
        Name="acl",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig=VISIBILITY,
        Rules=rules_for(*values),
    )["Summary"]


def config(value: str, **more: Any) -> dict[str, Any]:
    headers = [{"HeaderName": "X-Origin-Verify", "HeaderValue": value}, {"HeaderName": "X-Other", "HeaderValue": "o"}]
    origin = {
        "Id": "o",
        "DomainName": DOMAIN,
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
        "CustomHeaders": {"Quantity": 2, "Items": headers},
        **more,
    }
    return {
        "CallerReference": "ref",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all"},
    }


def listener(aws: dict[str, Any]) -> str:
    subnets = [subnet["SubnetId"] for subnet in aws["ec2"].describe_subnets()["Subnets"][:2]]
    balancer = aws["elbv2"].create_load_balancer(Name="lb", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    refuse = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403", "MessageBody": "no"}}
    made = aws["elbv2"].create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[refuse])
    return made["Listeners"][0]["ListenerArn"]


def header_condition(*values: str, name: str = "X-Origin-Verify") -> list[dict[str, Any]]:
    return [{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name, "Values": list(values)}}]


PASS = [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302", "Host": "elsewhere"}}]


def test_only_the_edge_reaches_the_origin(aws: dict[str, Any]) -> None:
    acl = web_acl(aws["wafv2"], b"secret")
    made = aws["cloudfront"].create_distribution(DistributionConfig=config("secret", OriginPath="/shop"))
    origin = started("/origin", domain_name=DOMAIN, web_acl_arn=acl["ARN"])
    front = started("/edge", distribution_id=made["Distribution"]["Id"])
    assert fetched(origin["url"])[0] == 403
    assert fetched(origin["url"], x_origin_verify="wrong")[0] == 403
    status, body = fetched(f"{front['url']}/a?b=c", x_origin_verify="the viewer's own")
    assert status == 200
    seen = json.loads(body)
    assert seen["path"] == "/shop/a"
    assert {"X-Origin-Verify", "X-Other", "Via"} <= set(seen["headers"])
    assert "secret" not in body
    status, counts = called("GET", f"/origin/{origin['id']}")
    assert (counts["requests"], counts["refused"]) == (3, 2)
    assert counts["rules"] == {"origin": 2, "Default_Action": 1}
    assert called("GET", f"/edge/{front['id']}")[1]["statuses"] == {"200": 1}


def test_a_rotation_in_the_wrong_order_is_refused_until_the_edge_has_the_new_value(aws: dict[str, Any]) -> None:
    profile.change({"cloudfront_deploy_s": 0.2})
    acl = web_acl(aws["wafv2"], b"one")
    cdn = aws["cloudfront"]
    made = cdn.create_distribution(DistributionConfig=config("one"))
    time.sleep(0.2)
    started("/origin", domain_name=DOMAIN, web_acl_arn=acl["ARN"])
    front = started("/edge", distribution_id=made["Distribution"]["Id"])
    assert fetched(front["url"])[0] == 200
    aws["wafv2"].update_web_acl(
        Name="acl",
        Scope="REGIONAL",
        Id=acl["Id"],
        LockToken=acl["LockToken"],
        DefaultAction={"Allow": {}},
        VisibilityConfig=VISIBILITY,
        Rules=rules_for(b"two"),
    )
    cdn.update_distribution(Id=made["Distribution"]["Id"], IfMatch=made["ETag"], DistributionConfig=config("two"))
    statuses = {fetched(front["url"])[0] for _request in range(10)}
    assert 403 in statuses
    time.sleep(0.2)
    assert {fetched(front["url"])[0] for _request in range(10)} == {200}


def test_a_listener_rule_guards_without_regard_to_case_and_with_wildcards(aws: dict[str, Any]) -> None:
    arn = listener(aws)
    rule = aws["elbv2"].create_rule(
        ListenerArn=arn, Priority=5, Conditions=header_condition("AbC", "x-*-?z"), Actions=PASS
    )["Rules"][0]["RuleArn"]
    origin = started("/origin", listener_arn=arn)
    assert fetched(origin["url"]) == (403, "no")
    for value in ("abc", "ABC", "x-anything-yz"):
        decision = elbv2.in_effect(arn).decide(  # type: ignore[union-attr]
            edge.WebRequest("GET", "/", "", [("x-origin-verify", value)])
        )
        assert decision.rule == rule
    aws["elbv2"].modify_rule(RuleArn=rule, Conditions=header_condition("new"))
    held = aws["elbv2"].describe_rules(RuleArns=[rule])["Rules"][0]
    assert held["Conditions"][0]["HttpHeaderConfig"]["Values"] == ["new"]
    assert held["Actions"][0]["Type"] == "redirect"
    assert fetched(origin["url"], x_origin_verify="abc")[0] == 403
    aws["elbv2"].delete_rule(RuleArn=rule)
    assert fetched(origin["url"], x_origin_verify="new")[0] == 403


def test_conditions_that_a_load_balancer_refuses(aws: dict[str, Any]) -> None:
    arn = listener(aws)
    for conditions in (
        header_condition("x" * 129),
        header_condition("a", name="Host"),
        header_condition("a", name="x" * 41),
        header_condition(*"abcdef"),
        header_condition("??????"),
    ):
        with pytest.raises(ClientError) as failure:
            aws["elbv2"].create_rule(ListenerArn=arn, Priority=1, Conditions=conditions, Actions=PASS)
        assert failure.value.response["Error"]["Code"] == "ValidationError"
    assert len(aws["elbv2"].describe_rules(ListenerArn=arn)["Rules"]) == 1


def test_what_cannot_be_started_is_refused(aws: dict[str, Any]) -> None:
    missing = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/none/1"
    assert called("POST", "/origin", web_acl_arn=missing)[0] == 404
    assert called("POST", "/edge", distribution_id="ENONE")[0] == 404
    started("/origin", domain_name=DOMAIN)
    assert called("POST", "/origin", domain_name=DOMAIN)[0] == 400
    assert hasattr(ELBv2Backend, "_validate_conditions")


def test_delays_that_were_drawn_are_told(aws: dict[str, Any]) -> None:
    propagation.forget()
    profile.change({"waf_propagation_s": [0.5, 1.5], "delay_seed": 7})
    acl = web_acl(aws["wafv2"], b"one")
    (told,) = called("GET", "/propagation")[1]
    assert told["resource"] == acl["ARN"]
    assert 0.5 <= told["seconds"] <= 1.5
    assert abs(told["written"] - time.time()) < 5
    called("DELETE", "/propagation")
    assert called("GET", "/propagation")[1] == []


def test_a_request_to_an_origin_can_be_the_end_of_a_process(aws: dict[str, Any]) -> None:
    origin = started("/origin")
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        operation = "/probe x-origin-verify"
        called("POST", "/faults", kind="kill", service="origin", operation=operation, pid=process.pid)
        fetched(f"{origin['url']}/probe")
        assert process.poll() is None
        fetched(f"{origin['url']}/probe", x_origin_verify="a")
        assert process.wait(5) == -signal.SIGKILL
