# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

from ansible.playbook.task import Task
from ansible.plugins.callback import CallbackBase

from tests.permissions.signing import access_key_of_task

DOCUMENTATION = """
name: access_key_of_file
type: aggregate
short_description: Have each task sign its AWS calls with the access key of the file that it is in
description: The processes of a task inherit the environment that they find when the task begins.
"""


class CallbackModule(CallbackBase):
    """Sets the environment's access key before each task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "access_key_of_file"

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        os.environ["AWS_ACCESS_KEY_ID"] = access_key_of_task(task.get_path())
