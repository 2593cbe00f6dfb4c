# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run tasks in a container of the sandbox as SSH would on a machine."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from pathlib import Path
from typing import Any

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = r"""
name: sandbox_machine
short_description: Run tasks in a container of the sandbox
description:
  - The host is the id of a node of the sandbox.
options: {}
author:
  - certwright.aws contributors (@certwright)
"""


class Connection(ConnectionBase):
    """A connection to the machine whose id is the inventory hostname."""

    transport = "sandbox_machine"
    has_pipelining = False

    def _connect(self) -> Connection:
        self._machine = self._play_context.remote_addr
        self._root = Path(os.environ["CERTWRIGHT_SANDBOX_NODES"], self._machine)
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        request = urllib.request.Request(  # noqa: S310 - the sandbox's own URL
            f"{os.environ['CERTWRIGHT_SANDBOX_CONTROL']}/nodes/{self._machine}/run",
            data=json.dumps({"command": cmd}).encode(),
            method="POST",
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as reply:
            ended: dict[str, Any] = json.load(reply)
        return ended["exit_code"], ended["stdout"].encode(), ended["stderr"].encode()

    def put_file(self, in_path: str, out_path: str) -> None:
        super().put_file(in_path, out_path)
        shutil.copyfile(in_path, self._root / out_path.lstrip("/"))

    def fetch_file(self, in_path: str, out_path: str) -> None:
        super().fetch_file(in_path, out_path)
        shutil.copyfile(self._root / in_path.lstrip("/"), out_path)

    def close(self) -> None:
        self._connected = False
