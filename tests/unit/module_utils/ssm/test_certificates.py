# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and certificates of many records; the nodes run the real scripts, in folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.host import payload
from ansible_collections.certwright.aws.plugins.module_utils.host.orders import Limits
from ansible_collections.certwright.aws.plugins.module_utils.host.report import render
from ansible_collections.certwright.aws.plugins.module_utils.ssm import certificates, commands
from ansible_collections.certwright.aws.plugins.module_utils.ssm.commands import Job
from ansible_collections.certwright.aws.plugins.module_utils.ssm.documents import SHIPPED
from tests import pki
from tests.script_node import ScriptNode, issue
from tests.unit.module_utils.ssm.fakes import NODES, FakeSsm, Invocation

A, B, C, *_OTHERS = NODES
LIMITS = Limits(command_timeout=5, endpoint_timeout=1)
AUTHORITY = pki.authority()


class ScriptedSsm(FakeSsm):
    """Systems Manager with nodes that run the documents."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.answer = self._run

    def _run(self, node_id: str, _look: int) -> Invocation:
        request = self.sent[-1]
        name, (encoded,) = request["DocumentName"], request["Parameters"]["payload"]
        fields = SHIPPED[name].fields
        records = [payload.node_record(fields, values) for values in payload.decode(encoded, fields)]
        folder = self._folder / node_id
        folder.mkdir(exist_ok=True)
        run = ScriptNode(folder, node_id).run(name, *records)
        return ("Failed" if run.exit_code else "Success"), run.stdout


@pytest.fixture
def ssm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedSsm:
    monkeypatch.setattr(commands, "_pauses", lambda _nodes, _deadline: [0])
    return ScriptedSsm(tmp_path)


def job(name: str) -> Job:
    return Job(name, "ab" * 32, wait_timeout=60)


def stage(ssm: FakeSsm, *elements: Mapping[str, Any], check_mode: bool = False) -> list[dict[str, Any]]:
    return certificates.stage(ssm, job("Certwright-StageKey"), elements, LIMITS, check_mode=check_mode)


def install(ssm: FakeSsm, *elements: Mapping[str, Any], check_mode: bool = False) -> list[dict[str, Any]]:
    return certificates.install(ssm, job("Certwright-InstallCertificate"), elements, LIMITS, check_mode=check_mode)


def element(host_id: str, **settings: Any) -> dict[str, Any]:
    return {"host_id": host_id, "key_algorithm": "EC_prime256v1", **settings}


def issued(each: Mapping[str, Any], csr: str) -> dict[str, Any]:
    from ansible_collections.certwright.aws.plugins.module_utils.x509 import parse_signing_request

    chained = issue(AUTHORITY, parse_signing_request(csr).der)
    return {**each, "certificate": chained.certificate.pem, "chain": "".join(chained.chain)}


def test_whole_life_of_two_certificates(ssm: ScriptedSsm) -> None:
    records = [element(A, common_name="a"), element(f"{A}#web", common_name="web")]
    planned, staged, again = stage(ssm, *records, check_mode=True), stage(ssm, *records), stage(ssm, *records)
    assert [[each["action"] for each in results] for results in (planned, staged, again)] == [
        ["staged", "staged"],
        ["staged", "staged"],
        ["reused", "reused"],
    ]
    assert "csr" not in planned[0]
    assert [each["subject"] for each in staged] == ["CN=a", "CN=web"]
    assert staged[0]["request_hash"] == again[0]["request_hash"] != staged[1]["request_hash"]
    wanted = [issued(each, result["csr"]) for each, result in zip(records, staged, strict=True)]
    results = install(ssm, *wanted)
    assert [(each["changed"], each["action"], each["replaced_serial"]) for each in results] == [
        (True, "installed", None)
    ] * 2
    assert [each["action"] for each in install(ssm, *wanted, check_mode=True)] == ["kept", "kept"]
    read = certificates.read(ssm, job("Certwright-ReadCertificate"), records, LIMITS)
    assert [each["installed"]["serial"] for each in read] == [each["serial"] for each in results]
    assert (read[0]["key"], read[0]["linked"], read[0]["served"], read[0]["served_is_installed"]) == (
        "matches",
        True,
        None,
        None,
    )
    for check_mode, actions in ((True, ["removed"] * 2), (False, ["removed"] * 2), (False, ["kept"] * 2)):
        gone = certificates.remove(ssm, job("Certwright-RemoveCertificate"), records, LIMITS, check_mode=check_mode)
        assert [each["action"] for each in gone] == actions


def test_elements_that_cannot_be_used_fail_alone(ssm: ScriptedSsm) -> None:
    results = stage(
        ssm,
        element(A),
        element(B, cert_path="tmp"),
        element(C, colour="red"),
        element(A),
        {},
        element(C, owner="nobody-here"),
    )
    assert [each["action"] for each in results] == ["staged", "failed", "failed", "failed", "failed", "failed"]
    reasons = [each["reason"] for each in results]
    assert reasons[1] == f"record {B}: cert_path: 'tmp' is relative; give an absolute path"
    assert reasons[2].startswith(f"record {C}: colour: no such setting; the settings are host_id, ")
    assert reasons[3] == f"record {A} is given more than once"
    assert "is not the id of a record" in reasons[4]
    assert (results[5]["error_code"], reasons[5]) == (
        "owner_unknown",
        "owner 'nobody-here' does not exist on this node",
    )
    assert ssm.sent[0]["InstanceIds"] == [A, C]


def test_what_other_modules_return_can_be_given(ssm: ScriptedSsm) -> None:
    leased = {"node_id": A, "state": "due", "serial": "1", "pending_certificate_arn": None, "lease_owner": "x"}
    assert stage(ssm, element(A, **leased))[0]["action"] == "staged"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"certificate": "x", "chain": AUTHORITY.pem}, "this is not a PEM certificate"),
        ({"certificate": AUTHORITY.pem}, "certificate_chain holds no PEM certificate"),
        ({"certificate": AUTHORITY.pem, "chain": AUTHORITY.issue("x").pem}, "does not end in a self-signed root"),
    ],
)
def test_certificates_that_are_none_are_not_sent(ssm: ScriptedSsm, values: dict[str, str], reason: str) -> None:
    (result,) = install(ssm, element(A, **values))
    assert result["failed"]
    assert reason in result["reason"]
    assert ssm.sent == []


def test_rollback_is_told(ssm: ScriptedSsm) -> None:
    record = element(A, reload_command="echo oh >&2; exit 1")
    (result,) = install(ssm, issued(record, stage(ssm, record)[0]["csr"]))
    assert (result["action"], result["changed"], result["error_code"]) == ("rolled_back", False, "reload_failed")
    assert result["reason"].startswith("the reload command failed: exit status 1: oh")


@pytest.mark.parametrize(
    ("action", "data", "code"),
    [
        ("staged", {"csr": b"no CSR"}, "csr_invalid"),
        ("installed", {}, "report_invalid"),
    ],
)
def test_node_that_reports_nonsense_fails_alone(
    ssm: ScriptedSsm, action: str, data: dict[str, bytes], code: str
) -> None:
    honest = ssm.answer
    lie = ("Success", render(A, action, {}, data) + render(B, "staged", {}, data))
    ssm.answer = lambda node, look: lie if node == A else honest(node, look)
    liar, other = stage(ssm, element(A), element(B))
    assert (liar["action"], liar["error_code"]) == ("failed", code)
    assert other["action"] == "staged"


def test_report_that_lacks_something_fails_alone(ssm: ScriptedSsm) -> None:
    ssm.answer = lambda node, _look: ("Success", render(node, "read", {}, {}))
    (result,) = certificates.read(ssm, job("Certwright-ReadCertificate"), [element(A)], LIMITS)
    assert (result["error_code"], result["reason"]) == ("report_invalid", "the node's report lacks 'key'")
