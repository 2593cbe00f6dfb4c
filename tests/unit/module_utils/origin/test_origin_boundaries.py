# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What leaves the process: real HTTP probes, real botocore parsing, parsing of ARNs, waiting."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from ansible_collections.certwright.aws.plugins.module_utils.errors import (
    AwsError,
    InputError,
    StateError,
    WaitTimeout,
)
from ansible_collections.certwright.aws.plugins.module_utils.origin import cloudfront, elbv2, wafv2
from ansible_collections.certwright.aws.plugins.module_utils.origin.probe import (
    Answer,
    Expectation,
    Prober,
    observe,
    refusals,
)
from ansible_collections.certwright.aws.plugins.module_utils.origin.redaction import hiding
from ansible_collections.certwright.aws.plugins.module_utils.origin.timer import Timer
from tests.unit.module_utils.origin.fakes import LISTENER_RULE, RULE_GROUP, WEB_ACL

NAME = "X-Origin-Verify"


class Origin(BaseHTTPRequestHandler):
    """Lets in what has the right header; the path may ask for another answer."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get(NAME)))
        special = {"/moved": 302, "/missing": 404, "/broken": 500}
        right = self.headers.get(NAME) == "right"
        self.send_response(special.get(self.path, 200) if right else 403)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def origin_url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def let_in(prober: Prober, value: str | None) -> bool | None:
    (answer,) = prober.ask_all([Expectation("it", value, True)])
    return answer.let_in


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("/", "right", True),
        ("/", "wrong", False),
        ("/", "", False),
        ("/", None, False),
        ("/moved", "right", True),
        ("/missing", "right", None),
        ("/broken", "right", None),
    ],
)
def test_probe(origin_url, path, value, expected):
    Origin.asked.clear()
    assert let_in(Prober([origin_url + path], NAME), value) is expected
    assert Origin.asked == [(path, value)], "the header as given, and no redirect followed"


def test_probe_with_other_statuses(origin_url):
    prober = Prober([f"{origin_url}/missing"], NAME, accepted_status=[404], refused_status=[403, 410])
    assert let_in(prober, "right") is True
    assert let_in(Prober([f"{origin_url}/moved"], NAME, refused_status=[302]), "right") is False


def test_an_origin_that_cannot_be_reached_is_no_answer():
    (answer,) = Prober(["http://127.0.0.1:1/"], NAME).ask_all([Expectation("no header", None, False)])
    assert answer.let_in is None
    assert not answer.as_expected
    assert "no header should be refused, got no answer (URLError:" in str(answer)


@pytest.mark.parametrize("url", ["ftp://origin/", "file:///etc/passwd", "origin.example.com"])
def test_other_schemes_are_refused(url):
    with pytest.raises(InputError, match="must begin with http"):
        Prober([url], NAME)


def test_a_missing_ca_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be used"):
        Prober(["https://origin.test/"], NAME, ca_path=str(tmp_path / "none.pem"))


def test_refusals_differ_and_hide_their_value():
    none, empty, wrong = refusals()
    assert (none.value, empty.value) == (None, "")
    assert wrong.value != refusals()[2].value
    assert wrong.value not in repr(wrong)


class Ticking:
    """A clock on which every question and every pause takes time; answers become right at a given time."""

    def __init__(self, right_from: float) -> None:
        self.time, self.right_from = 0.0, right_from

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def ask_all(self, expectations):
        let_in = self.time >= self.right_from
        return [Answer("http://o.test/", expectation, let_in, "HTTP status 403") for expectation in expectations]


@pytest.mark.parametrize(
    ("right_from", "settle_s", "least", "most"), [(0, 0, 0, 0.1), (0, 10, 10, 11), (4, 10, 13.5, 15), (30, 10, 59, 62)]
)
def test_answers_must_stay_right(right_from, settle_s, least, most):
    """For the time that was asked for, and for as long as it took them to become right."""
    clock = Ticking(right_from)
    observe(clock, [Expectation("it", "v", True)], Timer(clock=clock), settle_s=settle_s, timeout_s=100)
    assert least <= clock.time <= most


def test_the_time_is_up():
    clock = Ticking(right_from=50)
    with pytest.raises(WaitTimeout, match=r"within 40 s: http://o.test/ with it should be let in, got HTTP status 403"):
        observe(clock, [Expectation("it", "v", True)], Timer(clock=clock), settle_s=1, timeout_s=40)


def test_no_wait_outlasts_the_deadline():
    clock = Ticking(0)
    timer = Timer(deadline_s=20, clock=clock)
    with pytest.raises(WaitTimeout, match="propagation takes 30 s, which is longer than the time left"):
        timer.wait(30, "propagation")
    assert clock.time == 0
    with pytest.raises(WaitTimeout, match="waited 20 s for it"):
        timer.until(lambda: None, timeout_s=100, what=lambda: "it")
    assert Timer(clock=clock).until(lambda: "done", timeout_s=0, what=lambda: "it") == "done"
    with pytest.raises(WaitTimeout):
        Timer(clock=time).until(lambda: None, timeout_s=0, what=lambda: "it")


# Lossless reading, with botocore's own parser


def answering(service: str, operation: str, body: str):
    """A real client to whose call of ``operation`` AWS answers ``body``."""
    client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="AKIA", aws_secret_access_key="hidden")

    class Raw:
        def stream(self, **_options):
            yield body.encode()

    def answer(request, **_event):
        return AWSResponse(request.url, 200, {"ETag": "E"}, Raw())

    client.meta.events.register(f"before-send.*.{operation}", answer)
    return client


def acl(**more):
    visibility = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
    settings = {
        "Name": "site",
        "Id": "i",
        "ARN": WEB_ACL,
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": visibility,
    }
    return json.dumps({"WebACL": {**settings, **more}, "LockToken": "t", "Fresh": 1})


def test_a_web_acl_that_botocore_knows_is_read():
    resource = wafv2.parse_arn(WEB_ACL, "web ACL")
    settings, token = wafv2.get(answering("wafv2", "GetWebACL", acl(TokenDomains=["a"])), resource)
    assert (settings["TokenDomains"], token) == (["a"], "t")


@pytest.mark.parametrize(
    ("more", "lost"),
    [
        ({"FreshConfig": {"Mode": "ON"}}, "WebACL.FreshConfig"),
        ({"Rules": [{"Name": "a", "Statement": {"FreshStatement": {}}}]}, "WebACL.Rules.Statement.FreshStatement"),
        ({"CustomResponseBodies": {"k": {"Fresh": 1}}}, "WebACL.CustomResponseBodies.Fresh"),
    ],
)
def test_a_web_acl_that_botocore_would_cut_short_is_refused(more, lost):
    resource = wafv2.parse_arn(WEB_ACL, "web ACL")
    with pytest.raises(StateError, match=rf"web ACL site has settings .* would erase \({lost}\)"):
        wafv2.get(answering("wafv2", "GetWebACL", acl(**more)), resource)


def distribution(inside: str) -> str:
    """GetDistribution's answer, as CloudFront writes it."""
    return f"""<?xml version="1.0"?>
<Distribution xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>E1</Id><Status>Deployed</Status><New>1</New>
<DistributionConfig><Origins><Quantity>1</Quantity><Items><Origin><Id>a</Id><CustomHeaders><Quantity>1</Quantity><Items>
<OriginCustomHeader><HeaderName>n</HeaderName><HeaderValue>v</HeaderValue></OriginCustomHeader></Items></CustomHeaders>
{inside}</Origin></Items></Origins><Aliases><Quantity>1</Quantity><Items><CNAME>a.test</CNAME></Items></Aliases>
</DistributionConfig></Distribution>"""


