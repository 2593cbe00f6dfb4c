# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SSM agent of a node: runs the steps of a document there, as the real agent does.

Each step's script is written to the node's ``/var/lib/amazon/ssm/<node>/document/orchestration/<command>/<step>`` and
executed by ``sh -c``, so that the script's first line may name another interpreter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .. import clock, profile
from ..nodes.fleet import Node
from ..nodes.places import Cancellation, Directory, Finished, run
from ..nodes.simulated import answer
from .content import Content, Step
from .output import MAX_STDERR, MAX_STDOUT
from .parameters import Values, exported, filled, filled_lines

DEFAULT_TIMEOUT_S = 3600
SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S = 5, 172_800
KILLED_EXIT_CODE = 137
WORKING_DIRECTORY = "/usr/bin"
ENV_VAR_SINCE = (3, 3, 2746, 0)
# The node writes the script itself: one that this process has just written may still be open in a process that another
# thread has just forked, and cannot be executed then.
START_SCRIPT = """\
(umask 077 && /bin/mkdir -p "$1" && /bin/cat >"$1/_script.sh" && /bin/chmod 0700 "$1/_script.sh") &&
cd "$2" && exec sh -c "$1/_script.sh" </dev/null
"""


@dataclass
class StepResult:
    """How a step ended, with ``status`` and ``details`` as the API spells them."""

    name: str
    status: str = "Pending"
    details: str = "Pending"
    exit_code: int = -1
    started: datetime | None = None
    finished: datetime | None = None
    stdout: str = ""
    stderr: str = ""

    @property
    def failed(self) -> bool:
        return self.status in {"Failed", "TimedOut", "Cancelled"}


@dataclass
class Work:
    """What an agent is told to do."""

    command_id: str
    document_name: str
    content: Content
    values: Values
    cancellation: Cancellation = field(default_factory=Cancellation)


def run_document(node: Node, work: Work) -> list[StepResult]:
    """Run all steps of a document on a node."""
    results: list[StepResult] = []
    ended = False
    for step in work.content.steps:
        if ended and not step.finally_step:
            continue
        result = _run_step(node, step, work)
        results.append(result)
        ended = ended or (result.failed and step.on_failure in {"exit", "successAndExit"})
        if result.failed and step.on_failure == "successAndExit":
            result.status = result.details = "Success"
    return results


def timeout_s(step: Step, values: Values) -> float:
    """How long a step may take; like the agent, a time that makes no sense counts as an hour."""
    try:
        seconds = float(filled(step.timeout_seconds, values))
    except ValueError:
        seconds = DEFAULT_TIMEOUT_S
    if not SHORTEST_TIMEOUT_S <= seconds <= LONGEST_TIMEOUT_S:
        seconds = DEFAULT_TIMEOUT_S
    return seconds * profile.current().ssm_time_scale


def _run_step(node: Node, step: Step, work: Work) -> StepResult:
    result = StepResult(step.name, started=clock.now())
    left, right = step.precondition.get("StringEquals", ["", ""])
    if left == "platformType" and right != node.platform_type:
        result.stdout = (
            f"Step execution skipped due to unsatisfied preconditions: StringEquals: [platformType, {right}]"
        )
        result.status, result.details, result.exit_code = "Success", "Success", 0
    elif work.cancellation.requested:
        result.status, result.details, result.exit_code = "Cancelled", "Cancelled", KILLED_EXIT_CODE
    else:
        _judge(result, _execute(node, step, work), work.cancellation.requested)
    result.finished = clock.now()
    return result


def _execute(node: Node, step: Step, work: Work) -> Finished:
    if node.place is None or node.root is None:
        return answer(node, work.document_name, work.values)
    root = str(node.root) if isinstance(node.place, Directory) else ""
    folder = f"{root}/var/lib/amazon/ssm/{node.id}/document/orchestration/{work.command_id}/{step.name}"
    directory = filled(step.working_directory, work.values) or WORKING_DIRECTORY
    environment = {"AWS_SSM_INSTANCE_ID": node.id, "AWS_SSM_REGION_NAME": node.region}
    if tuple(int(part) for part in node.agent_version.split(".")) >= ENV_VAR_SINCE:
        environment.update(exported(work.content, work.values))
    script = "\n".join(filled_lines(step.run_command, work.values)) + "\n"
    command = ["sh", "-c", START_SCRIPT, "sh", folder, directory]
    limit = timeout_s(step, work.values)
    return run(node.place, command, environment, limit, cancellation=work.cancellation, stdin=script)


def _judge(result: StepResult, finished: Finished, cancelled: bool) -> None:
    result.stdout = finished.stdout[:MAX_STDOUT]
    stderr = finished.stderr
    result.exit_code = finished.exit_code
    if cancelled or finished.timed_out:
        result.exit_code = KILLED_EXIT_CODE
        result.status = "Cancelled" if cancelled else "TimedOut"
        result.details = "Cancelled" if cancelled else "ExecutionTimedOut"
    elif finished.exit_code:
        result.status = result.details = "Failed"
        stderr += f"failed to run commands: exit status {finished.exit_code}"
    else:
        result.status = result.details = "Success"
    result.stderr = stderr[:MAX_STDERR]
