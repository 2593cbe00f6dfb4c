# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.host import orders
from ansible_collections.certwright.aws.plugins.module_utils.host.orders import ChainedCertificate
from ansible_collections.certwright.aws.plugins.module_utils.host.settings import RecordSettings
from tests import pki
from tests.script_node import LIMITS, NODE_ID, Run, ScriptNode, issue, record, visible

RELOAD = 'echo reloaded >>"{0}/reloads"; test ! -e "{0}/broken" || {{ echo "no such luck" >&2; exit 7; }}'


@pytest.fixture
def settings(tmp_path: Path) -> RecordSettings:
    """A record whose reload fails while the file ``broken`` is there."""
    return record(reload_command=RELOAD.format(tmp_path))


def rotate(node: ScriptNode, settings: RecordSettings, authority: pki.Entity) -> tuple[ChainedCertificate, Run]:
    issued = issue(authority, node.stage(settings).report.data["csr"])
    return issued, node.install(settings, issued)


def assert_installed(node: ScriptNode, settings: RecordSettings, issued: ChainedCertificate) -> None:
    """Everything that users see is of this certificate, and nothing is left over."""
    assert visible(node, settings) == issued.certificate.serial
    home = node.home(settings)
    assert {path.name for path in home.iterdir()} <= {"current", "previous", "versions", "lock"}


def test_first_certificate(node: ScriptNode, settings: RecordSettings, authority: pki.Entity, tmp_path: Path) -> None:
    issued, run = rotate(node, settings, authority)
    assert run.exit_code == 0
    assert (run.report.action, run.report.words["serial"]) == ("installed", issued.certificate.serial)
    assert_installed(node, settings, issued)
    key, certificate = (node.path(f"/srv/tls/{NODE_ID}.{suffix}") for suffix in ("key", "crt"))
    assert (key.is_symlink(), certificate.is_symlink()) == (True, True)
    assert stat.S_IMODE(key.stat().st_mode) == 0o400
    assert stat.S_IMODE(certificate.stat().st_mode) == 0o644
    assert node.path("/srv/tls/ca_chain_certificate.crt").read_text() == authority.pem
    assert (tmp_path / "reloads").read_text() == "reloaded\n"


def test_folders_let_the_owner_reach_his_key(node: ScriptNode, authority: pki.Entity) -> None:
    settings = record(owner="nobody", mode="0440", state_dir="/opt/deep/er")
    rotate(node, settings, authority)
    key = (node.home(settings) / "current" / "key.pem").resolve()
    assert (key.owner(), stat.S_IMODE(key.stat().st_mode)) == ("nobody", 0o440)
    below = [folder for folder in key.parents if folder.is_relative_to(node.root) and folder != node.root]
    assert all(folder.stat().st_mode & 0o005 == 0o005 for folder in below)


def test_second_run_changes_nothing(
    node: ScriptNode, settings: RecordSettings, authority: pki.Entity, tmp_path: Path
) -> None:
    issued, _run = rotate(node, settings, authority)
    before = {path: path.lstat().st_mtime_ns for path in node.path("/srv").rglob("*")}
    run = node.install(settings, issued)
    assert (run.report.action, run.report.words["replaced"]) == ("kept", issued.certificate.serial)
    assert {path: path.lstat().st_mtime_ns for path in node.path("/srv").rglob("*")} == before
    assert (tmp_path / "reloads").read_text() == "reloaded\n"


def test_current_and_previous_versions_are_kept(
    node: ScriptNode, settings: RecordSettings, authority: pki.Entity
) -> None:
    (_first, _run), (second, _run), (third, run) = (rotate(node, settings, authority) for _rotation in range(3))
    assert run.report.words["replaced"] == second.certificate.serial
    assert_installed(node, settings, third)
    home = node.home(settings)
    serials = {third.certificate.serial, second.certificate.serial}
    assert {path.name for path in (home / "versions").iterdir()} == serials
    assert os.readlink(home / "previous") == f"versions/{second.certificate.serial}"


