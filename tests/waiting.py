# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for something to be so."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE_S = 0.02


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    """Wait until something is so, looking often."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"what the test waits for has not happened within {timeout_s:g} s"
        time.sleep(PAUSE_S)
