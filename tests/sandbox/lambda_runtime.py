# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one invocation of a Lambda function, in a process of its own.

Started with ``python -S -P`` and a path that holds the function's package and boto3, nothing else. The event and the
context come as JSON on standard input; the result goes to the file descriptor that the first argument names. What the
function prints is its log.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from typing import Any


class Context:
    """The context object that Lambda hands to a Python handler."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.function_name: str = values["function_name"]
        self.function_version: str = values["function_version"]
        self.invoked_function_arn: str = values["invoked_function_arn"]
        self.memory_limit_in_mb: str = values["memory_limit_in_mb"]
        self.aws_request_id: str = values["aws_request_id"]
        self.log_group_name: str = values["log_group_name"]
        self.log_stream_name: str = values["log_stream_name"]
        self._ends_at = time.monotonic() + values["timeout"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._ends_at - time.monotonic()) * 1000))


def run(handler: str, event: Any, context: Context) -> dict[str, Any]:
    """What the handler returned, or how it failed, in Lambda's form."""
    module_name, _dot, function_name = handler.rpartition(".")
    try:
        function = getattr(importlib.import_module(module_name.replace("/", ".")), function_name)
        return {"payload": json.dumps(function(event, context))}
    except Exception as error:
        traceback.print_exc()
        failure = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
        return {"payload": json.dumps(failure), "failed": True}


def main() -> None:
    invocation = json.load(sys.stdin)
    outcome = run(invocation["handler"], invocation["event"], Context(invocation["context"]))
    sys.stdout.flush()
    with os.fdopen(int(sys.argv[1]), "w") as reply:
        json.dump(outcome, reply)


if __name__ == "__main__":
    main()
