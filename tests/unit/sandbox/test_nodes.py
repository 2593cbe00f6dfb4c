# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed nodes in the sandbox: what Systems Manager says about them, hybrid activations, tags, real and simulated."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509

from ansible_collections.certwright.aws.plugins.module_utils.host import payload, report
from tests.sandbox.client import Sandbox, SandboxError

from .conftest import Run, document, finished


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    return refused.value.response["Error"]["Code"]


def described(ssm: Any, **filters: list[str]) -> list[dict[str, Any]]:
    chosen = [{"Key": key, "Values": values} for key, values in filters.items()]
    return ssm.describe_instance_information(Filters=chosen, MaxResults=50)["InstanceInformationList"]


def test_nodes_are_described_by_id_and_state(clean: Sandbox, ssm: Any) -> None:
    online, offline, gone = clean.control("POST", "/nodes", {"count": 3, "kind": "simulated"})
    clean.control("PATCH", f"/nodes/{offline}", {"online": False})
    clean.control("PATCH", f"/nodes/{gone}", {"state": "terminated"})
    found = described(ssm, InstanceIds=[online, offline, gone])
    assert [(one["InstanceId"], one["PingStatus"]) for one in found] == [
        (online, "Online"),
        (offline, "ConnectionLost"),
    ]
    assert {one["InstanceId"] for one in described(ssm, PingStatus=["ConnectionLost"])} >= {offline}
    assert refusal(described, ssm=ssm, InstanceIds=["i-00000000000000fff"]) == "InvalidInstanceId"
    assert refusal(described, ssm=ssm, Colour=["red"]) == "InvalidFilterKey"


def test_pages_of_nodes_have_their_limits(clean: Sandbox, ssm: Any) -> None:
    clean.control("POST", "/nodes", {"count": 12, "kind": "simulated"})
    for size in (4, 51):
        assert refusal(ssm.describe_instance_information, MaxResults=size) == "ValidationException"
    first = ssm.describe_instance_information()
    assert len(first["InstanceInformationList"]) == 10
    assert first["NextToken"]


def test_a_machine_registers_by_an_activation(clean: Sandbox, ssm: Any) -> None:
    tags = [{"Key": "site", "Value": "north"}]
    made = ssm.create_activation(IamRole="service-role/ssm", DefaultInstanceName="edge", Tags=tags)
    path = f"/activations/{made['ActivationId']}/register"
    with pytest.raises(SandboxError, match="wrong"):
        clean.control("POST", path, {"code": "x"})
    node = clean.control("POST", path, {"code": made["ActivationCode"], "kind": "simulated"})
    assert node["id"].startswith("mi-")
    with pytest.raises(SandboxError, match="used up"):
        clean.control("POST", path, {"code": made["ActivationCode"], "kind": "simulated"})
    (entry,) = described(ssm, ActivationIds=[made["ActivationId"]])
    assert (entry["ResourceType"], entry["Name"], entry["IamRole"]) == ("ManagedInstance", "edge", "service-role/ssm")
    assert [one["InstanceId"] for one in described(ssm, **{"tag:site": ["north"]})] == [node["id"]]
    (listed,) = ssm.describe_activations(
        Filters=[{"FilterKey": "ActivationIds", "FilterValues": [made["ActivationId"]]}]
    )["ActivationList"]
    assert (listed["RegistrationLimit"], listed["RegistrationsCount"], listed["Expired"]) == (1, 1, False)
    ssm.deregister_managed_instance(InstanceId=node["id"])
    assert refusal(described, ssm=ssm, InstanceIds=[node["id"]]) == "InvalidInstanceId"
    ssm.delete_activation(ActivationId=made["ActivationId"])
    assert refusal(ssm.delete_activation, ActivationId=made["ActivationId"]) == "InvalidActivationId"


def test_an_activation_expires(clean: Sandbox, ssm: Any) -> None:
    made = ssm.create_activation(IamRole="r")
    clean.control("POST", "/clock", {"offset_seconds": 25 * 3600})
    with pytest.raises(SandboxError, match="expired"):
        clean.control("POST", f"/activations/{made['ActivationId']}/register", {"code": made["ActivationCode"]})
    later = datetime.now(timezone.utc) + timedelta(days=40)
    assert refusal(ssm.create_activation, IamRole="r", ExpirationDate=later) == "ValidationException"
    assert refusal(ssm.create_activation, IamRole="r", RegistrationLimit=1001) == "ValidationException"


def test_tags_choose_targets(clean: Sandbox, ssm: Any) -> None:
    (node,) = clean.control("POST", "/nodes", {"count": 1, "prefix": "mi-"})
    ssm.add_tags_to_resource(ResourceType="ManagedInstance", ResourceId=node, Tags=[{"Key": "wave", "Value": "7"}])
    target = {"Key": "tag:wave", "Values": ["7"]}
    send = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["true"]}}
    command_id = ssm.send_command(**send, Targets=[target])["Command"]["CommandId"]
    assert [one["InstanceId"] for one in finished(ssm, command_id)] == [node]
    ssm.remove_tags_from_resource(ResourceType="ManagedInstance", ResourceId=node, TagKeys=["wave"])
    assert ssm.send_command(**send, Targets=[target])["Command"]["StatusDetails"] == "NoInstancesInTag"
    ec2_node = clean.node_ids()[0]
    tag = {"ResourceType": "ManagedInstance", "ResourceId": ec2_node, "Tags": [{"Key": "a", "Value": "b"}]}
    assert refusal(ssm.add_tags_to_resource, **tag) == "InvalidResourceId"


