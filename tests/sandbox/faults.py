# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong on purpose: faults that a test plans, and quotas.

A fault is taken by the first calls that match it. Kinds:

=============  ====================================================================================
throttle       refuse with the service's own throttling error
error          refuse with ``code`` and ``status``
reset          reset the TCP connection before acting
reply_lost     act, then reset the connection
delay          wait ``seconds``, then act
kill           SIGKILL the process group ``pid``, before acting or (``when: after``) after it, and give no reply
output_cut     Systems Manager cuts a command's output to ``bytes`` when it is read
unprocessed    DynamoDB leaves the second half of a batch unprocessed
conflict       DynamoDB cancels a transaction because another one is at work on its first item
=============  ====================================================================================
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from . import profile

REQUEST_KINDS = frozenset({"throttle", "error", "reset", "reply_lost", "delay", "kill"})
SERVICE_KINDS = frozenset({"output_cut", "unprocessed", "conflict"})

# AWS's services do not agree on what to call it: (code, HTTP status).
THROTTLING = {
    "cloudformation": ("Throttling", 400),
    "cloudfront": ("Throttling", 400),
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "ec2": ("RequestLimitExceeded", 503),
    "elasticloadbalancing": ("Throttling", 400),
    "iam": ("Throttling", 400),
    "lambda": ("TooManyRequestsException", 429),
    "s3": ("SlowDown", 503),
    "sns": ("Throttling", 400),
    "sqs": ("RequestThrottled", 403),
    "sts": ("Throttling", 400),
}


def throttling_of(service: str) -> tuple[str, int]:
    """Error code and HTTP status with which a service throttles."""
    return THROTTLING.get(service, ("ThrottlingException", 400))


@dataclass
class Fault:
    """A planned fault.

    :param service: a pattern for the service, as in an IAM action: ``acm-pca``, ``*``
    :param operation: a pattern for the operation: ``IssueCertificate``, ``Get*``
    :param kind: one of the kinds above
    :param times: how many calls take it; None: every one until the faults are deleted
    :param after: how many matching calls pass before the first takes it
    """

    kind: str
    service: str = "*"
    operation: str = "*"
    times: int | None = 1
    after: int = 0
    code: str = "InternalServerError"
    status: int = 500
    message: str = "A fault that the test planned."
    seconds: float = 0.0
    pid: int | None = None
    when: str = "before"
    bytes: int = 0

    @classmethod
    def from_request(cls, values: Mapping[str, Any]) -> Fault:
        """:raises ValueError: an unknown member or kind, or a missing process"""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown or "kind" not in values:
            raise ValueError(f"a fault has a kind, and no {', '.join(sorted(unknown)) or 'fault is without it'}")
        fault = cls(**values)
        if fault.kind not in REQUEST_KINDS | SERVICE_KINDS:
            raise ValueError(f"kind is one of {', '.join(sorted(REQUEST_KINDS | SERVICE_KINDS))}, not {fault.kind}")
        if (fault.kind == "kill") != (fault.pid is not None):
            raise ValueError("kill needs pid, the id of a process group, and no other kind takes it")
        if fault.when not in {"before", "after"}:
            raise ValueError("when is before or after")
        return fault

    @property
    def drops(self) -> bool:
        """Whether the client gets no reply."""
        return self.kind in {"reset", "reply_lost", "kill"}

    @property
    def acts(self) -> bool:
        """Whether AWS acts before the client is left without a reply."""
        return not self.drops or self.kind == "reply_lost" or (self.kind == "kill" and self.when == "after")

    def __post_init__(self) -> None:
        self._born = _born(self.pid)

    def kill(self) -> None:
        """SIGKILL the process group of a fault that has one, unless its id is another's by now."""
        if self.pid is not None and _born(self.pid) == self._born:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def matches(self, name: str) -> bool:
        return fnmatchcase(name, f"{self.service}:{self.operation}")


def _born(pid: int | None) -> str | None:
    """When a process was started, as the kernel counts; None when it is not there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


class Plan:
    """The planned faults. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, name: str, kinds: frozenset[str] = REQUEST_KINDS) -> Fault | None:
        """The fault that this call takes, if any. Each call of an operation asks once for each set of kinds."""
        with self._lock:
            taken = None
            for fault in [fault for fault in self._faults if fault.kind in kinds and fault.matches(name)]:
                if fault.after > 0:
                    fault.after -= 1
                elif taken is None:
                    taken = fault
                    self._use(fault)
            return taken

    def _use(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)


class Quotas:
    """Token buckets, one for each operation whose rate the profile limits; a bucket holds one second's worth."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def exceeded(self, name: str) -> bool:
        """Count a call, and tell whether it is one too many."""
        rate = profile.current().quotas.get(name)
        if rate is None:
            return False
        with self._lock:
            now = time.monotonic()
            tokens, filled = self._buckets.get(name, (rate, now))
            tokens = min(max(rate, 1.0), tokens + (now - filled) * rate)
            allowed = tokens >= 1
            self._buckets[name] = (tokens - allowed, now)
            return not allowed

    def refill(self) -> None:
        with self._lock:
            self._buckets.clear()


plan = Plan()
quotas = Quotas()
