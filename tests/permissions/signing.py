# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who called what: each file of tasks signs its calls with an access key of its own, which the sandbox logs.

A callback plugin gives the key to a task's process before the task begins, so one run of a role tells its parts apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from tests.run import CHECKOUT
from tests.sandbox.client import Sandbox

# amazon.aws.aws_caller_info asks for the account's alias too, and does without it where that is refused.
NEEDS_NO_PERMISSION = frozenset({"sts:GetCallerIdentity", "iam:ListAccountAliases"})
ENVIRONMENT = {"ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback_plugins"))}
"""What makes a playbook's tasks sign in this way."""


def access_key_of(file: str) -> str:
    """The access key of a file of tasks, given as a path below the checkout."""
    return file.removesuffix(".yml").replace("/", ".")


def access_key_of_task(path: str) -> str:
    """The access key of a task, given as Ansible tells where it is: ``/…/roles/<role>/tasks/<file>.yml:<line>``."""
    file = Path(path.rpartition(":")[0]).resolve()
    return access_key_of(str(file.relative_to(CHECKOUT)))


def used_actions(sandbox: Sandbox) -> Mapping[str, set[str]]:
    """The IAM actions that were used so far, by access key."""
    used: dict[str, set[str]] = defaultdict(set)
    for entry in sandbox.control("GET", "/log"):
        used[entry["access_key"]] |= set(entry["actions"]) - NEEDS_NO_PERMISSION
    return used
