# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes of a sandbox: which there are, and in what state.

A test reaches into a real node through its root directory, for example

* a program of its own in ``usr/local/bin``, which comes first in ``PATH``: a broken ``openssl``, a slow ``date``;
* a full disk: ``mount -t tmpfs -o size=64k tmpfs /etc/pki`` with ``POST /nodes/<id>/run``;
* a directory that cannot be written: ``mount -o bind,ro`` in the same way, because root ignores modes.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import clock
from .places import Container, Directory, containers_work
from .roots import make_root

FIRST_NUMBER = 10
ADDRESSES = 253
CURRENT_AGENT = "3.3.3572.0"
STATES = ("running", "stopped", "terminated")
CHANGEABLE = frozenset(
    {"online", "state", "undeliverable", "loses_results", "name", "tags", "agent_version", "platform_type"}
)


@dataclass
class Node:
    """A managed node as Systems Manager sees it, and where its scripts run.

    :param online: whether its agent is connected; if not, commands wait for it until they time out
    :param state: of the machine; Systems Manager refuses commands for one that does not run
    :param undeliverable: Systems Manager gives up on delivery at once
    :param loses_results: commands run, but Systems Manager never hears of it and takes them for undeliverable
    :param place: None for a simulated node
    """

    id: str
    kind: str
    address: str
    registered: datetime
    region: str = "us-east-1"
    name: str = ""
    online: bool = True
    state: str = "running"
    undeliverable: bool = False
    loses_results: bool = False
    agent_version: str = CURRENT_AGENT
    platform_type: str = "Linux"
    tags: dict[str, str] = field(default_factory=dict)
    activation_id: str | None = None
    iam_role: str | None = None
    root: Path | None = None
    place: Container | Directory | None = None

    @property
    def is_hybrid(self) -> bool:
        return self.id.startswith("mi-")

    @property
    def reachable(self) -> bool:
        return self.online and self.state == "running"

    @property
    def ping_status(self) -> str:
        return "Online" if self.reachable else "ConnectionLost"

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "root": str(self.root) if self.root else None,
            "address": self.address,
            "ping_status": self.ping_status,
            "isolated": isinstance(self.place, Container),
            **{name: getattr(self, name) for name in sorted(CHANGEABLE)},
        }


class Fleet:
    """All nodes of the sandbox. Safe to use from several threads.

    :param directory: gets a root directory for each real node
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._nodes: dict[str, Node] = {}
        self._next_number = FIRST_NUMBER
        self._network = _Network()

    def add(self, count: int, kind: str = "real", prefix: str = "i-", **attributes: Any) -> list[Node]:
        """Make nodes.

        :param kind: ``real`` runs commands, ``simulated`` only answers the collection's own documents
        :raises ValueError: an unknown kind or prefix
        """
        if kind not in {"real", "simulated"} or prefix not in {"i-", "mi-"}:
            raise ValueError("kind is real or simulated, prefix is i- or mi-")
        with self._lock:
            made = [self._make(kind, prefix, attributes) for _node in range(count)]
            self._nodes.update((node.id, node) for node in made)
        return made

    def get(self, node_id: str) -> Node | None:
        return self._nodes.get(node_id)

    def __iter__(self) -> Iterator[Node]:
        return iter(list(self._nodes.values()))

    def change(self, node_id: str, values: Mapping[str, Any]) -> Node:
        """:raises LookupError: no such node :raises ValueError: something that cannot be changed, or not like this"""
        node = self._nodes.get(node_id)
        if node is None:
            raise LookupError(f"node {node_id}")
        if set(values) - CHANGEABLE:
            raise ValueError(f"of a node one can change {', '.join(sorted(CHANGEABLE))}")
        if values.get("state", "running") not in STATES:
            raise ValueError(f"state is one of {', '.join(STATES)}")
        for name, value in values.items():
            setattr(node, name, value)
        return node

    def remove(self, node_id: str) -> None:
        """Take a node out of Systems Manager and end it; its root directory stays until the sandbox is reset."""
        with self._lock:
            node = self._nodes.pop(node_id)
        _end([node])

    def clear(self) -> None:
        """End all nodes and delete their root directories."""
        with self._lock:
            nodes, self._nodes = self._nodes, {}
            self._next_number = FIRST_NUMBER
        _end(list(nodes.values()))
        shutil.rmtree(self._directory, ignore_errors=True)

    def _make(self, kind: str, prefix: str, attributes: Mapping[str, Any]) -> Node:
        node_id = f"{prefix}{self._next_number:017x}"
        address = self._network.address(self._next_number - FIRST_NUMBER)
        self._next_number += 1
        node = Node(node_id, kind, address, registered=clock.now(), **attributes)
        if kind == "real":
            node.root = self._directory / node_id
            host_name = f"ip-{address.replace('.', '-')}"
            make_root(node.root, host_name, address, one_user=containers_work() and os.geteuid() != 0)
            node.place = Container(node.root, host_name) if containers_work() else Directory(node.root)
        return node


def _end(nodes: list[Node]) -> None:
    places = [node.place for node in nodes if node.place]
    for place in places:
        place.end()
    for place in places:
        place.wait()


class _Network:
    """A block of loopback addresses for this sandbox alone, so that several sandboxes can run nodes with listeners."""

    def __init__(self) -> None:
        self._claim, self._prefix = _claimed_block()

    def address(self, index: int) -> str:
        return f"{self._prefix}{index % ADDRESSES + 1}" if self._prefix else "127.0.0.1"


def _claimed_block() -> tuple[socket.socket | None, str]:
    """A socket that holds 127.0.N.0/24, and the beginning of its addresses; nothing where loopback is one address."""
    for block in range(1, 255):
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind((f"127.0.{block}.254", 47771))
        except OSError:
            claim.close()
        else:
            return claim, f"127.0.{block}."
    return None, ""
