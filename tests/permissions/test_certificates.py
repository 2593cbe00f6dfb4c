# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What preparing the account, registering, rotating and revoking use is what their pages say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.playbooks import Project
from tests.sandbox.client import Sandbox
from tests.sandbox.instance import access_key_of_function

from .certificates import CRL_FUNCTION, Certificates
from .policies import allowed, controller_policy, needlessly_on_everything, policy_of_role
from .signing import ENVIRONMENT, used_actions
from .tables import BOOTSTRAP, CONTROLLER, REVOCATION, Table, unknown_callers


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certificates]:
    with Sandbox.start(nodes=2) as sandbox:
        runs = Certificates(sandbox, Project(tmp_path_factory.mktemp("project"), sandbox.env() | ENVIRONMENT))
        runs.set_up()
        runs.set_up_again()
        runs.register()
        runs.rotate()
        runs.bring_lists()
        runs.revoke()
        yield runs


@pytest.fixture(scope="module")
def used(certificates: Certificates) -> Mapping[str, set[str]]:
    return used_actions(certificates.sandbox)


@pytest.mark.parametrize("table", [BOOTSTRAP, CONTROLLER, REVOCATION], ids=lambda table: table.heading)
def test_the_page_says_what_is_used(table: Table, used: Mapping[str, set[str]]) -> None:
    assert table.documented() == table.used(used)


def test_nothing_else_calls_aws(used: Mapping[str, set[str]]) -> None:
    assert unknown_callers(used) == set()


def test_the_controllers_policy_is_what_the_page_says(certificates: Certificates) -> None:
    assert allowed(controller_policy(certificates.sandbox)) == {action for _part, action in CONTROLLER.documented()}


def test_the_functions_policy_allows_what_it_uses(certificates: Certificates, used: Mapping[str, set[str]]) -> None:
    policy = policy_of_role(certificates.sandbox, CRL_FUNCTION, "bring-revocation-lists")
    assert allowed(policy) == used[access_key_of_function(CRL_FUNCTION)]
    assert needlessly_on_everything(policy) == set()
