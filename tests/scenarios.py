# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the Molecule scenarios of ``extensions/molecule``, all or the ones named, each against a sandbox of its own."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.run import CHECKOUT, environment
from tests.sandbox.client import Sandbox
from tests.sandbox.nodes.places import containers_work

SCENARIOS = CHECKOUT / "extensions" / "molecule"
NEED_CONTAINERS = frozenset({"managed_node"})


def run_scenario(name: str) -> bool:
    """Run one scenario and print how it went; its output too when it failed."""
    started = time.monotonic()
    with Sandbox.start(nodes=0) as sandbox:
        run = subprocess.run(
            ["molecule", "test", "--scenario-name", name],
            check=False,
            cwd=CHECKOUT,
            env=environment() | sandbox.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    print(f"{'ok' if run.returncode == 0 else 'FAILED':6} {name} ({time.monotonic() - started:.0f} s)", flush=True)
    if run.returncode:
        print(run.stdout, flush=True)
    return run.returncode == 0


def main(names: list[str]) -> int:
    """Run the scenarios and print the closing line."""
    scenarios = names or sorted(path.parent.name for path in SCENARIOS.glob("*/molecule.yml"))
    if not containers_work():
        print(f"left out, since bubblewrap can make no containers here: {', '.join(NEED_CONTAINERS)}")
        scenarios = [name for name in scenarios if name not in NEED_CONTAINERS]
    passed = sum(run_scenario(name) for name in scenarios)
    print(f"{passed} passed, {len(scenarios) - passed} failed")
    return 0 if passed == len(scenarios) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
