# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How commands reach their nodes: when, how many at a time, and what happens where one does not answer."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .. import profile
from ..nodes import fleet
from ..nodes.fleet import Node
from .agent import StepResult, run_document, timeout_s
from .commands import Command, Invocation

MOST_AT_ONCE = 64
RECHECK_S = 0.05
log = logging.getLogger(__name__)


class Dispatcher:
    """Runs commands in the background: one thread keeps the time, a pool of threads waits for the nodes."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, "ssm-agent")
        threading.Thread(target=self._loop.run_forever, name="ssm-timer", daemon=True).start()

    def later(self, seconds: float, action: Callable[..., Any], *arguments: Any) -> None:
        """Call a short action after a while."""
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, action, *arguments)

    def send(self, command: Command) -> None:
        """Bring a command to its nodes, ever more of them at a time."""
        delays = profile.current()
        for number, invocation in enumerate(command.invocations.values(), 1):
            after = delays.delivery_s + delays.ramp_s * math.log2(number)
            self.later(after, self._begin, command, invocation)

    def cancel(self, command: Command, node_ids: list[str]) -> None:
        """Cancel what has not ended; what runs is killed."""
        with command.lock:
            command.cancel_requested = True
            for invocation in command.invocations.values():
                if invocation.finished or (node_ids and invocation.node_id not in node_ids):
                    continue
                invocation.work.cancellation.request()
                if invocation.details == "Pending":
                    invocation.details = "Cancelled"
                else:
                    invocation.details = "Cancelling"

    def _begin(self, command: Command, invocation: Invocation) -> None:
        with command.lock:
            command.waiting.append(invocation)
            self._start_waiting(command)

    def _start_waiting(self, command: Command) -> None:
        """Start what waits, as far as concurrency and errors allow. Call it with the command's lock."""
        while command.waiting and command.in_flight < command.concurrency:
            invocation = command.waiting.popleft()
            if invocation.finished:  # cancelled meanwhile
                continue
            if command.exceeds_max_errors:
                invocation.details = "Terminated"
                continue
            command.in_flight += 1
            invocation.details = "InProgress"
            self.later(0, self._deliver, command, invocation)

    def _deliver(self, command: Command, invocation: Invocation) -> None:
        node = fleet().get(invocation.node_id)
        if node is None or node.undeliverable:
            self._end(command, invocation, "Undeliverable", [])
        elif invocation.work.cancellation.requested:
            self._end(command, invocation, "Cancelled", [])
        elif node.reachable:
            self._pool.submit(self._run, node, command, invocation)
        elif time.monotonic() >= command.delivery_deadline:
            self._end(command, invocation, "DeliveryTimedOut", [])
        else:
            self.later(RECHECK_S, self._deliver, command, invocation)

    def _run(self, node: Node, command: Command, invocation: Invocation) -> None:
        try:
            steps = run_document(node, invocation.work)
        except Exception as error:  # of the sandbox, not of the script
            log.exception("%s failed on %s", command.document_name, node.id)
            text = f"The sandbox could not run the script: {error}"
            steps = [StepResult("sandbox", "Failed", "Failed", 1, stderr=text)]
        self._report(node, command, invocation, steps)

    def _report(self, node: Node, command: Command, invocation: Invocation, steps: list[StepResult]) -> None:
        """Hand in the agent's results; an agent that is cut off does so when it is back, or too late."""
        if node.loses_results:
            self._end(command, invocation, "Undeliverable", [])
        elif node.reachable:
            self._end(command, invocation, _overall(steps), steps)
        elif time.monotonic() >= command.delivery_deadline + _time_to_run(command):
            self._end(command, invocation, "ExecutionTimedOut", [])
        else:
            self.later(RECHECK_S, self._report, node, command, invocation, steps)

    def _end(self, command: Command, invocation: Invocation, details: str, steps: list[StepResult]) -> None:
        with command.lock:
            invocation.details, invocation.steps = details, steps
            command.in_flight -= 1
            self._start_waiting(command)


def _time_to_run(command: Command) -> float:
    return sum(timeout_s(step, command.values) for step in command.content.steps)


def _overall(steps: list[StepResult]) -> str:
    """The invocation's StatusDetails: the first that went wrong, or Success."""
    return next((step.details for step in steps if step.failed), "Success")
