# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind certwright.aws.lambda_package: builds the package where the collection is, on the controller."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.certwright.aws.plugins.plugin_utils.lambda_package import build


class ActionModule(ActionBase):
    """Writes the deployment package of a Lambda function."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Build the package and put it in its place when it differs."""
        result = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "handler": {"type": "path", "required": True},
                "dest": {"type": "path", "required": True},
            }
        )
        handler = Path(self._find_needle("files", options["handler"]))
        try:
            package, files = build(handler)
        except (OSError, SyntaxError) as error:
            raise AnsibleActionFail(f"{handler} cannot be packaged: {error}") from error
        dest = Path(options["dest"])
        before = _digests(dest.read_bytes()) if dest.is_file() else {}
        after = _digests(package)
        if before != after and not self._task.check_mode:
            _replace(dest, package)
        return {
            **result,
            "changed": before != after,
            "dest": str(dest),
            "files": files,
            "size": len(package),
            **after,
            "diff": {"before": before, "after": after},
        }


def _digests(package: bytes) -> dict[str, str]:
    digest = hashlib.sha256(package)
    return {"sha256": digest.hexdigest(), "code_sha256": base64.b64encode(digest.digest()).decode()}


def _replace(dest: Path, package: bytes) -> None:
    """Write the package in one step, so that nobody finds half of it."""
    try:
        with tempfile.NamedTemporaryFile(dir=dest.parent, delete=False) as file:
            file.write(package)
        Path(file.name).replace(dest)
    except OSError as error:
        raise AnsibleActionFail(f"{dest} cannot be written: {error}") from error
