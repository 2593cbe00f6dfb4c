# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One sandbox server: its listeners, its TLS certificate, what it tells its users about itself.

A server keeps everything of its own in its state directory:

``server.json``   process id and URLs, written when it is ready and removed when it ends
``ca.pem``        what the TLS listener's certificate is trusted by
``nodes/``        the root directories of the nodes
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import profile

CHECKOUT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

own_environment: dict[str, str] = {}
"""In a server: the variables that point programs which it runs at itself. Empty elsewhere."""


@dataclass(frozen=True)
class Settings:
    """What a server was started with."""

    state_dir: Path
    nodes: int
    profile: str

    @property
    def nodes_dir(self) -> Path:
        return self.state_dir / "nodes"


_settings: list[Settings] = []


def settings() -> Settings:
    """The settings of the server that runs in this process."""
    return _settings[0]


def access_key_of_function(name: str) -> str:
    """The access key that a Lambda function signs its calls with, as if it were that of its role's session."""
    return f"ASIA.{name}"


def environment(state: dict[str, Any]) -> dict[str, str]:
    """The environment variables that point any AWS client at a server.

    :param state: the content of its ``server.json``
    """
    return {
        "AWS_ENDPOINT_URL": state["url"],
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CA_BUNDLE": state["ca_file"],
        "CERTWRIGHT_SANDBOX_TLS_URL": state["tls_url"],
        "CERTWRIGHT_SANDBOX_CONTROL": f"{state['url']}/_sandbox",
        "CERTWRIGHT_SANDBOX_NODES": state["nodes"],
    }


def serve(started_with: Settings, until_stdin_closes: bool) -> None:
    """Run a server until it is told to end by SIGTERM, SIGINT or, if so wished, the end of its standard input."""
    # What is set for the server's user must not reach the boto3 that moto uses itself.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_DEFAULT_REGION=REGION)
    sys.path.append(str(CHECKOUT / "build"))  # where the collection can be imported from
    from . import control, server
    from .listener import listen

    _settings[:] = [started_with]
    state_dir = started_with.state_dir
    state_dir.mkdir(parents=True, exist_ok=True)
    profile.use(started_with.profile)
    server.install_services()
    application = server.Application()
    plain, tls = listen(application), listen(application, _tls_context(state_dir))
    for listener in (plain, tls):
        threading.Thread(target=listener.serve_forever, daemon=True).start()

    state_file = state_dir / "server.json"
    state = {
        "pid": os.getpid(),
        "url": f"http://127.0.0.1:{plain.server_port}",
        "tls_url": f"https://127.0.0.1:{tls.server_port}",
        "ca_file": str(state_dir / "ca.pem"),
        "nodes": str(started_with.nodes_dir),
        "profile": started_with.profile,
    }
    own_environment.update(environment(state))
    _write_whole(state_file, json.dumps(state, indent=2))
    try:
        _wait_for_end(until_stdin_closes)
    finally:
        control.leave()
        state_file.unlink(missing_ok=True)


def _wait_for_end(until_stdin_closes: bool) -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    if until_stdin_closes:
        threading.Thread(target=_set_at_end_of_input, args=[ended], daemon=True).start()
    ended.wait()


def _set_at_end_of_input(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


def _tls_context(state_dir: Path) -> ssl.SSLContext:
    """A context with a certificate for 127.0.0.1 and localhost that ``ca.pem`` trusts."""
    from .tls import self_signed

    certificate, key = self_signed(["localhost"], ["127.0.0.1"])
    (state_dir / "ca.pem").write_bytes(certificate)
    key_file = state_dir / "tls.key"
    key_file.touch(mode=0o600)
    key_file.write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(state_dir / "ca.pem", key_file)
    with contextlib.suppress(FileNotFoundError):
        key_file.unlink()
    return context
