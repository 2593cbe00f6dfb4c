# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What setting up, rotating and removing an origin header use is what its page says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.playbooks import Project
from tests.sandbox.client import Sandbox

from .origin import Origin
from .signing import ENVIRONMENT, used_actions
from .tables import ORIGIN_HEADER, unknown_callers


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, set[str]]]:
    with Sandbox.start(nodes=0) as sandbox:
        runs = Origin(sandbox, Project(tmp_path_factory.mktemp("project"), sandbox.env() | ENVIRONMENT))
        runs.set_up()
        runs.rotate()
        runs.remove()
        runs.set_up_again()
        yield used_actions(sandbox)


def test_the_page_says_what_is_used(used: Mapping[str, set[str]]) -> None:
    assert ORIGIN_HEADER.documented() == ORIGIN_HEADER.used(used)


def test_nothing_else_calls_aws(used: Mapping[str, set[str]]) -> None:
    assert unknown_callers(used) == set()
