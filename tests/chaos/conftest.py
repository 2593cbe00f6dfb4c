# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.sandbox.client import Sandbox

from .account import Account
from .controllers import Controllers
from .estate import RECORDS, Estate
from .fleet import Fleet
from .tally import LONG, Tally, forget_parts, random_seed, summary

NODES = 8
_tally = Tally()


def pytest_configure(config: pytest.Config) -> None:
    random_seed()
    if not hasattr(config, "workerinput"):
        forget_parts()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test here is many runs of the role, and may take longer than a unit test."""
    for item in items:
        item.add_marker(pytest.mark.timeout(3600 if LONG else 600))


class OneProcessForTheEstate(LoadScopeScheduling):
    """Spreads single tests over the processes, but keeps together those that share the account of the playbooks."""

    def _split_scope(self, nodeid: str) -> str:
        return "estate" if "/test_playbooks" in nodeid else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneProcessForTheEstate:
    return OneProcessForTheEstate(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Each process leaves its part; the first one, which ends last, sums them up."""
    worker = getattr(session.config, "workerinput", {}).get("workerid", "main")
    _tally.save(worker)
    if worker == "main":
        session.config.stash[_TOTAL] = summary()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    total = config.stash[_TOTAL]
    terminalreporter.write_line(
        f"{total['kill_points']} kill points and {total['faults']} fault cases, {total['nodes_checked']} records judged: "
        f"{total['broken']} broken, {total['issued_twice']} issued twice, {total['lost']} lost, "
        f"{total['secrets_seen']} secrets seen"
    )
    terminalreporter.write_line(
        f"seeds: {total['fixed_seed']}, and {total['seed']} (CHAOS_SEED={total['seed']} replays it)"
    )


_TOTAL = pytest.StashKey[dict]()


@pytest.fixture(scope="session")
def tally() -> Tally:
    return _tally


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    """An account of this process alone, with real nodes."""
    with Sandbox.start(nodes=NODES) as sandbox:
        yield Account.prepared(sandbox)


@pytest.fixture(scope="session")
def controllers(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controllers]:
    running = Controllers(tmp_path_factory.mktemp("runs"), account.sandbox.env())
    yield running
    running.stop()


@pytest.fixture(scope="session")
def estate(tally: Tally, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An account that the playbooks have set up; made once, for the tests of ``test_playbooks*.py``."""
    with Sandbox.start(nodes=RECORDS) as sandbox:
        yield Estate(sandbox, tmp_path_factory.mktemp("project"), tally)


@pytest.fixture
def fleet(account: Account, controllers: Controllers, tally: Tally) -> Iterator[Fleet]:
    """Records to rotate, runs over them, and the judgement afterwards."""
    yield Fleet(account, controllers, tally)
    account.clear_faults()
