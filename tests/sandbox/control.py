# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control endpoint, ``/_sandbox``: JSON in, JSON out.

Services add their own routes with :func:`route` and clean up with :func:`on_reset`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from . import calls, clock, faults, profile

PREFIX = "/_sandbox"
Handler = Callable[..., Any]

_rules = Map()
_resets: list[Callable[[], None]] = []
_exits: list[Callable[[], None]] = []
_reset_lock = threading.Lock()


def route(method: str, path: str, handler: Handler) -> None:
    """Serve a path below ``/_sandbox``.

    :param path: as werkzeug writes it, ``/nodes/<node_id>``
    :param handler: called with the parsed body and the path's values by name; returns something for JSON.
        It raises ValueError for a bad request and LookupError for something that is not there.
    """
    _rules.add(Rule(path, endpoint=handler, methods=[method]))


def on_reset(action: Callable[[], None]) -> None:
    """Have an action done at ``POST /reset``, after moto has forgotten everything."""
    _resets.append(action)


def on_exit(action: Callable[[], None]) -> None:
    """Have an action done when the server ends in an orderly way."""
    _exits.append(action)


def leave() -> None:
    """Do what was asked for at the server's end."""
    for action in _exits:
        action()


def answer(method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Serve one request: HTTP status and JSON."""
    try:
        handler, values = _rules.bind("sandbox").match(path.removeprefix(PREFIX), method)
        status, reply = 200, handler(json.loads(body or b"{}"), **values)
    except HTTPException as error:
        status, reply = error.code or 500, {"error": f"{method} {path}: {error.name}"}
    except LookupError as error:
        status, reply = 404, {"error": f"no {error.args[0] if error.args else path}"}
    except (ValueError, TypeError) as error:
        status, reply = 400, {"error": str(error)}
    return status, json.dumps(reply).encode()


def _reset_calls(_body: dict[str, Any]) -> dict[str, Any]:
    calls.ledger.reset()
    return {}


def _add_fault(body: dict[str, Any]) -> dict[str, Any]:
    faults.plan.add(faults.Fault.from_request(body))
    return {}


def _clear_faults(_body: dict[str, Any]) -> dict[str, Any]:
    faults.plan.clear()
    return {}


def _set_quotas(body: dict[str, Any]) -> dict[str, float]:
    """Add quotas to those in force; a quota of null lifts it."""
    limits = {**profile.current().quotas, **body}
    quotas = {name: float(rate) for name, rate in limits.items() if rate is not None}
    profile.change({"quotas": quotas})
    faults.quotas.refill()
    return quotas


def _set_clock(body: dict[str, Any]) -> dict[str, Any]:
    clock.set_offset(body["offset_seconds"])
    return _get_clock({})


def _get_clock(_body: dict[str, Any]) -> dict[str, Any]:
    return {"offset_seconds": clock.offset(), "now": clock.now().isoformat()}


def _set_profile(body: dict[str, Any]) -> dict[str, Any]:
    return vars(profile.change(body))


def _reset(_body: dict[str, Any]) -> dict[str, Any]:
    """Forget everything: AWS's state, nodes, faults, counts, clock, profile."""
    from moto.moto_api._internal.models import moto_api_backend

    with _reset_lock:
        clock.set_offset(0)
        profile.restore()
        faults.plan.clear()
        faults.quotas.refill()
        moto_api_backend.reset()
        for action in _resets:
            action()
        calls.ledger.reset()
    return {}


route("GET", "/health", lambda _body: {"healthy": True})
route("GET", "/calls", lambda _body: calls.ledger.counts())
route("POST", "/calls/reset", _reset_calls)
route("GET", "/log", lambda _body: calls.ledger.log())
route("POST", "/faults", _add_fault)
route("DELETE", "/faults", _clear_faults)
route("POST", "/quotas", _set_quotas)
route("GET", "/clock", _get_clock)
route("POST", "/clock", _set_clock)
route("GET", "/profile", lambda _body: vars(profile.current()))
route("POST", "/profile", _set_profile)
route("POST", "/reset", _reset)
