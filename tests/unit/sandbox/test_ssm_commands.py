# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run Command in the sandbox: delivery, limits on numbers and time, cancelling, outputs."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.client import Sandbox

from .conftest import Run, finished

RUN = "AWS-RunShellScript"


def sent(ssm: Any, node_ids: list[str], *lines: str, **settings: Any) -> str:
    request = {"InstanceIds": node_ids, "DocumentName": RUN, "Parameters": {"commands": list(lines)}, **settings}
    return ssm.send_command(**request)["Command"]["CommandId"]


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    return refused.value.response["Error"]["Code"]


def statuses(invocations: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["Status"], one["StatusDetails"]) for one in invocations]


def command(ssm: Any, command_id: str) -> dict[str, Any]:
    return ssm.list_commands(CommandId=command_id)["Commands"][0]


def test_a_script_runs_on_the_node_as_the_agent_runs_it(clean: Sandbox, shell: Run, node: str) -> None:
    (invocation,) = shell([node], 'echo "$AWS_SSM_INSTANCE_ID $AWS_SSM_REGION_NAME"', "pwd", "echo $0")
    (plugin,) = invocation["CommandPlugins"]
    script = (
        f"/var/lib/amazon/ssm/{node}/document/orchestration/{invocation['CommandId']}/aws:runShellScript/_script.sh"
    )
    if not clean.control("GET", f"/nodes/{node}")["isolated"]:
        script = f"{clean.nodes_dir}/{node}{script}"
    assert plugin["Output"] == f"{node} us-east-1\n/usr/bin\n{script}\n"
    assert (plugin["Status"], plugin["ResponseCode"], plugin["Name"]) == ("Success", 0, "aws:runShellScript")


def test_the_first_line_may_name_another_interpreter(shell: Run, node: str) -> None:
    (invocation,) = shell([node], "#!/usr/bin/awk -f", 'BEGIN { print "awk" }')
    assert invocation["CommandPlugins"][0]["Output"] == "awk\n"


def test_a_failure_shows_its_exit_status_and_both_streams(ssm: Any, shell: Run, node: str) -> None:
    (invocation,) = shell([node], "echo out", "echo err >&2", "exit 7")
    assert statuses([invocation]) == [("Failed", "Failed")]
    plugin = invocation["CommandPlugins"][0]
    assert plugin["ResponseCode"] == 7
    assert plugin["Output"] == "out\n\n----------ERROR-------\nerr\nfailed to run commands: exit status 7"
    got = ssm.get_command_invocation(CommandId=invocation["CommandId"], InstanceId=node)
    assert got["StandardOutputContent"] == "out\n"
    assert got["StandardErrorContent"] == "err\nfailed to run commands: exit status 7"


def test_long_output_is_cut_at_each_of_its_limits(clean: Sandbox, ssm: Any, shell: Run, node: str) -> None:
    (invocation,) = shell([node], "head -c 30000 /dev/zero | tr '\\0' o", "head -c 9000 /dev/zero | tr '\\0' e >&2")
    assert len(invocation["CommandPlugins"][0]["Output"]) <= 2_400
    get = {"CommandId": invocation["CommandId"], "InstanceId": node}
    got = ssm.get_command_invocation(**get)
    assert (len(got["StandardOutputContent"]), len(got["StandardErrorContent"])) == (24_000, 8_000)
    clean.control("POST", "/faults", {"kind": "output_cut", "service": "ssm", "operation": "Get*", "bytes": 10})
    assert ssm.get_command_invocation(**get)["StandardOutputContent"] == "o" * 10


def test_invocations_appear_only_after_a_while(clean: Sandbox, ssm: Any, node: str) -> None:
    clean.control("POST", "/profile", {"invocation_visible_s": 0.3})
    command_id = sent(ssm, [node], "true")
    assert ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"] == []
    get = {"CommandId": command_id, "InstanceId": node}
    assert refusal(ssm.get_command_invocation, **get) == "InvocationDoesNotExist"
    time.sleep(0.3)
    assert ssm.get_command_invocation(**get)["Status"] in {"InProgress", "Success"}
    assert (
        refusal(ssm.get_command_invocation, **{**get, "InstanceId": "i-00000000000000fff"}) == "InvocationDoesNotExist"
    )


