# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account that the shipped playbooks have set up, as a user would have it, for the tests that run them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.playbooks import Played, Project
from tests.sandbox.client import Sandbox

from .account import Account
from .fleet import Fleet
from .tally import Tally

RECORDS = 6
OPERATOR_KEY = "AKIAOPERATOREXAMPLE1"
CONTROLLER_KEY = "AKIACONTROLLEREXAMP1"
"""The access keys of who prepares the account, and of who registers and rotates."""


class Estate:
    """A project folder, the account that ``bootstrap`` made, and records that ``register_nodes`` registered."""

    def __init__(self, sandbox: Sandbox, folder: Path, tally: Tally) -> None:
        self.sandbox = sandbox
        self.project = Project(folder, sandbox.env())
        self.outputs: list[str] = []
        self._tally = tally
        self.project.access_key = OPERATOR_KEY
        self.play("bootstrap", certificate_platform_vars_file=str(self.project.variables_file))
        self.project.access_key = CONTROLLER_KEY
        variables = yaml.safe_load(self.project.variables_file.read_text())
        self.account = Account(
            sandbox,
            variables["host_certificates_certificate_authority_arn"],
            variables["host_certificates_topic_arn"],
        )
        self.fleet = Fleet(self.account, None, tally)
        self._register()

    def play(self, playbook: str, *arguments: str, **variables: Any) -> Played:
        """Run a playbook to its end, telling all that it can tell."""
        played = self.project.play(playbook, "-vvvv", "--diff", *arguments, **variables)
        self.outputs.append(played.output)
        assert "Traceback" not in played.output, played.output[-5000:]
        return played

    def rotate(self, *arguments: str, **variables: Any) -> Played:
        return self.play("rotate_host_certificates", *arguments, **variables)

    def finish(self) -> None:
        """Rotate whatever is left in one wave, to the end, and judge every record."""
        played = self.rotate(host_certificates_serial=[100])
        assert played.status == 0, played.output[-5000:]
        self.fleet.judge(played.output[-5000:])

    def _register(self) -> None:
        nodes = self.sandbox.node_ids()[:RECORDS]
        records = [
            {"host_id": node_id, "key_algorithm": "EC_prime256v1", "common_name": f"node-{number}.example"}
            for number, node_id in enumerate(nodes)
        ]
        for record in records:
            self.account.adopt(record)
        self.fleet.host_ids = nodes
        self.fleet.begin()
        played = self.play("register_nodes", host_certificates_nodes=records)
        assert played.status == 0, played.output[-3000:]
