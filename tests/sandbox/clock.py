# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time as the sandbox's AWS sees it.

Tests move it, also backwards, to issue a certificate "six days ago" without waiting. Nodes and clients keep real time.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone

_offset = 0.0


def set_offset(seconds: float) -> None:
    """Let AWS's clock run this many seconds ahead of (or, below zero, behind) the machine's."""
    global _offset  # noqa: PLW0603 - one clock for the whole server
    _offset = float(seconds)


def offset() -> float:
    """Seconds by which AWS's clock is ahead of the machine's."""
    return _offset


def epoch() -> float:
    """Seconds since 1970 on AWS's clock."""
    return time.time() + _offset


def now() -> datetime:
    """The aware UTC time on AWS's clock."""
    return datetime.fromtimestamp(epoch(), timezone.utc)
