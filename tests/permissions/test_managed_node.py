# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller uses to register machines is what its page says."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.run import BIN, CHECKOUT, environment
from tests.sandbox.client import Sandbox

from .signing import ENVIRONMENT, used_actions
from .tables import MANAGED_NODE, unknown_callers

SCENARIO = CHECKOUT / "extensions" / "molecule" / "managed_node"


@pytest.fixture(scope="module")
def used(containers: None, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    """Machines register, as in the role's Molecule scenario."""
    with Sandbox.start(nodes=0) as sandbox:
        _play(sandbox, tmp_path_factory.mktemp("scenario"), SCENARIO / "prepare.yml", SCENARIO / "converge.yml")
        return used_actions(sandbox)


def test_the_page_says_what_is_used(used: Mapping[str, set[str]]) -> None:
    assert MANAGED_NODE.documented() == MANAGED_NODE.used(used)


def test_nothing_else_calls_aws(used: Mapping[str, set[str]]) -> None:
    assert unknown_callers(used) == set()


def _play(sandbox: Sandbox, folder: Path, *playbooks: Path) -> None:
    """Run playbooks of the scenario as Molecule does."""
    played = subprocess.run(
        [BIN / "ansible-playbook", *playbooks],
        check=False,
        cwd=SCENARIO,
        env=environment()
        | sandbox.env()
        | ENVIRONMENT
        | {
            "ANSIBLE_CONNECTION_PLUGINS": str(SCENARIO / "connection_plugins"),
            "MOLECULE_EPHEMERAL_DIRECTORY": str(folder),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert played.returncode == 0, played.stdout
