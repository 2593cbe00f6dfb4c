# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of IAM actions speak of actions that there are, on resources that they can be allowed on."""

from __future__ import annotations

import pytest
from policy_sentry.querying.actions import get_actions_for_service

from tests.run import CHECKOUT

from .policies import can_name_resources
from .tables import TABLES, Table

ROLES = sorted(path.parent.parent.name for path in (CHECKOUT / "roles").glob("*/meta/main.yml"))
EVERYTHING = "`*`"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.heading)
def test_the_actions_exist(table: Table) -> None:
    for row in table.rows():
        for action in row.actions:
            assert action in get_actions_for_service(action.partition(":")[0])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.heading)
def test_resources_are_named_wherever_the_service_allows_it(table: Table) -> None:
    for row in table.rows():
        for action in row.actions:
            assert can_name_resources(action) == (row.resource != EVERYTHING), f"{action} on {row.resource}"


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_of_a_role_links_to_its_table(role: str) -> None:
    (table,) = [one for one in TABLES if f"role `{role}`" in one.heading]
    anchor = table.heading.lower().replace("`", "").replace(" ", "-")
    assert f"(../../{table.page}#{anchor})" in (CHECKOUT / "roles" / role / "README.md").read_text()