def test_chain_with_an_intermediate(node: ScriptNode, authority: pki.Entity) -> None:
    settings = record()
    intermediate = authority.issue("Intermediate", authority=True)
    issued = issue(authority, node.stage(settings).report.data["csr"], intermediate)
    assert node.install(settings, issued).report.action == "installed"
    current = node.home(settings) / "current"
    assert (current / "chain.pem").read_text() == intermediate.pem + authority.pem
    assert (current / "fullchain.pem").read_text() == issued.certificate.pem + intermediate.pem
    assert (current / "root.pem").read_text() == authority.pem


@pytest.mark.parametrize("owner", ["nobody", "root"])
def test_changed_owner_is_brought_about(node: ScriptNode, authority: pki.Entity, owner: str) -> None:
    issued, _run = rotate(node, record(owner="nobody"), authority)
    run = node.install(record(owner=owner), issued)
    assert run.report.action == ("kept" if owner == "nobody" else "installed")
    assert node.path(f"/srv/tls/{NODE_ID}.key").owner() == owner


def test_removed_link_is_brought_back(node: ScriptNode, settings: RecordSettings, authority: pki.Entity) -> None:
    issued, _run = rotate(node, settings, authority)
    node.path(f"/srv/tls/{NODE_ID}.crt").unlink()
    assert node.install(settings, issued).report.action == "installed"
    assert_installed(node, settings, issued)


class TestRefusedBeforeTheSwitch:
    """Nothing that users see changes, and the reload command does not run."""

    @pytest.fixture(autouse=True)
    def _unchanged(self, node: ScriptNode, settings: RecordSettings, authority: pki.Entity, tmp_path: Path) -> object:
        live, _run = rotate(node, settings, authority)
        (tmp_path / "reloads").unlink()
        yield
        assert_serial = visible(node, settings)
        assert assert_serial == live.certificate.serial
        assert not (tmp_path / "reloads").exists()

    def refusal(self, node: ScriptNode, settings: RecordSettings, issued: ChainedCertificate) -> tuple[str, str]:
        report = node.install(settings, issued).report
        assert report.action == "failed"
        return report.words["reason"], report.message

    def test_without_a_key(self, node: ScriptNode, settings: RecordSettings, authority: pki.Entity) -> None:
        issued = ChainedCertificate.parse(authority.issue("leaf").pem, authority.pem)
        assert self.refusal(node, settings, issued) == (
            "key_mismatch",
            "the key on the node does not fit the certificate; stage a new one",
        )

    def test_wrong_chain(self, node: ScriptNode, settings: RecordSettings, authority: pki.Entity) -> None:
        issued = issue(authority, node.stage(settings).report.data["csr"])
        other = ChainedCertificate(issued.certificate, (pki.authority().pem,))
        reason, message = self.refusal(node, settings, other)
        assert reason == "chain_invalid"
        assert message.startswith("the certificate does not verify against its chain")

    @pytest.mark.parametrize(
        ("times", "code"),
        [
            ({"not_before": timedelta(hours=1)}, "not_yet_valid"),
            ({"not_before": timedelta(hours=-2), "not_after": timedelta(hours=-1)}, "expired"),
        ],
    )
    def test_not_valid_now(
        self,
        node: ScriptNode,
        settings: RecordSettings,
        authority: pki.Entity,
        times: dict[str, timedelta],
        code: str,
    ) -> None:
        issued = issue(authority, node.stage(settings).report.data["csr"], **times)
        reason, message = self.refusal(node, settings, issued)
        assert reason == code
        assert "clock of this node" in message
        assert "notAfter=" in message

    @pytest.mark.parametrize(
        ("command", "message"),
        [
            ("echo checked; echo not good >&2; exit 3", "the validation command failed: exit status 3: not good"),
            ("sleep 60", "the validation command failed: not ended after 1 s"),
            (
                'cat "$CERTWRIGHT_KEY" >&2; seq 999 >&2; false',
                "the validation command failed: exit status 1: (withheld, because it holds a private key)",
            ),
        ],
    )
    def test_validation_command_fails(
        self, node: ScriptNode, settings: RecordSettings, authority: pki.Entity, command: str, message: str
    ) -> None:
        checked = record(reload_command=settings.reload_command, validation_command=command)
        issued = issue(authority, node.stage(checked).report.data["csr"])
        order = orders.install(checked, issued, orders.Limits(command_timeout=1))
        report = node.run("Certwright-InstallCertificate", order).report
        assert (report.words["reason"], report.message) == ("validation_failed", message)

    def test_path_is_a_folder(self, node: ScriptNode, settings: RecordSettings, authority: pki.Entity) -> None:
        moved = record(reload_command=settings.reload_command, key_path="/srv/keys")
        node.path(f"/srv/keys/{NODE_ID}.key/x").mkdir(parents=True)
        issued = issue(authority, node.stage(moved).report.data["csr"])
        report = node.install(moved, issued).report
        assert report.action == "failed"
        assert report.message == f"{node.path(f'/srv/keys/{NODE_ID}.key')} is a folder; a file is to lie there"


