# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts, killed before some of their commands; the chaos suite kills them before every one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import pki
from tests.script_rotation import STARTS, STEPS, Rotation

POINTS = 2


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("step", STEPS)
def test_killed_anywhere_and_run_again(tmp_path: Path, authority: pki.Entity, start: str, step: str) -> None:
    rotation = Rotation(tmp_path, authority, start, step)
    commands = rotation.count_commands()
    for point in range(1, POINTS + 1):
        rotation.reset()
        rotation.run(kill_before=point * commands // (POINTS + 1))
        rotation.assert_usable()
        rotation.recover()
        rotation.assert_sound()
