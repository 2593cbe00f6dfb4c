# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a process does that was forked to be killed: run modules as Ansible would, and plan what happens to it."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.testing import patch_module_args

from tests.sandbox.client import call_control


def imported(name: str) -> Any:
    """The Python module of an Ansible module."""
    collection, _dot, short = name.rpartition(".")
    return importlib.import_module(f"ansible_collections.{collection}.plugins.modules.{short}")


def run_module(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Run the ``main()`` of a module and return what it printed for Ansible."""
    printed = io.StringIO()
    with patch_module_args(dict(options)), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        imported(name).main()
    return json.loads(printed.getvalue().strip().splitlines()[-1])


def plan_fault(fault: Mapping[str, Any]) -> None:
    """Plan a fault of the sandbox; ``kill`` strikes this process's own group."""
    planned = {**fault, "pid": os.getpid()} if fault["kind"] == "kill" else dict(fault)
    call_control(os.environ["CERTWRIGHT_SANDBOX_CONTROL"], "POST", "/faults", planned)
