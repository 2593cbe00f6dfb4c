# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Output of a step as the agent reports it: the first characters of each stream, and both together in a short text."""

from __future__ import annotations

MAX_STDOUT = 24_000
MAX_STDERR = 8_000
MAX_COMBINED = 2_400
"""What the agent sends; the service would allow 2,500."""
STDOUT_CUT = "\n---Output truncated---"
STDERR_CUT = "\n---Error truncated----"
HEADING = "\n----------ERROR-------\n"


def combined(stdout: str, stderr: str, limit: int = MAX_COMBINED) -> str:
    """Both streams in one text of at most ``limit`` characters; the longer one loses its end, or both do."""
    heading = HEADING if stderr else ""
    room = limit - len(heading)
    if len(stdout) + len(stderr) < room:
        return stdout + heading + stderr
    if len(stdout) > room // 2 and len(stderr) > room // 2:
        share = (room - len(STDOUT_CUT) - len(STDERR_CUT)) // 2
        return stdout[:share] + STDOUT_CUT + heading + stderr[:share] + STDERR_CUT
    if len(stdout) < room // 2:
        return stdout + heading + stderr[: room - len(STDERR_CUT) - len(stdout)] + STDERR_CUT
    return stdout[: room - len(STDOUT_CUT) - len(stderr)] + STDOUT_CUT + heading + stderr
