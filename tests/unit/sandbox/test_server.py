# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's server: counts, faults, quotas, listeners, control endpoint."""

from __future__ import annotations

import subprocess
import threading
import time
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.sandbox.client import Sandbox, SandboxError
from tests.sandbox.faults import Fault

# One service for each protocol, and a call that needs nothing.
PROTOCOLS = {
    "json": ("ssm", "describe_parameters", {}, "ssm:DescribeParameters", "ThrottlingException"),
    "query": ("sns", "list_topics", {}, "sns:ListTopics", "Throttling"),
    "ec2": ("ec2", "describe_vpcs", {}, "ec2:DescribeVpcs", "RequestLimitExceeded"),
    "rest-json": ("lambda", "list_functions", {}, "lambda:ListFunctions", "TooManyRequestsException"),
    "rest-xml": ("cloudfront", "list_distributions", {}, "cloudfront:ListDistributions", "Throttling"),
    "s3": ("s3", "list_buckets", {}, "s3:ListBuckets", "SlowDown"),
    "dynamodb": ("dynamodb", "list_tables", {}, "dynamodb:ListTables", "ProvisionedThroughputExceededException"),
    "elbv2": (
        "elbv2",
        "describe_load_balancers",
        {},
        "elasticloadbalancing:DescribeLoadBalancers",
        "Throttling",
    ),
}


def once(sandbox: Sandbox, service: str, **settings: Any) -> Any:
    """A client that does not retry."""
    return sandbox.client(service, config=Config(retries={"total_max_attempts": 1}), **settings)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_is_counted_and_throttled_in_its_own_words(clean: Sandbox, protocol: str) -> None:
    service, method, request, name, code = PROTOCOLS[protocol]
    call = getattr(once(clean, service), method)
    call(**request)
    clean.control("POST", "/faults", {"kind": "throttle", "service": name.partition(":")[0]})
    with pytest.raises(ClientError) as refused:
        call(**request)
    assert refused.value.response["Error"]["Code"] == code
    call(**request)
    assert clean.calls() == {name: 3}
    statuses = [(entry["service"], entry["operation"], entry["error_code"]) for entry in clean.control("GET", "/log")]
    assert statuses == [(*name.split(":"), error) for error in (None, code, None)]


def test_an_error_comes_after_the_calls_that_pass_and_as_often_as_planned(clean: Sandbox) -> None:
    fault = {"kind": "error", "service": "ssm", "operation": "DescribeP*", "code": "InternalServerError", "status": 500}
    clean.control("POST", "/faults", {**fault, "after": 1, "times": 2})
    client = once(clean, "ssm")
    outcomes = [_outcome(client.describe_parameters) for _call in range(4)]
    assert outcomes == ["ok", "InternalServerError", "InternalServerError", "ok"]


def test_botocore_retries_an_internal_error(clean: Sandbox) -> None:
    clean.control("POST", "/faults", {"kind": "error", "service": "ssm"})
    clean.client("ssm").describe_parameters()
    assert clean.calls() == {"ssm:DescribeParameters": 2}


@pytest.mark.parametrize(("kind", "acted"), [("reset", False), ("reply_lost", True)])
def test_a_lost_connection_leaves_the_call_undone_or_done(clean: Sandbox, kind: str, acted: bool) -> None:
    client, name = once(clean, "ssm"), f"/{kind}"
    clean.control("POST", "/faults", {"kind": kind, "service": "ssm", "operation": "PutParameter"})
    with pytest.raises(ConnectionClosedError):
        client.put_parameter(Name=name, Value="v", Type="String")
    assert (_outcome(lambda: client.get_parameter(Name=name)) == "ok") is acted
    assert clean.control("GET", "/log")[0]["status"] is None


def test_a_delay_is_waited_out(clean: Sandbox) -> None:
    clean.control("POST", "/faults", {"kind": "delay", "service": "ssm", "seconds": 0.1})
    begun = time.monotonic()
    once(clean, "ssm").describe_parameters()
    assert time.monotonic() - begun >= 0.1