def test_validation_command_sees_the_new_files(node: ScriptNode, authority: pki.Entity, tmp_path: Path) -> None:
    command = f'cp "$CERTWRIGHT_CERT" {tmp_path}/seen; openssl pkey -in "$CERTWRIGHT_KEY" -noout'
    issued, run = rotate(node, record(validation_command=command), authority)
    assert run.report.action == "installed"
    assert (tmp_path / "seen").read_text() == issued.certificate.pem


@pytest.mark.parametrize(("exit_code", "action"), [(0, "installed"), (1, "failed")])
def test_signing_helper_must_get_credentials(
    node: ScriptNode, authority: pki.Entity, tmp_path: Path, exit_code: int, action: str
) -> None:
    helper = node.path("/opt/bin/aws_signing_helper")
    helper.parent.mkdir(parents=True)
    helper.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/arguments\necho denied >&2\nexit {exit_code}\n')
    helper.chmod(0o755)
    arns = {
        "trust_anchor_arn": "arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/ta",
        "profile_arn": "arn:aws:rolesanywhere:us-east-1:123456789012:profile/p",
        "role_arn": "arn:aws:iam::123456789012:role/r",
    }
    _issued, run = rotate(node, record(signinghelper_path="/opt/bin", **arns), authority)
    assert run.report.action == action
    if action == "failed":
        assert run.report.message == f"aws_signing_helper got no credentials: exit status {exit_code}: denied"
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[0] == "credential-process"
    given = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    assert given["--role-arn"] == arns["role_arn"]
    assert Path(given["--private-key"]).name == "key.pem"


def test_key_that_was_never_staged(node: ScriptNode, authority: pki.Entity) -> None:
    issued = ChainedCertificate.parse(authority.issue("leaf").pem, authority.pem)
    report = node.install(record(), issued).report
    assert report.words["reason"] == "key_missing"
    assert "stage a new one" in report.message


def test_check_mode_changes_nothing(node: ScriptNode, settings: RecordSettings, authority: pki.Entity) -> None:
    issued = issue(authority, node.stage(settings).report.data["csr"])
    before = sorted(node.root.rglob("*"))
    dry = orders.install(settings, issued, LIMITS, dry_run=True)
    assert node.run("Certwright-InstallCertificate", dry).report.action == "installed"
    assert sorted(node.root.rglob("*")) == before
    node.install(settings, issued)
    assert node.run("Certwright-InstallCertificate", dry).report.action == "kept"


def test_records_are_independent(node: ScriptNode, authority: pki.Entity) -> None:
    web, api = record(host_id=f"{NODE_ID}#web"), record(host_id=f"{NODE_ID}#api", validation_command="false")
    both = [(each, issue(authority, node.stage(each).report.data["csr"])) for each in (api, web)]
    run = node.run("Certwright-InstallCertificate", *(orders.install(*pair, LIMITS) for pair in both))
    assert run.exit_code == 1
    assert {host_id: report.action for host_id, report in run.reports.items()} == {
        api.host_id: "failed",
        web.host_id: "installed",
    }
