# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every exception that the core raises on purpose.

The core raises, a module or a Lambda handler catches once. A message says what was wrong, where, and what would be
right; it never holds a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class CertwrightError(Exception):
    """The root of the core's exceptions: catching it catches whatever the core raises on purpose."""

    def as_result(self) -> dict[str, str]:
        """Fields that a module adds to its failure, beside ``msg``."""
        return {}


class InputError(CertwrightError):
    """What the user asked for cannot be done as it stands. Raised before anything was changed."""


class StateError(CertwrightError):
    """The resource is not in a state that allows what was asked, for example a CA that is not ACTIVE."""


class WaitTimeout(CertwrightError):
    """A wait reached the limit that the user set. The message says what was waited for, and how long."""


class NotAttempted(CertwrightError):
    """The work was interrupted before this item was begun."""


class NodeError(CertwrightError):
    """A node could not be reached, or could not do what it was told.

    :param code: what kind of failure it was, for programs, for example ``key_missing``
    :param message: what happened, for people
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def as_result(self) -> dict[str, str]:
        return {"error_code": self.code}


class AwsError(CertwrightError):
    """An AWS API call failed after botocore's retries.

    :param operation: the API operation as AWS spells it, for example ``IssueCertificate``
    :param code: AWS's error code, or the name of botocore's exception where no reply was had
    :param detail: AWS's own message
    :param reply: all of AWS's reply, for the operations whose errors say more than a message; empty when none was had
    """

    def __init__(self, operation: str, code: str, detail: str, reply: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{operation} failed: {code}: {detail}")
        self.operation = operation
        self.code = code
        self.detail = detail
        self.reply = reply or {}

    def as_result(self) -> dict[str, str]:
        return {"error_code": self.code, "operation": self.operation}
