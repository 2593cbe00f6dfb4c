# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures that several suites share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .sandbox.client import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox for the whole run; a test that needs a clean one calls ``sandbox.reset()``."""
    with Sandbox.start(nodes=5) as running:
        yield running