def test_requests_are_refused_as_a_whole(clean: Sandbox, ssm: Any, node: str) -> None:
    stopped = clean.control("POST", "/nodes", {"count": 1, "kind": "simulated", "state": "stopped"})[0]
    many = [f"i-{number:017x}" for number in range(1000, 1051)]
    send = {"DocumentName": RUN, "Parameters": {"commands": ["true"]}}
    assert refusal(ssm.send_command, **send, InstanceIds=many) == "ValidationException"
    assert refusal(ssm.send_command, **send, InstanceIds=[node, many[0]]) == "InvalidInstanceId"
    assert refusal(ssm.send_command, **send, InstanceIds=[node, stopped]) == "InvalidInstanceId"
    assert refusal(ssm.send_command, **send, InstanceIds=[node, node]) == "DuplicateInstanceId"
    assert refusal(ssm.send_command, **send) == "ValidationException"
    assert refusal(ssm.send_command, **send, InstanceIds=[node], TimeoutSeconds=29) == "ValidationException"
    assert refusal(ssm.send_command, **send, InstanceIds=[node], MaxErrors="many") == "ValidationException"
    assert refusal(ssm.send_command, **send, InstanceIds=[node], Comment="c" * 101) == "ValidationException"
    in_s3 = {"OutputS3BucketName": "bucket"}
    assert refusal(ssm.send_command, **send, InstanceIds=[node], **in_s3) == "NotImplementedInSandbox"
    assert refusal(ssm.list_command_invocations, CommandId="0" * 8 + "-0000" * 3 + "-" + "0" * 12) == "InvalidCommandId"


def test_the_first_error_stops_the_rest_unless_errors_are_allowed(clean: Sandbox, ssm: Any) -> None:
    node_ids = clean.node_ids()[:5]
    stopped = finished(ssm, sent(ssm, node_ids, "exit 1", MaxConcurrency="1"))
    assert statuses(stopped) == [("Failed", "Failed"), *[("Cancelled", "Terminated")] * 4]
    assert command(ssm, stopped[0]["CommandId"])["StatusDetails"] == "Failed"
    allowed = finished(ssm, sent(ssm, node_ids, "exit 1", MaxConcurrency="1", MaxErrors="100%"))
    assert statuses(allowed) == [("Failed", "Failed")] * 5
    summary = command(ssm, allowed[0]["CommandId"])
    assert (summary["Status"], summary["StatusDetails"], summary["ErrorCount"]) == ("Failed", "Incomplete", 5)


def test_no_more_nodes_than_allowed_run_at_once(clean: Sandbox, ssm: Any, tmp_path: Any) -> None:
    node_ids = clean.node_ids()[:4]
    begun = time.monotonic()
    finished(ssm, sent(ssm, node_ids, "sleep 0.15", MaxConcurrency="2"))
    assert time.monotonic() - begun >= 0.3


def test_a_node_that_is_offline_gets_the_command_when_it_is_back(clean: Sandbox, ssm: Any, node: str) -> None:
    clean.control("PATCH", f"/nodes/{node}", {"online": False})
    command_id = sent(ssm, [node], "echo late")
    time.sleep(0.15)
    (waiting,) = ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"]
    assert waiting["Status"] == "InProgress"
    clean.control("PATCH", f"/nodes/{node}", {"online": True})
    assert finished(ssm, command_id)[0]["CommandPlugins"][0]["Output"] == "late\n"


def test_delivery_times_out_and_does_not_count_as_an_error(clean: Sandbox, ssm: Any, node: str) -> None:
    clean.control("PATCH", f"/nodes/{node}", {"online": False})
    clean.control("POST", "/profile", {"ssm_time_scale": 0.01})
    command_id = sent(ssm, [node, *clean.node_ids()[:1]], "true", TimeoutSeconds=30, MaxConcurrency="1")
    invocations = finished(ssm, command_id)
    assert statuses(invocations) == [("TimedOut", "DeliveryTimedOut"), ("Success", "Success")]
    summary = command(ssm, command_id)
    assert (summary["StatusDetails"], summary["ErrorCount"], summary["DeliveryTimedOutCount"]) == (
        "DeliveryTimedOut",
        0,
        1,
    )


def test_what_cannot_be_delivered_is_hidden_by_the_commands_success(clean: Sandbox, ssm: Any, node: str) -> None:
    clean.control("PATCH", f"/nodes/{node}", {"undeliverable": True})
    command_id = sent(ssm, [node, *clean.node_ids()[:1]], "true")
    undelivered, _success = finished(ssm, command_id)
    assert statuses([undelivered]) == [("Failed", "Undeliverable")]
    assert undelivered["CommandPlugins"][0]["ResponseCode"] == -1
    assert command(ssm, command_id)["Status"] == "Success"


def test_what_counts_as_undeliverable_may_have_run(clean: Sandbox, ssm: Any, node: str) -> None:
    clean.control("PATCH", f"/nodes/{node}", {"loses_results": True})
    (invocation,) = finished(ssm, sent(ssm, [node], "touch $HOME/ran"))
    assert statuses([invocation]) == [("Failed", "Undeliverable")]
    assert (clean.nodes_dir / node / "root/ran").exists()


