# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command and its invocations: their states, and what they say about themselves.

Statuses are spelled as the API does it; ``details`` says more than ``status``, as ``StatusDetails`` does.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .. import clock, profile
from .agent import StepResult, Work
from .content import Content
from .output import combined
from .parameters import Values

# What each detailed status is in short.
SHORT = {
    "Undeliverable": "Failed",
    "Terminated": "Cancelled",
    "DeliveryTimedOut": "TimedOut",
    "ExecutionTimedOut": "TimedOut",
    "Incomplete": "Failed",
    "NoInstancesInTag": "Success",
}
UNFINISHED = frozenset({"Pending", "InProgress", "Cancelling"})
# Failures to deliver do not count against MaxErrors.
ERRORS = frozenset({"Failed", "ExecutionTimedOut"})


@dataclass
class Invocation:
    """A command on one node."""

    node_id: str
    node_name: str
    work: Work
    details: str = "Pending"
    steps: list[StepResult] = field(default_factory=list)

    @property
    def status(self) -> str:
        return SHORT.get(self.details, self.details)

    @property
    def finished(self) -> bool:
        return self.details not in UNFINISHED


@dataclass
class Command:
    """What SendCommand made. Its lock guards every change of its invocations."""

    id: str
    document_name: str
    document_version: str
    content: Content
    given: Mapping[str, list[str]]
    values: Values
    comment: str
    timeout_s: int
    max_concurrency: str
    max_errors: str
    instance_ids: list[str]
    targets: list[dict[str, Any]]
    invocations: dict[str, Invocation]
    cancel_requested: bool = False
    requested: datetime = field(default_factory=clock.now)
    sent_at: float = field(default_factory=time.monotonic)
    lock: threading.RLock = field(default_factory=threading.RLock)
    waiting: deque[Invocation] = field(default_factory=deque)
    in_flight: int = 0

    @property
    def is_visible(self) -> bool:
        """Whether its invocations can be seen yet: reads lag behind SendCommand."""
        return time.monotonic() >= self.sent_at + profile.current().invocation_visible_s

    @property
    def delivery_deadline(self) -> float:
        """When delivery is given up, on the monotonic clock."""
        return self.sent_at + self.timeout_s * profile.current().ssm_time_scale

    @property
    def concurrency(self) -> int:
        return max(1, _share(self.max_concurrency, len(self.invocations)))

    @property
    def exceeds_max_errors(self) -> bool:
        return self.error_count > _share(self.max_errors, len(self.invocations))

    @property
    def error_count(self) -> int:
        return sum(invocation.details in ERRORS for invocation in self.invocations.values())

    @property
    def details(self) -> str:
        """The command's StatusDetails, which follow from its invocations."""
        counts = Counter(invocation.details for invocation in self.invocations.values())
        if not self.invocations:
            return "NoInstancesInTag"
        if any(counts[status] for status in UNFINISHED):
            return "Cancelling" if self.cancel_requested else _progress(counts)
        # Invocations that could not be delivered count for nothing, so a command may succeed without having run.
        counted = counts.total() - counts["Undeliverable"]
        if counts["Success"] == counted:
            return "Success"
        if self.cancel_requested:
            return "Cancelled"
        if self.exceeds_max_errors:
            return "Failed"
        return "DeliveryTimedOut" if counts["DeliveryTimedOut"] else "Incomplete"

    def as_json(self) -> dict[str, Any]:
        """A ``Command`` of the API."""
        with self.lock:
            finished = sum(invocation.finished for invocation in self.invocations.values())
            late = sum(invocation.details == "DeliveryTimedOut" for invocation in self.invocations.values())
            details = self.details
            return {
                "CommandId": self.id,
                "DocumentName": self.document_name,
                "DocumentVersion": self.document_version,
                "Comment": self.comment,
                "ExpiresAfter": self.requested + timedelta(seconds=self.timeout_s),
                "Parameters": self.given,
                "InstanceIds": self.instance_ids,
                "Targets": self.targets,
                "RequestedDateTime": self.requested,
                "Status": SHORT.get(details, details),
                "StatusDetails": details,
                "OutputS3BucketName": "",
                "OutputS3KeyPrefix": "",
                "MaxConcurrency": self.max_concurrency,
                "MaxErrors": self.max_errors,
                "TargetCount": len(self.invocations),
                "CompletedCount": finished,
                "ErrorCount": self.error_count,
                "DeliveryTimedOutCount": late,
                "ServiceRole": "",
                "TimeoutSeconds": self.timeout_s,
            }

    def invocation_as_json(self, invocation: Invocation, with_details: bool) -> dict[str, Any]:
        """A ``CommandInvocation`` of the API."""
        with self.lock:
            entry = {
                "CommandId": self.id,
                "InstanceId": invocation.node_id,
                "InstanceName": invocation.node_name,
                "Comment": self.comment,
                "DocumentName": self.document_name,
                "DocumentVersion": self.document_version,
                "RequestedDateTime": self.requested,
                "Status": invocation.status,
                "StatusDetails": invocation.details,
                "StandardOutputUrl": "",
                "StandardErrorUrl": "",
                "CommandPlugins": [],
                "ServiceRole": "",
            }
            if with_details:
                entry["CommandPlugins"] = [_plugin(step) for step in self._steps(invocation)]
            return entry

    def step_as_json(self, invocation: Invocation, step_name: str | None) -> dict[str, Any]:
        """The answer to GetCommandInvocation; of a document with several steps it has no output unless one is named."""
        with self.lock:
            steps = self._steps(invocation)
            chosen = [step for step in steps if step.name == step_name] if step_name else steps
            step = chosen[0] if len(chosen) == 1 else StepResult("")
            return {
                "CommandId": self.id,
                "InstanceId": invocation.node_id,
                "Comment": self.comment,
                "DocumentName": self.document_name,
                "DocumentVersion": self.document_version,
                "PluginName": step.name,
                "ResponseCode": step.exit_code,
                "ExecutionStartDateTime": step.started.isoformat() if step.started else "",
                "ExecutionEndDateTime": step.finished.isoformat() if step.finished else "",
                "ExecutionElapsedTime": f"PT{_elapsed_s(step)}S" if step.finished else "",
                "Status": invocation.status,
                "StatusDetails": invocation.details,
                "StandardOutputContent": step.stdout,
                "StandardOutputUrl": "",
                "StandardErrorContent": step.stderr,
                "StandardErrorUrl": "",
            }

    def _steps(self, invocation: Invocation) -> list[StepResult]:
        """The steps' results; while there are none, their names with the status of the invocation."""
        if invocation.steps:
            return invocation.steps
        status, details = invocation.status, invocation.details
        return [StepResult(step.name, status, details) for step in self.content.steps]


def _plugin(step: StepResult) -> dict[str, Any]:
    return {
        "Name": step.name,
        "Status": step.status,
        "StatusDetails": step.details,
        "ResponseCode": step.exit_code,
        "ResponseStartDateTime": step.started,
        "ResponseFinishDateTime": step.finished,
        "Output": combined(step.stdout, step.stderr),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "OutputS3Region": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
    }


def _elapsed_s(step: StepResult) -> float:
    assert step.started
    assert step.finished
    return round((step.finished - step.started).total_seconds(), 3)


def _progress(counts: Counter[str]) -> str:
    return "Pending" if counts["Pending"] == counts.total() else "InProgress"


def _share(limit: str, total: int) -> int:
    """``"10"`` is a number, ``"10%"`` a share of the targets, rounded down."""
    return total * int(limit[:-1]) // 100 if limit.endswith("%") else int(limit)
