# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controllers that can be killed: each run of the role is a process group of its own, forked from a warm server.

A run may plan a fault that kills its own process group at an AWS call, as ``SIGKILL`` would kill ``ansible-playbook``
and everything that it started. The server, ``python -m tests.chaos.controllers``, only forks and waits.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.run import environment

from .forked import plan_fault

CHECKOUT = Path(__file__).resolve().parents[2]
FAILED = 1


@dataclass(frozen=True)
class Ended:
    """How a run ended. ``results`` has the result of each task by its name; empty when the run was killed."""

    status: int
    results: Mapping[str, Mapping[str, Any]]
    error: str
    output: str

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL

    @property
    def everything(self) -> str:
        """All that the run said."""
        return "\n".join([json.dumps(self.results), self.error, self.output])

    def reason_of(self, host_id: str) -> str:
        """Why a record failed, as the last task that failed it says; empty when none did."""
        found = ""
        for result in self.results.values():
            for failure in result.get("failures", ()):
                if failure["id"] == host_id:
                    found = failure["reason"]
        return found


class Running:
    """A run that was started."""

    def __init__(self, server: Controllers, pid: int, directory: Path) -> None:
        self._server = server
        self.pid = pid
        self._directory = directory

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.kill(self.pid, signal.SIGINT)

    def kill(self) -> None:
        os.killpg(self.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        status = self._server.ask({"wait": self.pid})["status"]
        report = self._directory / "report.json"
        said = json.loads(report.read_text()) if report.exists() else {"results": {}, "error": ""}
        output = (self._directory / "output").read_text(errors="replace")
        return Ended(status, said["results"], said["error"], output)


class Controllers:
    """The server that forks runs, and where they leave what they say."""

    def __init__(self, directory: Path, aws: Mapping[str, str]) -> None:
        """:param aws: the environment that points at a sandbox"""
        self.directory = directory
        self._numbers = itertools.count(1)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.controllers"],
            cwd=CHECKOUT,
            env=environment() | dict(aws),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self, host_ids: Sequence[str], variables: Mapping[str, Any], fault: Mapping[str, Any] | None = None
    ) -> Running:
        """Begin a wave over the records.

        :param fault: a fault of the sandbox that is planned first; ``kill`` gets the run's own process group
        """
        directory = self.directory / f"run-{next(self._numbers):04d}"
        directory.mkdir(parents=True)
        order = {"directory": str(directory), "host_ids": list(host_ids), "variables": dict(variables), "fault": fault}
        return Running(self, self.ask({"run": order})["pid"], directory)

    def run(
        self, host_ids: Sequence[str], variables: Mapping[str, Any], fault: Mapping[str, Any] | None = None
    ) -> Ended:
        """Carry out a wave over the records."""
        return self.start(host_ids, variables, fault).wait()

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        assert self._server.stdin
        assert self._server.stdout
        print(json.dumps(order), file=self._server.stdin, flush=True)
        return json.loads(self._server.stdout.readline())

    def stop(self) -> None:
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait(10)


def serve() -> None:
    """Fork a run for each ``{"run": …}`` and wait for one with ``{"wait": pid}``, until the input ends."""
    from tests.chaos import wave

    wave.warm_up()
    for line in sys.stdin:
        order = json.loads(line)
        if "run" in order:
            pid = os.fork()
            if pid == 0:
                os._exit(_run(order["run"]))
            reply = {"pid": pid}
        else:
            _pid, status = os.waitpid(order["wait"], 0)
            reply = {"status": os.waitstatus_to_exitcode(status)}
        print(json.dumps(reply), flush=True)


def _run(order: Mapping[str, Any]) -> int:
    """One run, in a process of its own; its exit status."""
    from tests.chaos import wave

    os.setsid()
    # Ctrl-C counts, also where the tests run in the background of a shell, which has them ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    directory = Path(order["directory"])
    output = os.open(directory / "output", os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    results: dict[str, Any] = {}
    error = ""
    try:
        if order["fault"]:
            plan_fault(order["fault"])
        wave.run_wave(order["host_ids"], order["variables"], results)
    except wave.RoleFailed as failure:
        error = str(failure)
    except BaseException:
        error = traceback.format_exc()
    (directory / "report.draft").write_text(json.dumps({"results": results, "error": error}))
    (directory / "report.draft").rename(directory / "report.json")
    return FAILED if error else 0


if __name__ == "__main__":
    serve()
