# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes on which something fails: they keep the old version, the failure is named, and the next run repairs it.

All the faults are in one wave, each on a node of its own, beside a node where nothing fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest

from .account import Account
from .fleet import Fleet
from .judge import installed
from .node_faults import PROGRAMS, full_disk, openssl_program, program, read_only, write_program

DAY = 86_400
TLS = "/opt/tls"
PORT = 8443
RELOAD, VALIDATE, SERVE = "opt/service/reload", "opt/service/validate", "opt/service/serve"
GOOD = "#!/bin/sh\nexit 0\n"
# A service that reads its certificate when it is started.
SERVE_TLS = """#!/bin/sh
[ ! -e /run/service.pid ] || kill "$(cat /run/service.pid)"
setsid openssl s_server -accept {address}:8443 -www -quiet -cert {tls}/{host_id}.crt -key {tls}/{host_id}.key &
echo $! >/run/service.pid
"""
Fault = Callable[[Account, str], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Case:
    """A fault of a node.

    :param begin: makes the fault, for the account and the node's id, until its context ends
    :param named: what the reason must say
    :param settings: of the record
    """

    name: str
    begin: Fault
    named: str
    settings: dict[str, Any] = field(default_factory=dict)


def _program(path: str, text: str) -> Fault:
    return lambda account, node_id: program(account.node_root(node_id) / path, text)


def _openssl(first: str) -> Fault:
    return _program(f"{PROGRAMS}/openssl", openssl_program(first))


def _without(command: str) -> Fault:
    return _openssl(f'[ "$1" != {command} ] || {{ echo "openssl: out of memory" >&2; exit 1; }}')


def _at(offset_s: int) -> Fault:
    """What openssl finds valid where the node's clock is wrong."""
    epoch = int(time.time()) + offset_s
    return _openssl(f'[ "$1" != verify ] || {{ shift; set -- verify -attime {epoch} "$@"; }}')


def _state(**values: Any) -> Fault:
    """A node in another state, as Systems Manager sees it."""

    class Changed(AbstractContextManager[None]):
        def __init__(self, account: Account, node_id: str) -> None:
            self._path, self._control = f"/nodes/{node_id}", account.sandbox.control

        def __enter__(self) -> None:
            self._control("PATCH", self._path, values)

        def __exit__(self, *_error: object) -> None:
            self._control("PATCH", self._path, dict.fromkeys(values, False))

    return Changed


CASES = [
    Case("nothing", lambda _account, _node: nullcontext(), ""),
    Case("full disk", lambda account, node: full_disk(account, node, "/etc/pki/certwright"), "No space left"),
    Case("read-only directory", lambda account, node: read_only(account, node, TLS), "read-only", {"cert_path": TLS}),
    Case("clock behind", _at(-2 * DAY), "clock"),
    Case("clock ahead", _at(30 * DAY), "clock"),
    Case("openssl makes no key", _without("genpkey"), "out of memory"),
    Case("openssl makes no CSR", _without("req"), "out of memory"),
    Case("openssl verifies nothing", _without("verify"), "out of memory"),
    Case("owner is gone", _program("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"), "does not exist", {"owner": "app"}),
    Case("validation fails", _program(VALIDATE, "#!/bin/sh\necho no such name >&2\nexit 1\n"), "no such name",
         {"validation_command": f"/{VALIDATE}"}),
    Case("reload fails", _program(RELOAD, "#!/bin/sh\necho bad configuration >&2\nexit 3\n"), "bad configuration",
         {"reload_command": f"/{RELOAD}"}),
    Case("reload hangs", _program(RELOAD, "#!/bin/sh\nexec sleep 600\n"), "not ended after",
         {"reload_command": f"/{RELOAD}"}),
    Case("reload leaves the old certificate in use", _program(SERVE, GOOD), "serves another certificate",
         {"reload_command": f"/{SERVE}", "cert_path": TLS, "key_path": TLS, "tls_endpoint": "{address}:8443"}),
    Case("undeliverable, but it ran", _state(loses_results=True), "could not be delivered"),
]  # fmt: skip


@pytest.mark.usefixtures("containers")
def test_faults_of_nodes(fleet: Fleet) -> None:
    nodes = fleet.add_nodes(len(CASES))
    for node, case in zip(nodes, CASES, strict=True):
        _register(fleet, node, case)
    fleet.begin()
    fleet.check_rotated(fleet.run())
    before = {host_id: installed(fleet.account, host_id).serial for host_id in fleet.host_ids}

    fleet.make_due()
    fleet.account.messages()
    with ExitStack() as faults:
        for node, case in zip(nodes, CASES, strict=True):
            faults.enter_context(case.begin(fleet.account, node["id"]))
        ended = fleet.run(host_certificates_command_timeout=2, host_certificates_endpoint_timeout=2)
    (message,) = fleet.account.messages()

    for host_id, case in zip(fleet.host_ids, CASES, strict=True):
        _check_named(fleet, host_id, case, ended.reason_of(host_id), message)
        kept = installed(fleet.account, host_id).serial == before[host_id]
        assert kept == bool(case.named), f"{case.name}: the node has {'kept the old' if kept else 'another'} version"
        fleet.tally.faults.add(f"node: {case.name}")
    fleet.check_usable()
    fleet.check_rotated(fleet.run_again())


def _register(fleet: Fleet, node: dict[str, Any], case: Case) -> None:
    root = fleet.account.node_root(node["id"])
    settings = {name: str(value).format(address=node["address"]) for name, value in case.settings.items()}
    for path in (RELOAD, VALIDATE):
        write_program(root / path, GOOD)
    write_program(root / SERVE, SERVE_TLS.format(address=node["address"], tls=TLS, host_id=node["id"]))
    fleet.host_ids.append(fleet.account.register(node["id"], **settings))


def _check_named(fleet: Fleet, host_id: str, case: Case, reason: str, message: str) -> None:
    """The failure is told in the result, in the table and to the topic; where nothing fails, nobody is told anything."""
    row = fleet.account.row(host_id)
    if not case.named:
        assert (reason, row["status"], host_id in message) == ("", "DEPLOYED", False)
        return
    assert case.named in reason, f"{case.name}: {reason}"
    assert row["status"] == "FAILED"
    assert case.named in row["lastError"]
    assert host_id in message
    assert "leaseOwner" not in row