def test_a_step_that_takes_too_long_is_killed(clean: Sandbox, ssm: Any, shell: Run, node: str) -> None:
    clean.control("POST", "/profile", {"ssm_time_scale": 0.04})
    begun = time.monotonic()
    (invocation,) = shell([node], "echo begun", "sleep 60", Parameters={"executionTimeout": ["5"]})
    assert time.monotonic() - begun < 5
    assert statuses([invocation]) == [("TimedOut", "ExecutionTimedOut")]
    plugin = invocation["CommandPlugins"][0]
    assert (plugin["ResponseCode"], plugin["Output"]) == (137, "begun\n")


def test_an_agent_that_is_cut_off_reports_when_it_is_back(clean: Sandbox, ssm: Any, node: str) -> None:
    command_id = sent(ssm, [node], "touch /tmp/begun; until [ -e /tmp/go ]; do sleep 0.05; done; echo done")
    clean.control("POST", f"/nodes/{node}/run", {"command": "until [ -e /tmp/begun ]; do sleep 0.05; done"})
    clean.control("PATCH", f"/nodes/{node}", {"online": False})
    clean.control("POST", f"/nodes/{node}/run", {"command": "touch /tmp/go"})
    time.sleep(0.3)
    (invocation,) = ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"]
    assert invocation["Status"] == "InProgress"
    clean.control("PATCH", f"/nodes/{node}", {"online": True})
    assert finished(ssm, command_id)[0]["CommandPlugins"][0]["Output"] == "done\n"


def test_cancelling_kills_what_runs_and_forgets_what_waits(clean: Sandbox, ssm: Any) -> None:
    node_ids = clean.node_ids()[:2]
    command_id = sent(ssm, node_ids, "echo begun", "sleep 60", MaxConcurrency="1")
    time.sleep(0.3)
    ssm.cancel_command(CommandId=command_id)
    invocations = finished(ssm, command_id)
    assert statuses(invocations) == [("Cancelled", "Cancelled")] * 2
    assert invocations[0]["CommandPlugins"][0]["ResponseCode"] == 137
    assert command(ssm, command_id)["StatusDetails"] == "Cancelled"
    stranger = {"CommandId": command_id, "InstanceIds": ["i-00000000000000fff"]}
    assert refusal(ssm.cancel_command, **stranger) == "InvalidInstanceId"


def test_lists_come_in_pages(clean: Sandbox, ssm: Any) -> None:
    node_ids = clean.node_ids()[:5]
    command_id = sent(ssm, node_ids, "true")
    finished(ssm, command_id)
    pages = list(
        ssm.get_paginator("list_command_invocations").paginate(CommandId=command_id, PaginationConfig={"PageSize": 2})
    )
    assert [len(page["CommandInvocations"]) for page in pages] == [2, 2, 1]
    assert refusal(ssm.list_command_invocations, CommandId=command_id, NextToken="?") == "InvalidNextToken"


def test_commands_on_many_nodes_run_side_by_side(clean: Sandbox, ssm: Any) -> None:
    node_ids = clean.control("POST", "/nodes", {"count": 20})
    begun = time.monotonic()
    invocations = finished(ssm, sent(ssm, node_ids, "sleep 0.3"))
    assert statuses(invocations) == [("Success", "Success")] * 20
    assert time.monotonic() - begun < 20 * 0.3


def test_a_daemon_that_keeps_the_output_open_keeps_the_step_running(clean: Sandbox, ssm: Any, node: str) -> None:
    clean.control("POST", "/profile", {"ssm_time_scale": 0.04})
    settings = {"Parameters": {"commands": ["sleep 30 &", "echo done"], "executionTimeout": ["5"]}}
    (invocation,) = finished(ssm, sent(ssm, [node], **settings))
    assert invocation["StatusDetails"] == "ExecutionTimedOut"


def test_concurrent_senders_get_commands_of_their_own(clean: Sandbox, ssm: Any, node: str) -> None:
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(sent(ssm, [node], "true"))) for _thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 8
    assert all(finished(ssm, command_id)[0]["Status"] == "Success" for command_id in ids)


def test_a_reset_ends_what_runs_and_starts_the_nodes_anew() -> None:
    with Sandbox.start(nodes=1) as sandbox:
        client = sandbox.client("ssm")
        (node,) = sandbox.node_ids()
        sent(client, [node], "touch $HOME/before; sleep 60")
        sandbox.control("POST", "/nodes", {"count": 1, "kind": "simulated"})
        time.sleep(0.2)
        begun = time.monotonic()
        sandbox.reset()
        assert time.monotonic() - begun < 10
        assert sandbox.node_ids() == [node]
        assert not (sandbox.nodes_dir / node / "root/before").exists()
        assert client.list_commands()["Commands"] == []