def test_nodes_keep_their_files_and_processes_apart(clean: Sandbox, shell: Run) -> None:
    first, second = clean.control("POST", "/nodes", {"count": 2})
    if not clean.control("GET", f"/nodes/{first}")["isolated"]:
        pytest.skip("no containers here")
    shell([first], "echo mine >/etc/mine; sleep 30 >/dev/null 2>&1 &")
    assert (clean.nodes_dir / first / "etc/mine").read_text() == "mine\n"
    (invocation,) = shell([second], "cat /etc/mine; ps ax | grep -c '[s]leep 30'; touch /usr/x")
    output = invocation["CommandPlugins"][0]["Output"]
    assert "No such file" in output
    assert output.startswith("0\n")
    assert "Read-only file system" in output


def test_a_program_in_usr_local_bin_comes_first(clean: Sandbox, shell: Run, node: str) -> None:
    broken = clean.nodes_dir / node / "usr/local/bin/openssl"
    broken.write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    broken.chmod(0o755)
    (invocation,) = shell([node], "openssl version")
    assert "broken" in invocation["CommandPlugins"][0]["Output"]


def test_a_container_has_users_and_a_disk_that_can_be_full(clean: Sandbox, shell: Run, node: str) -> None:
    if not clean.control("GET", f"/nodes/{node}")["isolated"]:
        pytest.skip("no containers here")
    mount = {"command": "mount -t tmpfs -o size=16k tmpfs /opt"}
    assert clean.control("POST", f"/nodes/{node}/run", mount)["exit_code"] == 0
    (invocation,) = shell([node], "touch /etc/f && chown app:nginx /etc/f", "head -c 100000 /dev/zero >/opt/f")
    assert "No space left" in invocation["CommandPlugins"][0]["Output"]
    if os.geteuid() == 0:
        owned = (clean.nodes_dir / node / "etc/f").stat()
        assert (owned.st_uid, owned.st_gid) == (1000, 998)


@pytest.mark.skipif(not shutil.which("nginx"), reason="no nginx here")
def test_nginx_listens_on_the_address_of_its_node(clean: Sandbox, node: str) -> None:
    about = clean.control("GET", f"/nodes/{node}")
    if not about["isolated"]:
        pytest.skip("no containers here")
    site = f"server {{ listen {about['address']}:8080; return 200 hello; }}"
    Path(about["root"], "etc/nginx/conf.d/site.conf").write_text(site)
    started = clean.control("POST", f"/nodes/{node}/run", {"command": "nginx"})
    assert started["exit_code"] == 0, started
    with socket.create_connection((about["address"], 8080), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(1000).endswith(b"hello")


def test_a_simulated_node_answers_the_collections_documents(clean: Sandbox, ssm: Any) -> None:
    node_ids = clean.control("POST", "/nodes", {"count": 2, "kind": "simulated"})
    parameter = {"payload": {"type": "String", "allowedPattern": payload.ALLOWED_PATTERN}}
    text = document("true {{ payload }}", parameters=parameter)
    ssm.create_document(Name="Certwright-StageKey", Content=text, DocumentType="Command", TargetType="/")
    while ssm.describe_document(Name="Certwright-StageKey")["Document"]["Status"] != "Active":
        pass
    records = [_stage_record(f"{node_ids[0]}#a"), _stage_record(f"{node_ids[0]}#b"), _stage_record(node_ids[1])]
    command_id = ssm.send_command(
        InstanceIds=node_ids, DocumentName="Certwright-StageKey", Parameters={"payload": [payload.encode(records)]}
    )["Command"]["CommandId"]
    reports = [report.parse(one["CommandPlugins"][0]["Output"]) for one in finished(ssm, command_id)]
    assert [sorted(one) for one in reports] == [[f"{node_ids[0]}#a", f"{node_ids[0]}#b"], [node_ids[1]]]
    csr = x509.load_der_x509_csr(reports[1][node_ids[1]].data["csr"])
    assert csr.is_signature_valid
    assert csr.subject.rfc4514_string() == f"CN=cn of {node_ids[1]}"
    with pytest.raises(SandboxError, match="simulated"):
        clean.control("POST", f"/nodes/{node_ids[0]}/run", {"command": "true"})


def _stage_record(host_id: str) -> payload.NodeRecord:
    values = dict.fromkeys(payload.STAGE_FIELDS, "x")
    return payload.node_record(
        payload.STAGE_FIELDS, {**values, "host_id": host_id, "request": f"[subject]\x1fCN = cn of {host_id}"}
    )


def test_no_container_outlives_its_sandbox() -> None:
    sandbox = Sandbox.start(nodes=1)
    (node,) = sandbox.control("GET", "/nodes")
    if not node["isolated"]:
        sandbox.stop()
        pytest.skip("no containers here")
    daemon = {"command": "setsid sleep 4321 >/dev/null 2>&1 & sleep 0.1; readlink /proc/$!/ns/pid"}
    namespace = sandbox.control("POST", f"/nodes/{node['id']}/run", daemon)["stdout"].strip()
    assert namespace in _pid_namespaces()
    os.kill(sandbox.state["pid"], 9)
    deadline = time.monotonic() + 5
    while namespace in _pid_namespaces() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert namespace not in _pid_namespaces()
    sandbox.stop()


def _pid_namespaces() -> set[str]:
    """The PID namespaces that any process of this machine lives in."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/ns/pid"):
        with contextlib.suppress(OSError):
            found.add(str(link.readlink()))
    return found
