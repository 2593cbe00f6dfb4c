# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How programs use a sandbox: start and stop one, AWS clients for it, its control endpoint.

::

    with Sandbox.start(nodes=5) as sandbox:
        sandbox.client("ssm").describe_instance_information()
        sandbox.control("POST", "/faults", {"kind": "throttle", "service": "ssm"})
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .instance import CHECKOUT, environment

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20


class SandboxError(Exception):
    """The sandbox did not start, did not stop, or refused a control request."""


class Sandbox:
    """A running sandbox. Make one with :meth:`start` or :meth:`attach`."""

    def __init__(self, state_dir: Path, state: dict[str, Any], process: subprocess.Popen[bytes] | None = None) -> None:
        self.state_dir = state_dir
        self.state = state
        self._process = process

    @classmethod
    def start(cls, nodes: int = 5, profile: str = "fast") -> Sandbox:
        """Start a sandbox that ends with this process, or with the context, and leaves nothing behind.

        :raises SandboxError: it was not ready within a minute; the message shows its log
        """
        return launch(Path(tempfile.mkdtemp(prefix="certwright-sandbox-")), nodes, profile, bound_to_caller=True)

    @classmethod
    def attach(cls, state_dir: Path) -> Sandbox | None:
        """The healthy sandbox that runs with this state directory, if there is one."""
        try:
            sandbox = cls(state_dir, json.loads((state_dir / "server.json").read_text()))
            sandbox.control("GET", "/health")
        except (OSError, ValueError, SandboxError):
            return None
        return sandbox

    @property
    def url(self) -> str:
        return self.state["url"]

    @property
    def tls_url(self) -> str:
        return self.state["tls_url"]

    @property
    def nodes_dir(self) -> Path:
        """The folder of the nodes' roots, one named by each node's id."""
        return Path(self.state["nodes"])

    def env(self) -> dict[str, str]:
        """The variables of ``build/sandbox.env``."""
        return environment(self.state)

    def client(self, service: str, **settings: Any) -> Any:
        """A boto3 client of this sandbox; settings go to ``boto3.client`` unchanged."""
        env = self.env()
        defaults = {
            "endpoint_url": self.url,
            "region_name": env["AWS_REGION"],
            "aws_access_key_id": env["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
            "verify": env["AWS_CA_BUNDLE"],
        }
        return self._session.client(service, **{**defaults, **settings})

    @functools.cached_property
    def _session(self) -> Any:
        import boto3  # here, because `make sandbox` needs no AWS library to talk to a server

        return boto3.session.Session()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control endpoint.

        :param path: below ``/_sandbox``, for example ``/calls``
        :raises SandboxError: the request was refused, or nothing answers
        """
        return call_control(f"{self.url}/_sandbox", method, path, body)

    def calls(self) -> dict[str, int]:
        """Counts of calls by operation, such as ``{"ssm:SendCommand": 2}``."""
        return self.control("GET", "/calls")["by_operation"]

    def reset(self) -> None:
        """Forget everything that was made, planned and counted; the nodes start anew."""
        self.control("POST", "/reset")

    def node_ids(self) -> list[str]:
        return [node["id"] for node in self.control("GET", "/nodes")]

    def stop(self) -> None:
        """:raises SandboxError: it still ran after 20 s"""
        if self._process:
            assert self._process.stdin
            self._process.stdin.close()
            self._process.wait(STOP_TIMEOUT_S)
            shutil.rmtree(self.state_dir, ignore_errors=True)
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.state["pid"], 15)
        _wait_until(lambda: not _runs(self.state["pid"]), STOP_TIMEOUT_S, "the sandbox did not stop")

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def call_control(endpoint: str, method: str, path: str, body: Any = None) -> Any:
    """Call a control endpoint, given as in ``CERTWRIGHT_SANDBOX_CONTROL``.

    :raises SandboxError: the request was refused, or nothing answers
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{endpoint}{path}", data=data, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=START_TIMEOUT_S) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise SandboxError(json.load(error)["error"]) from error
    except OSError as error:
        raise SandboxError(f"nothing answers at {endpoint}: {error}") from error


def launch(state_dir: Path, nodes: int, profile: str, bound_to_caller: bool) -> Sandbox:
    """Start a server in the background and wait until it is ready.

    :param bound_to_caller: whether it ends with this process; if not, it runs until it is stopped
    :raises SandboxError: it was not ready within a minute; the message shows its log
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    (state_dir / "server.json").unlink(missing_ok=True)
    log_file = state_dir / "server.log"
    command = [sys.executable, "-m", "tests.sandbox", "serve", "--state-dir", str(state_dir)]
    command += ["--nodes", str(nodes), "--profile", profile] + ["--until-stdin-closes"] * bound_to_caller
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            stdin=subprocess.PIPE if bound_to_caller else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def ready() -> bool:
        return process.poll() is not None or (state_dir / "server.json").exists()

    _wait_until(ready, START_TIMEOUT_S, f"the sandbox is not ready; see {log_file}")
    if process.poll() is not None:
        raise SandboxError(f"the sandbox ended at once:\n{log_file.read_text()}")
    state = json.loads((state_dir / "server.json").read_text())
    return Sandbox(state_dir, state, process if bound_to_caller else None)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_until(condition: Any, timeout_s: float, failure: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise SandboxError(f"{failure} (waited {timeout_s:.0f} s)")
        time.sleep(0.02)
