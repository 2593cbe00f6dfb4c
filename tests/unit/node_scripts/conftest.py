# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from tests import pki
from tests.script_node import ScriptNode


@pytest.fixture(scope="session")
def authority() -> pki.Entity:
    return pki.authority()


@pytest.fixture
def node(tmp_path: Path) -> ScriptNode:
    return ScriptNode(tmp_path)
