# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the suite has tried and found: counted by every process of it, summed up in ``build/reports/chaos.json``."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from .judge import Finding

REPORTS = Path(__file__).resolve().parents[2] / "build" / "reports"
PARTS = REPORTS / "chaos"
FIXED_SEED = 20_260_101
LONG = bool(os.environ.get("CHAOS_LONG"))


def random_seed() -> int:
    """The seed of the cases that differ from run to run: ``CHAOS_SEED``, or one that is drawn and then kept there."""
    return int(os.environ.setdefault("CHAOS_SEED", str(secrets.randbelow(10**6))))


def seeds() -> tuple[int, int]:
    """The seed of the cases that are always the same, and of those that are not."""
    return FIXED_SEED, random_seed()


def sample(population: Iterable[int], share: int, seed: int) -> list[int]:
    """Some elements, chosen by the seed; all of them in the long form of the suite."""
    elements = list(population)
    return elements if LONG else sorted(Random(seed).sample(elements, min(share, len(elements))))


@dataclass
class Tally:
    """Names of distinct kill points and faults, how many records were judged, and everything that was found."""

    kill_points: set[str] = field(default_factory=set)
    faults: set[str] = field(default_factory=set)
    records_judged: int = 0
    findings: list[Finding] = field(default_factory=list)
    secrets_seen: list[str] = field(default_factory=list)

    def save(self, name: str) -> None:
        """Leave this process's part of the tally for :func:`summary`."""
        PARTS.mkdir(parents=True, exist_ok=True)
        part = {
            "kill_points": sorted(self.kill_points),
            "faults": sorted(self.faults),
            "records_judged": self.records_judged,
            "findings": [vars(finding) for finding in self.findings],
            "secrets_seen": self.secrets_seen,
        }
        (PARTS / f"{name}.json").write_text(json.dumps(part))


def forget_parts() -> None:
    for part in PARTS.glob("*.json"):
        part.unlink()


def summary() -> dict[str, Any]:
    """The tallies of all processes, summed up and written."""
    parts = [json.loads(path.read_text()) for path in sorted(PARTS.glob("*.json"))]
    found = [finding for part in parts for finding in part["findings"]]
    kinds = [finding["kind"] for finding in found]
    total = {
        "kill_points": len({point for part in parts for point in part["kill_points"]}),
        "faults": len({fault for part in parts for fault in part["faults"]}),
        "nodes_checked": sum(part["records_judged"] for part in parts),
        "broken": kinds.count("broken"),
        "issued_twice": kinds.count("issued_twice"),
        "lost": kinds.count("lost"),
        "secrets_seen": sum(len(part["secrets_seen"]) for part in parts),
        "seed": random_seed(),
        "fixed_seed": FIXED_SEED,
        "findings": found,
    }
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "chaos.json").write_text(json.dumps(total, indent=2) + "\n")
    return total
