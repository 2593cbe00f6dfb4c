# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of a file runs the playbooks whose calls they all look at."""
    for item in items:
        item.add_marker(pytest.mark.timeout(600))
