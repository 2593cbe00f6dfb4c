# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import stat

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.host import orders
from ansible_collections.certwright.aws.plugins.module_utils.x509 import SigningRequest, parse_signing_request
from tests import pki
from tests.script_node import LIMITS, NODE_ID, Run, ScriptNode, issue, record


def csr_of(run: Run) -> SigningRequest:
    assert run.exit_code == 0, run
    return parse_signing_request(run.report.data["csr"])


def test_key_and_csr_are_made_once(node: ScriptNode) -> None:
    settings = record(
        common_name="web", subject_alt_names=["DNS:web.example", "IP:10.0.0.1"], subject={"country": "DE"}
    )
    first, second = node.stage(settings), node.stage(settings)
    assert (first.report.action, second.report.action) == ("staged", "reused")
    assert csr_of(first) == csr_of(second)
    assert csr_of(first).subject == "CN=web,C=DE"
    assert csr_of(first).subject_alt_names == ("DNS:web.example", "IP:10.0.0.1")
    key = node.home(settings) / "staged" / "key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


def test_private_key_is_not_printed(node: ScriptNode) -> None:
    settings = record()
    run = node.stage(settings)
    _begin, *secret, _public_key, _end = (node.home(settings) / "staged" / "key.pem").read_text().splitlines()
    assert secret
    assert not any(line in run.stdout + run.stderr for line in secret)


@pytest.mark.parametrize("algorithm", ["RSA_2048", "EC_secp384r1", "EC_secp521r1"])
def test_key_is_of_the_algorithm_asked_for(node: ScriptNode, algorithm: str) -> None:
    assert csr_of(node.stage(record(key_algorithm=algorithm))).key_algorithm == algorithm


def test_another_request_gets_another_key(node: ScriptNode) -> None:
    first, second = node.stage(record(common_name="a")), node.stage(record(common_name="b"))
    assert second.report.action == "staged"
    assert csr_of(first).public_key_sha256 != csr_of(second).public_key_sha256


def test_key_that_does_not_fit_its_csr_is_replaced(node: ScriptNode) -> None:
    settings = record()
    node.stage(settings)
    (node.home(settings) / "staged" / "key.pem").write_text(pki.authority().key_pem)
    assert node.stage(settings).report.action == "staged"


def test_certificate_that_was_installed_but_not_recorded_is_found_again(
    node: ScriptNode, authority: pki.Entity
) -> None:
    settings = record()
    csr = csr_of(node.stage(settings))
    node.install(settings, issue(authority, csr.der))
    found = node.stage(settings, pending=csr.public_key_sha256)
    assert found.report.action == "reused"
    assert csr_of(found) == csr
    assert csr_of(node.stage(settings)).public_key_sha256 != csr.public_key_sha256


def test_check_mode_changes_nothing(node: ScriptNode) -> None:
    dry = orders.stage(record(), None, LIMITS, dry_run=True)
    assert node.run("Certwright-StageKey", dry).report.action == "staged"
    assert list(node.root.iterdir()) == []
    staged = csr_of(node.stage(record()))
    again = node.run("Certwright-StageKey", dry)
    assert (again.report.action, csr_of(again)) == ("reused", staged)


def test_records_of_other_nodes_are_left_to_them(node: ScriptNode) -> None:
    mine, other = record(host_id=f"{NODE_ID}#web"), record(host_id="i-0123456789abcdef1")
    run = node.run("Certwright-StageKey", *(orders.stage(settings, None, LIMITS) for settings in (other, mine)))
    assert list(run.reports) == [mine.host_id]


def test_one_record_that_fails_stops_no_other(node: ScriptNode) -> None:
    bad, good = record(owner="nobody-here"), record(host_id=f"{NODE_ID}#web")
    run = node.run("Certwright-StageKey", *(orders.stage(settings, None, LIMITS) for settings in (bad, good)))
    assert run.exit_code == 1
    assert run.reports[bad.host_id].words["reason"] == "owner_unknown"
    assert run.reports[bad.host_id].message == "owner 'nobody-here' does not exist on this node"
    assert run.reports[good.host_id].action == "staged"


def test_group_that_does_not_exist_is_named(node: ScriptNode) -> None:
    report = node.stage(record(group="nobody-here")).report
    assert report.failed
    assert "nobody-here" in report.message


def test_folder_that_cannot_be_made_is_named(node: ScriptNode) -> None:
    node.path("/srv").write_text("a file")
    report = node.stage(record()).report
    assert report.words["reason"] == "system_error"
    assert report.message.startswith(f"cannot make {node.path('/srv/tls')}: ")


def test_openssl_that_fails_is_quoted(node: ScriptNode) -> None:
    node.put_program("openssl", 'echo "no entropy today" >&2; exit 1')
    report = node.stage(record()).report
    assert report.message == "cannot make the key: no entropy today"
    node.remove_program("openssl")
    assert node.stage(record()).report.action == "staged"


def test_openssl_that_is_missing_is_named(node: ScriptNode) -> None:
    node.hide_program("openssl")
    assert node.stage(record()).report.message == "openssl is not installed on this node"


def test_record_that_another_run_holds_is_waited_for(node: ScriptNode) -> None:
    settings = record()
    node.stage(settings)
    limits = orders.Limits(command_timeout=1)
    with node.lock_held(settings):
        report = node.run("Certwright-StageKey", orders.stage(settings, None, limits)).report
    assert report.words["reason"] == "busy"
    assert report.message == "another run has held the lock of this record for 1 s"
