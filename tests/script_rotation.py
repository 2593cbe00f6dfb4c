# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation on a node without AWS, whose scripts can be killed before any of their commands and run again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ansible_collections.certwright.aws.plugins.module_utils.host.orders import ChainedCertificate
from ansible_collections.certwright.aws.plugins.module_utils.x509 import parse_signing_request
from tests import pki
from tests.script_node import NODE_ID, Run, ScriptNode, issue, record, visible

STARTS = ("nothing", "sample", "installed")
STEPS = ("stage", "install", "roll_back")


class Rotation:
    """A node that is due for a certificate, at the point where ``step`` begins.

    :param start: what is there: nothing, the plain files of the AWS sample, or a certificate that we installed
    :param step: the script that is to be killed; ``roll_back`` is an installation whose reload command fails
    """

    def __init__(self, folder: Path, authority: pki.Entity, start: str, step: str) -> None:
        self._folder = folder
        self._authority = authority
        self._step = step
        (folder / "node").mkdir(parents=True)
        self.node = ScriptNode(folder / "node")
        self.settings = record(reload_command=f"test ! -e {folder}/broken")
        self.issued: ChainedCertificate | None = None
        self.times_issued = 0
        self.old = self._old_version(start)
        if step != "stage":
            self._issue(self.node.stage(self.settings))
        self._at_start = self.issued, self.times_issued
        shutil.copytree(folder / "node", folder / "copy", symlinks=True)

    def reset(self) -> None:
        """Go back to where the step begins."""
        shutil.rmtree(self._folder / "node")
        shutil.copytree(self._folder / "copy", self._folder / "node", symlinks=True)
        self.issued, self.times_issued = self._at_start

    def run(self, kill_before: int) -> Run:
        """Run the step and kill it before its n-th command; 0 lets it live."""
        if self._step == "stage":
            return self.node.stage(self.settings, kill_before=kill_before)
        if self._step == "roll_back":
            (self._folder / "broken").touch()
        assert self.issued is not None
        run = self.node.install(self.settings, self.issued, kill_before=kill_before)
        (self._folder / "broken").unlink(missing_ok=True)
        return run

    def count_commands(self) -> int:
        """How many commands the step has when nothing kills it."""
        self.run(0)
        return self.node.commands_run

    def recover(self) -> None:
        """Do what the next run of the controller does. It knows which certificate it had issued, but not more."""
        pending = self.issued.certificate.public_key_sha256 if self.issued else None
        staged = self.node.stage(self.settings, pending)
        if parse_signing_request(staged.report.data["csr"]).public_key_sha256 != pending:
            self._issue(staged)
        assert self.issued is not None
        installed = self.node.install(self.settings, self.issued)
        assert installed.report.action in {"installed", "kept"}, installed

    def assert_usable(self) -> None:
        """Whatever has happened, users see one whole version, if they saw one before."""
        if self.old == "before":
            return  # plain files can only be replaced one by one
        serials = {self.old, self.issued.certificate.serial if self.issued else None}
        if self.old:
            assert visible(self.node, self.settings) in serials

    def assert_sound(self) -> None:
        """The rotation is complete: one certificate was issued, it is installed, and nothing is left over."""
        assert self.issued is not None
        serial = self.issued.certificate.serial
        assert self.times_issued == 1
        assert visible(self.node, self.settings) == serial
        home = self.node.home(self.settings)
        assert {path.name for path in home.iterdir()} <= {"current", "previous", "versions", "lock"}
        assert {path.name for path in (home / "versions").iterdir()} == {serial, self.old} - {None}
        leftovers = [path for path in self.node.root.rglob("*.certwright") if os.path.lexists(path)]
        assert leftovers == []

    def _issue(self, staged: Run) -> None:
        self.issued = issue(self._authority, staged.report.data["csr"])
        self.times_issued += 1

    def _old_version(self, start: str) -> str | None:
        if start == "installed":
            old = issue(self._authority, self.node.stage(self.settings).report.data["csr"])
            assert self.node.install(self.settings, old).report.action == "installed"
            return old.certificate.serial
        if start == "sample":
            held = self._authority.issue("sample")
            folder = self.node.path(self.settings.cert_path)
            folder.mkdir(parents=True)
            (folder / f"{NODE_ID}.key").write_text(held.key_pem)
            (folder / f"{NODE_ID}.crt").write_text(held.pem)
            return "before"
        return None
