# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotate an origin's secret under load, killed in the middle of each step, and count the requests that suffered.

::

    python -m tests.chaos.origin_load [--rotations 10] [--seed N]

The rotating process is killed (SIGKILL) once in each of a rotation's four steps and run again: at, before or after
another call or test request each time, in an order that the seed decides. Two more rotations are left undisturbed,
because a process that is killed and run again gives AWS time. Changes take effect after random delays, at each host
that enforces them and each edge location at another moment. Meanwhile requests go through two distributions, none of
which may be refused, and directly to the origin, none of which may be let in. Numbers go to ``build/reports/origin.json``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.origin_site import Site
from tests.sandbox.client import Sandbox

from .origin_rotator import Ended, Rotators
from .origin_traffic import Traffic

REPORT = Path(__file__).resolve().parents[2] / "build" / "reports" / "origin.json"
DELAYS: Mapping[str, Mapping[str, Any]] = {
    "a slow WAF": {
        "waf_propagation_s": [0.3, 0.5],
        "elb_propagation_s": [0.2, 0.4],
        "cloudfront_deploy_s": [0.05, 0.2],
        "waf_places": 3,
    },
    "a slow CloudFront": {
        "waf_propagation_s": [0.02, 0.1],
        "elb_propagation_s": [0.02, 0.1],
        "cloudfront_deploy_s": [0.8, 1.6],
        "waf_places": 3,
    },
}
"""Either must not be overtaken by the other: the first when the new value is let in, the second when the old is not."""
SETTLE_S = 0.5
"""How long the origin must answer right before it is believed: as long as hosts can differ."""

UNDISTURBED = len(DELAYS)
_GATES = [("wafv2", "UpdateWebACL"), ("elasticloadbalancing", "ModifyRule")]
KILLS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "createSecret": [{"service": "secretsmanager", "operation": "PutSecretValue", "when": "after"}],
    "setSecret": [
        *({"service": gate, "operation": name, "when": when} for gate, name in _GATES for when in ("before", "after")),
        *(
            {"service": "cloudfront", "operation": "UpdateDistribution", "when": when, "after": passed}
            for when in ("before", "after")
            for passed in (0, 1)
        ),
    ],
    # The request without the header is in the middle of what testSecret tries.
    "testSecret": [{"service": "origin", "operation": "/probe "}],
    "finishSecret": [
        *({"service": gate, "operation": name, "when": when} for gate, name in _GATES for when in ("before", "after")),
        {"service": "secretsmanager", "operation": "UpdateSecretVersionStage", "when": "before"},
        {"service": "secretsmanager", "operation": "UpdateSecretVersionStage", "when": "after"},
    ],
}


@dataclass(frozen=True)
class Report:
    """The numbers of a run."""

    rotations: int
    requests_through_edge: int
    refused_through_edge: int
    direct_requests: int
    let_in_directly: int
    seconds_over_propagation: float
    kills: int
    seconds: float
    seed: int


class Broken(Exception):
    """Something is not as every rotation must leave it."""


