# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at an origin header without changing it: what is where, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..secretsmanager.api import CURRENT
from .edges import EdgeState
from .parts import OriginHeader
from .probe import Answer, Expectation, refusals
from .report import Snapshot, take_snapshot
from .secret import UNKNOWN, OriginSecret, find_secret


@dataclass(frozen=True)
class Inspection:
    """What was found. ``problems`` is empty when edges and origin agree with the secret."""

    secret: OriginSecret | None
    snapshot: Snapshot
    problems: list[str]
    probes: list[Answer]

    def as_result(self, now: datetime) -> dict[str, Any]:
        """As the info module returns it.

        :param now: aware
        """
        secret = self.secret
        return {
            "exists": secret is not None,
            "in_sync": not self.problems,
            "problems": self.problems,
            "secret_arn": secret.arn if secret else None,
            "age_seconds": max(0, int((now - secret.current.created).total_seconds())) if secret else None,
            "origin_header": self.snapshot.as_result(),
            "probes": [
                {
                    "url": answer.url,
                    "request": answer.expectation.what,
                    "let_in": answer.let_in,
                    "as_expected": answer.as_expected,
                    "detail": answer.detail,
                }
                for answer in self.probes
            ],
        }


def inspect(origin: OriginHeader) -> Inspection:
    """Look at the secret, every edge and every gate, and ask the origin where that is possible.

    :raises InputError: something that was named does not exist, apart from the secret
    :raises AwsError: AWS refused
    """
    secret = find_secret(origin.secrets, origin.secret_id)
    states = origin.read_edges()
    snapshot = take_snapshot(origin, secret, states)
    passing = [Expectation(CURRENT, secret.current.value, True)] if secret else []
    probes = origin.ask_origin([*passing, *refusals()])
    problems = [
        *_secret_problems(origin, secret),
        *_edge_problems(states, snapshot),
        *_gate_problems(snapshot),
        *(str(answer) for answer in probes if not answer.as_expected),
    ]
    return Inspection(secret, snapshot, problems, probes)


def _secret_problems(origin: OriginHeader, secret: OriginSecret | None) -> Iterator[str]:
    if secret is None:
        yield f"secret {origin.secret_id} does not exist or is scheduled for deletion"
    elif secret.pending_id:
        yield "a rotation was begun and not finished: version AWSPENDING is not AWSCURRENT"


def _edge_problems(states: dict[str, EdgeState], snapshot: Snapshot) -> Iterator[str]:
    for edge, state in states.items():
        if not state.enabled:
            yield f"distribution {edge} is disabled"
        if not state.deployed:
            yield f"distribution {edge} is not Deployed yet"
        for origin_id, label in snapshot.distributions[edge].items():
            if label != CURRENT:
                sent = {None: "no header", UNKNOWN: "an unknown value"}.get(label, label)
                yield f"distribution {edge} sends origin {origin_id} {sent}, not AWSCURRENT"


def _gate_problems(snapshot: Snapshot) -> Iterator[str]:
    for arn, accepted in snapshot.gates.items():
        if accepted is None:
            yield f"{arn} does not demand the header"
            continue
        if CURRENT not in accepted:
            yield f"{arn} does not accept AWSCURRENT"
        if UNKNOWN in accepted:
            yield f"{arn} accepts a value that no labelled version of the secret has"
