# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Killing a playbook without the module that it runs."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.playbooks import TIMEOUT_S, descendants

from .fleet import wait_until


def kill_main(process: subprocess.Popen[str]) -> None:
    """SIGKILL to the playbook's own process group; the module that is under way goes on without it, to its end."""
    orphans = descendants(process.pid)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), TIMEOUT_S)
