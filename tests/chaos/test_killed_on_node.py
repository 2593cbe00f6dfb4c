# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL to a document's script and all that it started, before any of its commands: the machine or its agent dies."""

from __future__ import annotations

import pytest

from .account import Account
from .fleet import Fleet
from .node_faults import NodeKiller
from .tally import sample, seeds

POINTS = 32
pytestmark = pytest.mark.usefixtures("containers")


@pytest.fixture(scope="module")
def killers(account: Account) -> list[NodeKiller]:
    return [NodeKiller(account.node_root(node_id)) for node_id in account.sandbox.node_ids()]


@pytest.mark.parametrize("seed", seeds(), ids=["fixed", "random"])
@pytest.mark.parametrize("rotation", ["first", "renewal"])
def test_killed_at_command(fleet: Fleet, killers: list[NodeKiller], rotation: str, seed: int) -> None:
    """At commands all over the two scripts, on each node at another; afterwards every node is rotated all the same."""
    points = _points(_commands(fleet, killers, rotation), seed)
    for start in range(0, len(points), len(killers)):
        _make_due(fleet, rotation)
        armed = list(zip(killers, points[start:], strict=False))
        for killer, point in armed:
            killer.kill_before(point)
        fleet.run()
        fleet.check_usable()
        fleet.tally.kill_points.update(
            f"node command {point} {rotation}" for killer, point in armed if killer.has_killed
        )
        for killer, _point in armed:
            killer.disarm()
        fleet.check_rotated(fleet.run_again())


def _points(commands: int, seed: int) -> list[int]:
    """Commands all over the scripts, and as many once more of the last third, where a node switches."""
    late = range(commands * 2 // 3, commands + 1)
    return sorted({*sample(range(1, commands + 1), POINTS // 2, seed), *sample(late, POINTS // 2, seed)})


def _make_due(fleet: Fleet, rotation: str) -> None:
    if rotation == "first" or not fleet.host_ids:
        fleet.add(*range(len(fleet.nodes)))
        if rotation == "renewal":
            fleet.check_rotated(fleet.run())
    if rotation == "renewal":
        fleet.make_due()


def _commands(fleet: Fleet, killers: list[NodeKiller], rotation: str) -> int:
    """How many commands the scripts of one wave have on a node."""
    _make_due(fleet, rotation)
    killers[0].kill_before()
    fleet.check_rotated(fleet.run())
    return killers[0].disarm()
