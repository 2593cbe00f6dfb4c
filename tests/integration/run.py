# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the integration targets, all or the ones named, against one sandbox, one after the other.

A target is ``tests/integration/targets/<name>/tasks/main.yml``. It is given ``resource_prefix`` for the names of what
it makes, and ``sandbox_nodes``, the ids of nodes that nobody else's target uses.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.run import CHECKOUT, environment
from tests.sandbox.client import Sandbox

TARGETS = CHECKOUT / "tests" / "integration" / "targets"
PLAYBOOKS = CHECKOUT / "build" / "integration"
NODES_OF_A_TARGET = 5


def playbook_of(target: str, nodes: list[str]) -> Path:
    """Write the playbook that runs a target, and return where it is."""
    play = {
        "name": f"Integration target {target}",
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"resource_prefix": target.replace("_", "-"), "sandbox_nodes": nodes},
        "tasks": [
            {
                "name": f"Run the tasks of {target}",
                "ansible.builtin.include_tasks": {"file": str(TARGETS / target / "tasks" / "main.yml")},
            }
        ],
    }
    playbook = PLAYBOOKS / f"{target}.yml"
    playbook.write_text(json.dumps([play]))
    return playbook


def run_target(sandbox: Sandbox, target: str) -> bool:
    """Run one target and print how it went; its output too when it failed."""
    nodes = sandbox.control("POST", "/nodes", {"count": NODES_OF_A_TARGET, "kind": "real"})
    playbook = playbook_of(target, nodes)
    started = time.monotonic()
    run = subprocess.run(
        ["ansible-playbook", str(playbook)],
        check=False,
        cwd=TARGETS / target,
        env=environment() | sandbox.env() | {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    outcome = "ok" if run.returncode == 0 else "FAILED"
    print(f"{outcome:6} {target} ({time.monotonic() - started:.0f} s)", flush=True)
    if run.returncode:
        print(run.stdout, flush=True)
    return run.returncode == 0


def main(names: list[str]) -> int:
    """Run the targets and print the closing line."""
    targets = names or sorted(path.name for path in TARGETS.iterdir() if (path / "tasks" / "main.yml").is_file())
    PLAYBOOKS.mkdir(parents=True, exist_ok=True)
    os.environ.update(environment())
    with Sandbox.start(nodes=0, profile="fast") as sandbox:
        passed = sum(run_target(sandbox, target) for target in targets)
    print(f"{passed} passed, {len(targets) - passed} failed")
    return 0 if passed == len(targets) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
