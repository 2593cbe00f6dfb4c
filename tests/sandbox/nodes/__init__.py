# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes that commands run on, and their part of the control endpoint."""

from __future__ import annotations

from typing import Any

from .. import control, instance
from .fleet import Fleet, Node
from .places import run

RUN_TIMEOUT_S = 30.0


def fleet() -> Fleet:
    """The nodes of this server."""
    return _installed[0]


def install() -> None:
    made = Fleet(instance.settings().nodes_dir)
    made.clear()
    made.add(instance.settings().nodes)
    _installed[:] = [made]
    control.on_reset(_reset)
    control.on_exit(made.clear)
    control.route("GET", "/nodes", lambda _body: [node.as_json() for node in fleet()])
    control.route("POST", "/nodes", _add)
    control.route("GET", "/nodes/<node_id>", lambda _body, node_id: _node(node_id).as_json())
    control.route("PATCH", "/nodes/<node_id>", lambda body, node_id: fleet().change(node_id, body).as_json())
    control.route("POST", "/nodes/<node_id>/run", _run)


_installed: list[Fleet] = []


def _reset() -> None:
    fleet().clear()
    fleet().add(instance.settings().nodes)


def _node(node_id: str) -> Node:
    node = fleet().get(node_id)
    if node is None:
        raise LookupError(f"node {node_id}")
    return node


def _add(body: dict[str, Any]) -> list[str]:
    """``{"count": 5, "kind": "real", "prefix": "i-"}``, and any attribute of a node; the ids that were made."""
    return [node.id for node in fleet().add(body.pop("count", 1), **body)]


def _run(body: dict[str, Any], node_id: str) -> dict[str, Any]:
    """Run ``{"command": "…", "timeout_s": 30}`` in the node's shell, beside Systems Manager, as a test's preparation."""
    node = _node(node_id)
    if node.place is None:
        raise ValueError(f"{node_id} is simulated: nothing can run there")
    finished = run(node.place, ["sh", "-c", body["command"]], {}, body.get("timeout_s", RUN_TIMEOUT_S))
    return vars(finished)
