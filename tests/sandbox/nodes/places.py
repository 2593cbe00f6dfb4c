# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a real node's scripts run: in a bubblewrap container, or just in a directory where there is no bubblewrap.

A container has its own processes, mounts, host name and IPC. ``/usr`` is the machine's, read-only, except
``/usr/local/bin``; ``/etc``, ``/var``, ``/root``, ``/home``, ``/tmp``, ``/run`` and ``/opt`` are the node's. The network
is shared: each node has an address of its own below 127.0.0.0/8.

Without bubblewrap a script sees the whole machine. ``CERTWRIGHT_ROOT`` then names the node's directory, which a
script puts before every absolute path.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PRIVATE = ("etc", "var", "root", "home", "tmp", "run", "opt")
# The machine's, because files below /usr point there.
SHARED_ETC = ("/etc/alternatives", "/etc/ld.so.cache")
# The sandbox's own Python and what it has installed, for programs that a test puts on a node.
PYTHON_HOME, PACKAGES = "/opt/python", "/opt/python-packages"
INTERPRETER = f"{PYTHON_HOME}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES_OF_HOST = sysconfig.get_path("purelib")
PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
START_TIMEOUT_S = 20


@dataclass(frozen=True)
class Finished:
    """How a process ended. ``exit_code`` is -1 when a signal ended it, as the SSM agent has it."""

    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool = False


class Cancellation:
    """Lets another thread kill the program that :func:`run` waits for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.requested = False

    def request(self) -> None:
        with self._lock:
            self.requested = True
            if self._process:
                _kill(self._process)

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._process = process
            if self.requested:
                _kill(process)


class Container:
    """A node's container; it starts with the first command and ends with the sandbox."""

    def __init__(self, root: Path, host_name: str) -> None:
        self._root = root
        self._host_name = host_name
        self._lock = threading.Lock()
        self._init: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command line that runs ``arguments`` inside."""
        self._ensure_started()
        namespaces = ["--mount", "--pid", "--uts", "--ipc"]
        if os.geteuid() != 0:
            namespaces += ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self._pid), *namespaces, "--", *arguments]

    def environment(self) -> dict[str, str]:
        return {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}

    def end(self) -> None:
        """Have the container and everything that runs in it ended."""
        if self._init and self._init.stdin:
            self._init.stdin.close()  # which is what its first process waits for

    def wait(self) -> None:
        """Wait until the container has ended."""
        if self._init:
            self._init.wait(START_TIMEOUT_S)
            self._init = None

    def _ensure_started(self) -> None:
        with self._lock:
            if self._init is None or self._init.poll() is not None:
                self._start()

    def _start(self) -> None:
        info_read, info_write = os.pipe()
        # When its input ends the first process ends all others, so that nothing outlives a sandbox that was killed.
        first_process = ["sh", "-c", "echo ready; cat; kill -KILL -1 2>/dev/null"]
        self._init = subprocess.Popen(
            [*bubblewrap(self._root, self._host_name), "--info-fd", str(info_write), *first_process],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[info_write],
            start_new_session=True,
        )
        os.close(info_write)
        assert self._init.stdout
        if self._init.stdout.readline() != b"ready\n":
            raise RuntimeError(f"the container of {self._host_name} did not start")
        with os.fdopen(info_read) as info:
            self._pid = json.load(info)["child-pid"]


class Directory:
    """A node without a container: its scripts run on the machine, told by ``CERTWRIGHT_ROOT`` where to keep their files."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def command(self, arguments: Sequence[str]) -> list[str]:
        return list(arguments)

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self._root}/usr/local/bin:{PATH}",
            "HOME": f"{self._root}/root",
            "LANG": "C.UTF-8",
            "CERTWRIGHT_ROOT": str(self._root),
        }

    def end(self) -> None:
        """Nothing to end."""

    def wait(self) -> None:
        """Nothing to wait for."""


def bubblewrap(root: Path, host_name: str) -> list[str]:
    """The bubblewrap command line of a container, without what is to run in it."""
    command = ["bwrap", "--unshare-pid", "--unshare-uts", "--unshare-ipc", "--hostname", host_name]
    if os.geteuid() != 0:
        command += ["--unshare-user", "--uid", "0", "--gid", "0"]
    command += ["--ro-bind", "/usr", "/usr", "--bind", str(root / "usr/local/bin"), "/usr/local/bin"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            command += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            command += ["--ro-bind", str(path), str(path)]
    for name in PRIVATE:
        command += ["--bind", str(root / name), f"/{name}"]
    command += ["--ro-bind", sys.base_prefix, PYTHON_HOME, "--ro-bind", PACKAGES_OF_HOST, PACKAGES]
    for shared in SHARED_ETC:
        command += ["--ro-bind-try", shared, shared]
    return [*command, "--proc", "/proc", "--dev", "/dev", "--chdir", "/"]


@functools.cache
def containers_work() -> bool:
    """Whether bubblewrap can make a container here: it may be missing, or user namespaces may be forbidden.

    ``CERTWRIGHT_SANDBOX_PLAIN`` in the environment says no, to try what happens without.
    """
    if os.environ.get("CERTWRIGHT_SANDBOX_PLAIN"):
        return False
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name in (*PRIVATE, "usr/local/bin"):
            (root / name).mkdir(parents=True)
        try:
            container = Container(root, "probe")
            probe = subprocess.run(
                container.command(["true"]), check=False, capture_output=True, timeout=START_TIMEOUT_S
            )
            container.end()
            container.wait()
        except (OSError, RuntimeError, ValueError, subprocess.TimeoutExpired):
            return False
        return probe.returncode == 0


def run(
    place: Container | Directory,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    timeout_s: float,
    *,
    cancellation: Cancellation | None = None,
    stdin: str = "",
) -> Finished:
    """Run a program on a node and wait until it, and all that holds its output open, has ended.

    :param timeout_s: when to kill it
    """
    process = subprocess.Popen(
        place.command(arguments),
        env={**place.environment(), **environment},
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    if cancellation:
        cancellation.watch(process)
    timed_out = False
    try:
        stdout, stderr = process.communicate(stdin.encode(), timeout=timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
        _kill(process)
        stdout, stderr = _what_is_left(process)
    return Finished(max(process.returncode, -1), _text(stdout), _text(stderr), timed_out)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _what_is_left(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """The output of a killed process. A daemon that it left behind may hold the pipe open for ever."""
    try:
        return process.communicate(timeout=1)
    except subprocess.TimeoutExpired as error:
        return error.stdout or b"", error.stderr or b""


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")
