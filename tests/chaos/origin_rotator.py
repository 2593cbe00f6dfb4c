# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that rotate an origin's secret and can be killed, each forked from a warm server.

Each carries out the module ``waf_origin_secret`` itself, as ``ansible`` would run it, in a process group of its own.
The server, ``python -m tests.chaos.origin_rotator``, only forks and waits, so that a run need not load everything anew.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.loaders import JSONFileLoader

from tests.run import environment

from .forked import imported, plan_fault, run_module

CHECKOUT = Path(__file__).resolve().parents[2]
MODULE = "certwright.aws.waf_origin_secret"


@dataclass(frozen=True)
class Ended:
    """How a run ended: killed, or with the module's result."""

    status: int
    result: Mapping[str, Any]

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Rotators:
    """The server that forks rotating processes."""

    def __init__(self, aws: Mapping[str, str]) -> None:
        """:param aws: the environment that points at a sandbox"""
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.origin_rotator"],
            cwd=CHECKOUT,
            env=environment() | dict(aws),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, options: Mapping[str, Any], kill_at: Mapping[str, Any] | None = None) -> Ended:
        """Carry out the module with these options.

        :param kill_at: members of a fault of the sandbox, at which the process is killed
        """
        assert self._server.stdin
        assert self._server.stdout
        order = {"options": dict(options), "kill_at": dict(kill_at) if kill_at else None}
        print(json.dumps(order), file=self._server.stdin, flush=True)
        return Ended(**json.loads(self._server.stdout.readline()))

    def stop(self) -> None:
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait(10)


def serve() -> None:
    """Fork a process for each line of the input, wait for it, and tell how it ended."""
    _warm_up()
    for line in sys.stdin:
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            os._exit(_carry_out(json.loads(line), write_end))
        os.close(write_end)
        with os.fdopen(read_end) as reply:
            said = reply.read()
        _pid, status = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status), "result": json.loads(said or "{}")}), flush=True)


def _warm_up() -> None:
    """Load what each run needs: the module, and botocore's descriptions of the services."""
    imported(MODULE)
    loaded = functools.cache(JSONFileLoader().load_file)
    JSONFileLoader.load_file = lambda _loader, path: loaded(path)  # type: ignore[method-assign]
    for service in ("secretsmanager", "cloudfront", "wafv2", "elbv2"):
        boto3.client(service)


def _carry_out(order: Mapping[str, Any], write_end: int) -> int:
    """One run, in the forked process; its exit status."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    try:
        if order["kill_at"]:
            plan_fault({"kind": "kill", **order["kill_at"]})
        result = run_module(MODULE, order["options"])
    except BaseException:
        result = {"failed": True, "msg": traceback.format_exc()}
    os.write(write_end, json.dumps(result).encode())
    return int(result.get("failed", False))


if __name__ == "__main__":
    serve()
