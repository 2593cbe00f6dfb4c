# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What setting up, rotating and removing an origin header use is what its page says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.playbooks import Project
from tests.sandbox.client import Sandbox
from tests.sandbox.instance import access_key_of_function

from .origin import FUNCTION, Origin
from .policies import BY_LAMBDA_ITSELF, allowed, needlessly_on_everything
from .signing import ENVIRONMENT, used_actions
from .tables import ORIGIN_HEADER, unknown_callers


@dataclass(frozen=True)
class Seen:
    """What the runs have shown.

    :param used: the actions that were used, by access key
    :param policy: of the function's role, before it was removed
    """

    used: Mapping[str, set[str]]
    policy: dict[str, Any]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    with Sandbox.start(nodes=0) as sandbox:
        runs = Origin(sandbox, Project(tmp_path_factory.mktemp("project"), sandbox.env() | ENVIRONMENT))
        runs.set_up()
        runs.rotate()
        policy = runs.function_policy()
        runs.remove()
        runs.set_up_again()
        return Seen(used_actions(sandbox), policy)


def test_the_page_says_what_is_used(seen: Seen) -> None:
    assert ORIGIN_HEADER.documented() == ORIGIN_HEADER.used(seen.used)


def test_nothing_else_calls_aws(seen: Seen) -> None:
    assert unknown_callers(seen.used) == set()


def test_the_functions_policy_allows_what_it_uses(seen: Seen) -> None:
    assert allowed(seen.policy) == seen.used[access_key_of_function(FUNCTION)] | BY_LAMBDA_ITSELF
    assert needlessly_on_everything(seen.policy) <= BY_LAMBDA_ITSELF
