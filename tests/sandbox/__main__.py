# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m tests.sandbox start|stop|status|serve``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from .client import Sandbox, SandboxError, launch
from .instance import CHECKOUT, Settings, serve
from .profile import NAMED

STATE_DIR = CHECKOUT / "build" / "sandbox"


def env_file_of(state_dir: Path) -> Path:
    """Where the shell exports are written: beside the state directory, ``build/sandbox.env``."""
    return state_dir.with_name(f"{state_dir.name}.env")


def start(nodes: int, profile: str, state_dir: Path) -> None:
    sandbox = Sandbox.attach(state_dir)
    if sandbox:
        print(f"The sandbox already runs at {sandbox.url} (process {sandbox.state['pid']}).")
    else:
        sandbox = launch(state_dir, nodes, profile, bound_to_caller=False)
        print(f"The sandbox runs at {sandbox.url} with {nodes} nodes (process {sandbox.state['pid']}).")
    exports = (f"export {name}={shlex.quote(value)}\n" for name, value in sandbox.env().items())
    env_file = env_file_of(state_dir)
    env_file.write_text("".join(exports))
    print(f"Use it: source {os.path.relpath(env_file)}")


def stop(state_dir: Path) -> None:
    sandbox = Sandbox.attach(state_dir)
    if sandbox:
        sandbox.stop()
        print("The sandbox has stopped.")
    else:
        print("No sandbox runs.")
    env_file_of(state_dir).unlink(missing_ok=True)


def status(state_dir: Path) -> int:
    sandbox = Sandbox.attach(state_dir)
    if not sandbox:
        print("No sandbox runs.")
        return 1
    counts = sandbox.control("GET", "/calls")
    print(
        f"The sandbox runs at {sandbox.url} (process {sandbox.state['pid']}, profile {sandbox.state['profile']}): "
        f"{len(sandbox.node_ids())} nodes, {counts['total']} API calls."
    )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "status", "serve"])
    parser.add_argument("--nodes", type=int, default=5, help="how many nodes to begin with (default 5)")
    parser.add_argument("--profile", choices=sorted(NAMED), default="fast", help="delays and quotas (default fast)")
    parser.add_argument("--state-dir", type=Path, default=STATE_DIR, help="where the server keeps its files")
    parser.add_argument("--until-stdin-closes", action="store_true", help="serve: end with the standard input")
    options = parser.parse_args()
    state_dir = options.state_dir.resolve()
    if options.action == "serve":
        serve(Settings(state_dir, options.nodes, options.profile), options.until_stdin_closes)
    elif options.action == "start":
        start(options.nodes, options.profile, state_dir)
    elif options.action == "stop":
        stop(state_dir)
    else:
        return status(state_dir)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SandboxError as error:
        sys.exit(str(error))
