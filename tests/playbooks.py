# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped playbooks as a user runs them, in processes that can be killed and interrupted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.run import BIN, environment
from tests.waiting import wait_until

TIMEOUT_S = 300


@dataclass(frozen=True)
class Played:
    """How ``ansible-playbook`` ended. The status is negative when a signal ended it."""

    status: int
    output: str


class Project:
    """A user's project folder: an inventory of the host table, and variables."""

    def __init__(self, folder: Path, aws: Mapping[str, str]) -> None:
        self.folder = folder
        self.access_key = aws["AWS_ACCESS_KEY_ID"]
        self.fact_cache = folder / "facts"
        self.log = folder / "ansible.log"
        self.variables_file = folder / "group_vars" / "all.yml"
        self._inventory = folder / "fleet.cert_inventory.yml"
        self._environment = environment() | dict(aws)
        self._environment |= {
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.fact_cache),
            "ANSIBLE_LOG_PATH": str(self.log),
        }
        self.variables_file.parent.mkdir()
        self._inventory.write_text("plugin: certwright.aws.cert_inventory\ntable_name: certificates\n")

    def written(self) -> list[str]:
        """What the runs have left on the controller: the log, the fact cache."""
        return [path.read_text() for path in [self.log, *self.fact_cache.glob("*")] if path.is_file()]

    def play(self, playbook: str, *arguments: str, **variables: Any) -> Played:
        """Run a playbook to its end."""
        with self.playing(playbook, *arguments, **variables) as process:
            output, _none = process.communicate(timeout=TIMEOUT_S)
        return Played(process.returncode, output)

    @contextlib.contextmanager
    def playing(self, playbook: str, *arguments: str, **variables: Any) -> Iterator[subprocess.Popen[str]]:
        """A playbook that runs, in a process group of its own; it does not outlive the context."""
        given = self.folder / "variables.yml"
        given.write_text(yaml.safe_dump(variables))
        command = [BIN / "ansible-playbook", "-i", self._inventory, f"certwright.aws.{playbook}", "-e", f"@{given}"]
        process = subprocess.Popen(
            [*map(str, command), *arguments],
            cwd=self.folder,
            env=self._environment | {"AWS_ACCESS_KEY_ID": self.access_key},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            kill_all(process)


def kill_all(process: subprocess.Popen[str]) -> None:
    """SIGKILL to a playbook and to all that it started: its workers are process groups of their own."""
    if process.poll() is not None:
        return  # its id may be another process's by now
    for pid in (process.pid, *_descendants(process.pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def kill_main(process: subprocess.Popen[str]) -> None:
    """SIGKILL to the playbook's own process group; the module that is under way goes on without it, to its end."""
    orphans = _descendants(process.pid)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), TIMEOUT_S)


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            after_name = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(after_name[1]), []).append(int(stat.parent.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found[1:]