class Run:
    """One run of the program."""

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        self._sandbox = sandbox
        dice = random.Random(seed)
        self._places = {step: itertools.cycle(dice.sample(places, len(places))) for step, places in KILLS.items()}
        self._delays = itertools.cycle(DELAYS.items())
        sandbox.control("POST", "/profile", {"delay_seed": seed})
        self._rotators = Rotators(sandbox.env())
        self.site = Site(sandbox)
        self.kills = 0
        self._rotate(state="present")
        self.traffic = Traffic(self.site.edges, self.site.origin)

    def rotate(self, name: str, *, disturbed: bool) -> float:
        """One rotation, with a kill in each step or undisturbed; seconds that it took beyond waiting for AWS.

        :raises Broken: it did not go as it should
        """
        before, old = self.site.versions(), self.site.value("AWSCURRENT")
        weather, delays = next(self._delays)
        self._sandbox.control("POST", "/profile", dict(delays))
        self._sandbox.control("DELETE", "/propagation")
        began = time.time()
        min_age = None
        for step, places in self._places.items() if disturbed else ():
            self.traffic.begin(f"{name} with {weather}, {step}")
            place = next(places)
            ended = self._rotate(place, min_age=min_age)
            if not ended.was_killed:
                raise Broken(f"{name} was not killed in {step} at {place}: {ended.result}")
            self.kills += 1
            min_age = "1d"  # the first run begins a rotation; the others, like a schedule's, only go on with it
        self.traffic.begin(f"{name} with {weather}, to the end")
        self._rotate(min_age=min_age)
        took = time.time() - began
        self._check(name, before, self.site.versions())
        self.traffic.retire(old)
        return took - _seconds_covered(self._sandbox.control("GET", "/propagation"))

    def stop(self) -> None:
        self._rotators.stop()

    def _rotate(
        self, kill_at: Mapping[str, Any] | None = None, state: str = "rotated", min_age: str | None = None
    ) -> Ended:
        options = {
            **self.site.options,
            "state": state,
            "min_age": min_age,
            "settle_time": SETTLE_S,
            "propagation_timeout": 20,
            "deployment_timeout": 20,
            "region": "us-east-1",
        }
        ended = self._rotators.run({name: value for name, value in options.items() if value is not None}, kill_at)
        if ended.result.get("failed"):
            raise Broken(f"the module failed: {ended.result.get('msg')}")
        return ended

    def _check(self, name: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        if after["AWSPREVIOUS"] != before["AWSCURRENT"]:
            raise Broken(f"{name} made {before} into {after}, which is not one new version")
        if after.get("AWSPENDING", after["AWSCURRENT"]) != after["AWSCURRENT"]:
            raise Broken(f"{name} left a pending version: {after}")
        changed = self.site.changed_by_mistake()
        if changed:
            raise Broken(f"{name} changed more than the header: {', '.join(changed)}")


def _seconds_covered(writes: Sequence[Mapping[str, float]]) -> float:
    """Seconds during which at least one change was on its way."""
    covered, until = 0.0, 0.0
    for write in sorted(writes, key=lambda one: one["written"]):
        end = write["written"] + write["seconds"]
        covered += max(0.0, end - max(until, write["written"]))
        until = max(until, end)
    return covered


def measure(rotations: int, seed: int) -> tuple[Report, list[str]]:
    """Rotate so many times under load and disturbed, and then undisturbed: the numbers, and what went wrong."""
    began = time.monotonic()
    problems: list[str] = []
    done, over = 0, 0.0
    with Sandbox.start(nodes=0) as sandbox:
        run = Run(sandbox, seed)
        try:
            for number in range(1, rotations + UNDISTURBED + 1):
                over += run.rotate(f"rotation {number}", disturbed=number <= rotations)
                done = number
        except Broken as problem:
            problems.append(str(problem))
        finally:
            through, direct = run.traffic.stop()
            run.stop()
    problems += [f"refused through the edge: {example}" for example in through.examples]
    problems += [f"let in directly: {example}" for example in direct.examples]
    took = time.monotonic() - began
    return (
        Report(
            rotations=done,
            requests_through_edge=through.sent,
            refused_through_edge=through.wrong,
            direct_requests=direct.sent,
            let_in_directly=direct.wrong,
            seconds_over_propagation=round(over, 1),
            kills=run.kills,
            seconds=round(took, 1),
            seed=seed,
        ),
        problems,
    )


def main() -> int:
    """Run, print the numbers and what went wrong, write the report; the exit status."""
    parser = argparse.ArgumentParser(description="Rotate an origin's secret under load, killed in every step.")
    parser.add_argument("--rotations", type=int, default=10)
    parser.add_argument("--seed", type=int, default=20260, help="0 for a random one")
    given = parser.parse_args()
    seed = given.seed or random.SystemRandom().randrange(1, 2**31)
    print(f"seed {seed}", flush=True)
    try:
        report, problems = measure(given.rotations, seed)
    except Broken as problem:
        print(f"wrong: the site could not be set up: {problem}\n0 passed, 1 failed")
        return 1
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(asdict(report), indent=2) + "\n")
    for name, value in asdict(report).items():
        print(f"{name.replace('_', ' ')}: {value}")
    for problem in problems:
        print(f"wrong: {problem}")
    checks = [
        report.rotations == given.rotations + UNDISTURBED,
        report.kills == given.rotations * len(KILLS),
        report.requests_through_edge > 0 and report.refused_through_edge == 0,
        report.direct_requests > 0 and report.let_in_directly == 0,
    ]
    print(f"{sum(checks)} passed, {len(checks) - sum(checks)} failed")
    return 0 if all(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