def test_a_distribution_that_botocore_knows_is_read():
    answer = cloudfront.get_distribution(answering("cloudfront", "GetDistribution", distribution("")), "E1")
    assert answer["Distribution"]["DistributionConfig"]["Aliases"]["Items"] == ["a.test"]


def test_a_distribution_that_botocore_would_cut_short_is_refused():
    client = answering("cloudfront", "GetDistribution", distribution("<FreshConfig><Mode>on</Mode></FreshConfig>"))
    with pytest.raises(StateError, match=r"distribution E1 .*DistributionConfig.Origins.Items.FreshConfig"):
        cloudfront.get_distribution(client, "E1")


def rules_answer(inside: str) -> str:
    return f"""<DescribeRulesResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><DescribeRulesResult>
<Rules><member><RuleArn>r</RuleArn><Fresh>1</Fresh><Conditions><member><Field>host-header</Field><HostHeaderConfig>
<Values><member>a.test</member></Values></HostHeaderConfig>{inside}</member></Conditions></member></Rules>
</DescribeRulesResult></DescribeRulesResponse>"""


def test_a_listener_rule_that_botocore_would_cut_short_is_refused():
    known = elbv2.describe_rule(answering("elbv2", "DescribeRules", rules_answer("")), "r")
    assert known["Conditions"][0]["HostHeaderConfig"] == {"Values": ["a.test"]}
    client = answering("elbv2", "DescribeRules", rules_answer("<FreshConfig>1</FreshConfig>"))
    with pytest.raises(StateError, match=r"listener rule r .*\(Rules.Conditions.FreshConfig\)"):
        elbv2.describe_rule(client, "r")


# ARNs and messages


def test_arns():
    assert wafv2.parse_arn(WEB_ACL, "web ACL").region == "eu-west-1"
    assert str(wafv2.parse_arn(RULE_GROUP, "rule group")) == "rule group origin"
    assert elbv2.region_of_rule(LISTENER_RULE) == "eu-west-1"
    with pytest.raises(InputError, match="has the scope CLOUDFRONT, it guards the edge"):
        wafv2.parse_arn(WEB_ACL.replace("eu-west-1", "us-east-1").replace("regional", "global"), "web ACL")
    with pytest.raises(InputError, match="is not the ARN of a rule group"):
        wafv2.parse_arn(WEB_ACL, "rule group")
    with pytest.raises(InputError, match="listener rule"):
        elbv2.region_of_rule(LISTENER_RULE.replace("listener-rule", "listener"))


def test_values_are_blanked_out_of_errors():
    with pytest.raises(AwsError) as refused, hiding(["s3cr3t"]):
        raise AwsError("UpdateWebACL", "WAFInvalidParameterException", "s3cr3t and czNjcjN0 are no good")
    assert str(refused.value) == (
        "UpdateWebACL failed: WAFInvalidParameterException: ******** and ******** are no good"
    )
    assert refused.value.__suppress_context__