@pytest.mark.parametrize(("when", "acted"), [("before", False), ("after", True)])
def test_a_process_group_is_killed_at_the_nth_call(clean: Sandbox, when: str, acted: bool) -> None:
    victim = subprocess.Popen(["sleep", "60"], start_new_session=True)
    fault = {"kind": "kill", "service": "ssm", "operation": "PutParameter", "pid": victim.pid, "when": when, "after": 1}
    clean.control("POST", "/faults", fault)
    client, name = once(clean, "ssm"), f"/killed/{when}"
    client.put_parameter(Name=f"{name}/first", Value="v", Type="String")
    assert victim.poll() is None
    with pytest.raises(ConnectionClosedError):
        client.put_parameter(Name=name, Value="v", Type="String")
    assert victim.wait(5) == -9
    assert (_outcome(lambda: client.get_parameter(Name=name)) == "ok") is acted


def test_a_process_that_took_over_an_id_is_not_killed() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    fault = Fault.from_request({"kind": "kill", "pid": ended.pid})
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True) as other:
        fault.pid = other.pid
        fault.kill()
    assert other.returncode == 0


def test_a_quota_refuses_what_is_too_fast(clean: Sandbox) -> None:
    clean.control("POST", "/quotas", {"ssm:DescribeParameters": 5})
    client = once(clean, "ssm")
    outcomes = [_outcome(client.describe_parameters) for _call in range(8)]
    assert outcomes[:5] == ["ok"] * 5
    assert outcomes[-1] == "ThrottlingException"
    time.sleep(0.25)
    assert _outcome(client.describe_parameters) == "ok"
    clean.control("POST", "/quotas", {"ssm:DescribeParameters": None})
    assert [_outcome(client.describe_parameters) for _call in range(8)] == ["ok"] * 8


def test_what_is_missing_is_refused_and_not_retried(clean: Sandbox) -> None:
    with pytest.raises(ClientError, match="does not implement ssm:ListNodes") as refused:
        clean.client("ssm").list_nodes()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError, match="does not implement lambda:ListCapacityProviders"):
        clean.client("lambda").list_capacity_providers()
    assert clean.calls() == {"ssm:ListNodes": 1, "lambda:ListCapacityProviders": 1}


def test_the_tls_listener_is_trusted_by_the_bundle(clean: Sandbox) -> None:
    client = clean.client("sts", endpoint_url=clean.tls_url)
    assert client.get_caller_identity()["Account"] == "123456789012"


@pytest.mark.parametrize("tls", [False, True])
def test_large_bodies_pass_both_listeners(clean: Sandbox, tls: bool) -> None:
    client = clean.client("s3", endpoint_url=clean.tls_url if tls else clean.url)
    bucket, body = f"large-{tls}".lower(), bytes(range(256)) * 4_000
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="k", Body=body)
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_the_log_names_resources_and_no_contents(clean: Sandbox) -> None:
    once(clean, "ssm").put_parameter(Name="/named", Value="the-secret-value", Type="String")
    (entry,) = clean.control("GET", "/log")
    assert entry["resources"] == ["/named"]
    assert entry["access_key"] == clean.env()["AWS_ACCESS_KEY_ID"]
    assert "the-secret-value" not in str(entry)


def test_the_clock_moves_both_ways(clean: Sandbox) -> None:
    for offset in (-518_400, 86_400):
        clean.control("POST", "/clock", {"offset_seconds": offset})
        assert clean.control("GET", "/clock")["offset_seconds"] == offset


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/faults", {"kind": "flood"}, "kind is one of"),
        ("POST", "/faults", {"kind": "throttle", "servce": "ssm"}, "servce"),
        ("POST", "/faults", {"kind": "kill"}, "pid"),
        ("POST", "/profile", {"issue_delay": 1}, "issue_delay"),
        ("PATCH", "/nodes/i-unknown", {"online": False}, "no node i-unknown"),
        ("GET", "/nothing", None, "Not Found"),
    ],
)
def test_control_refuses_what_makes_no_sense(
    clean: Sandbox, method: str, path: str, body: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(SandboxError, match=message):
        clean.control(method, path, body)


def test_many_threads_are_served_and_none_is_lost(clean: Sandbox) -> None:
    client = clean.client("ssm", config=Config(max_pool_connections=8))
    threads = [
        threading.Thread(target=lambda: [client.describe_parameters() for _call in range(10)], daemon=True)
        for _thread in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clean.calls() == {"ssm:DescribeParameters": 80}


def _outcome(call: Any) -> str:
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "ok"
