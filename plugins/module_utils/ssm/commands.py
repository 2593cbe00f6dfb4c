# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have nodes run a document for records, and say what became of each record.

Each record ends with the node's own report or with an error of its own, whatever happened to others. The documents can
be run again at any time, so a command whose fate is unknown is simply sent again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import AwsError, CertwrightError, InputError, NodeError, StateError, WaitTimeout
from ..host.payload import NodeRecord, encode
from ..host.report import Report, parse
from ..scheduler import Outcome, run_each
from . import api, packing
from .managed_nodes import ping_statuses
from .packing import Batch, nodes_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

UNDELIVERABLE = "undeliverable"
RUNNING = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})
NOT_YET_VISIBLE = frozenset({"InvocationDoesNotExist", "InvalidCommandId"})
SHORTEST_DELIVERY_TIMEOUT_S = 30
POLL_ERRORS_IN_A_ROW = 3

Fates: TypeAlias = "dict[NodeRecord, Report | CertwrightError]"


@dataclass(frozen=True)
class Job:
    """What is run.

    :ivar document_hash: SHA-256 that the document must have
    :ivar wait_timeout: seconds from when a command was sent until its results are no longer waited for; with more nodes than
        commands may run at once, those that come later have the same time
    :ivar comment: what the command's list in AWS shows, at most 100 characters
    """

    document_name: str
    document_hash: str
    wait_timeout: float
    comment: str = ""


def run_on_nodes(ssm: BaseClient, job: Job, records: Sequence[NodeRecord]) -> list[Outcome[NodeRecord, Report]]:
    """Run the job's document on the nodes of the records, and return an outcome for each record in their order.

    A node's report that it failed is a value like any other.

    :param records: no two of the same ``host_id``
    :raises AwsError: AWS does not say which nodes there are
    """
    fates = _refused(ssm, records)
    fates |= _deliver_all(ssm, job, [record for record in records if record not in fates])
    # Such a command may even have run.
    if lost := [record for record, fate in fates.items() if getattr(fate, "code", "") == UNDELIVERABLE]:
        fates |= _deliver_all(ssm, job, lost)
    return [_outcome(record, fates[record]) for record in records]


def _refused(ssm: BaseClient, records: Sequence[NodeRecord]) -> Fates:
    """The records that cannot be sent at all: an unknown or unreachable node, too much data."""
    statuses = ping_statuses(ssm, nodes_of(records)) if records else {}
    fates: Fates = {}
    for record in records:
        status = statuses.get(record.node_id)
        size = packing.payload_bytes([record])
        if status is None:
            fates[record] = NodeError(
                "node_unknown", f"node {record.node_id} is not known to Systems Manager in this Region"
            )
        elif status != "Online":
            fates[record] = NodeError("node_offline", f"node {record.node_id} is offline: its ping status is {status}")
        elif size > packing.MAX_PAYLOAD_BYTES:
            limit = packing.MAX_PAYLOAD_BYTES
            fates[record] = InputError(f"record {record.host_id} takes {size} bytes of a command; the most is {limit}")
    return fates


def _deliver_all(ssm: BaseClient, job: Job, records: Sequence[NodeRecord]) -> Fates:
    fates: Fates = {}
    for outcome in run_each(packing.pack(records), lambda batch: _deliver(ssm, job, batch)):
        if outcome.error is not None:
            fates |= dict.fromkeys(outcome.item, outcome.error)
        else:
            fates |= outcome.result()
    return fates


def _deliver(ssm: BaseClient, job: Job, batch: Batch) -> Fates:
    """Send a batch and wait for its nodes."""
    fates: Fates = {}
    sent = list(_sent(ssm, job, batch, fates))
    deadline = time.monotonic() + job.wait_timeout
    for command_id, part in sent:
        fates |= _awaited(ssm, job, command_id, part, deadline)
    return fates


def _sent(ssm: BaseClient, job: Job, batch: Batch, fates: Fates) -> Iterator[tuple[str, Batch]]:
    """Send a batch and yield the command's id with the batch; what could not be sent goes into ``fates``.

    AWS refuses a command as a whole for one node that went away and need not say which, so the batch is halved until
    the node is found.
    """
    nodes = nodes_of(batch)
    try:
        yield (
            api.send_command(
                ssm,
                document_name=job.document_name,
                document_hash=job.document_hash,
                node_ids=nodes,
                parameters={"payload": encode(batch), "executionTimeout": str(_whole_timeout(job))},
                delivery_timeout=_whole_timeout(job),
                comment=job.comment[:100],
            ),
            batch,
        )
    except AwsError as error:
        if error.code != "InvalidInstanceId":
            fates |= dict.fromkeys(batch, _explained(error, job))
        elif len(nodes) == 1:
            fates |= dict.fromkeys(batch, NodeError("node_offline", f"node {nodes[0]} went offline: {error.detail}"))
        else:
            first = set(nodes[: len(nodes) // 2])
            yield from _sent(ssm, job, tuple(record for record in batch if record.node_id in first), fates)
            yield from _sent(ssm, job, tuple(record for record in batch if record.node_id not in first), fates)


def _whole_timeout(job: Job) -> int:
    return max(SHORTEST_DELIVERY_TIMEOUT_S, round(job.wait_timeout))


def _explained(error: AwsError, job: Job) -> CertwrightError:
    if error.code not in ("InvalidDocument", "InvalidDocumentVersion"):
        return error
    return StateError(
        f"the document {job.document_name} is missing, or its default version is not the one with the SHA-256 "
        f"{job.document_hash} that document_hash asks for; to write the documents of this collection, run the playbook "
        f"certwright.aws.bootstrap or the module certwright.aws.ssm_document ({error.detail})"
    )


def _awaited(ssm: BaseClient, job: Job, command_id: str, batch: Batch, deadline: float) -> Fates:
    """Wait until all nodes of a command ended, or the time is over, and judge each of its records.

    :raises AwsError: AWS does not tell, several times in a row
    """
    nodes = nodes_of(batch)
    invocations: dict[str, dict[str, Any]] = {}
    errors = 0
    for pause in _pauses(len(nodes), deadline):
        time.sleep(pause)
        try:
            found = api.list_invocations(ssm, command_id)
        except AwsError as error:
            errors += error.code not in NOT_YET_VISIBLE
            if errors == POLL_ERRORS_IN_A_ROW:
                raise
            continue
        errors = 0
        invocations = {invocation["InstanceId"]: invocation for invocation in found}
        if all(_status(invocations.get(node)) not in RUNNING for node in nodes):
            break
    fates: Fates = {}
    for node in nodes:
        mine = [record for record in batch if record.node_id == node]
        fates |= _judged(ssm, job, command_id, mine, invocations.get(node))
    return fates


def _pauses(nodes: int, deadline: float) -> Iterator[float]:
    """Seconds to wait before each look: short at first, longer the more nodes are to end and the longer it takes; the
    last one ends at the deadline."""
    pause = 0.4 + 0.03 * nodes
    while (left := deadline - time.monotonic()) > 0:
        yield min(pause, left)
        pause = min(pause * 1.6, 5.0)


def _status(invocation: Mapping[str, Any] | None) -> str:
    """The detailed status, which AWS spells with and without blanks; one that cannot be seen yet is pending."""
    return invocation["StatusDetails"].replace(" ", "") if invocation else "Pending"


def _judged(
    ssm: BaseClient, job: Job, command_id: str, records: Sequence[NodeRecord], invocation: Mapping[str, Any] | None
) -> Fates:
    """What became of the records of one node. A report counts whatever the command's status says."""
    status = _status(invocation)
    output = "".join(plugin.get("Output", "") for plugin in (invocation or {}).get("CommandPlugins", []))
    reports = parse(output)
    said = output
    if status in ("Success", "Failed") and any(record.host_id not in reports for record in records):
        reports, said = _whole_output(ssm, command_id, records[0].node_id, said)
    silent = _silence(job, records[0].node_id, status, said)
    return {record: reports.get(record.host_id, silent) for record in records}


def _whole_output(ssm: BaseClient, command_id: str, node_id: str, cut: str) -> tuple[dict[str, Report], str]:
    """The reports in a node's longer output, and what it printed beside them."""
    try:
        invocation = api.get_invocation(ssm, command_id, node_id)
    except AwsError:
        return parse(cut), cut
    output = invocation["StandardOutputContent"]
    return parse(output), invocation["StandardErrorContent"] or output


def _silence(job: Job, node_id: str, status: str, said: str) -> CertwrightError:
    """Why a node reported nothing."""
    what = f"{job.document_name} on node {node_id}"
    if status in RUNNING:
        return WaitTimeout(f"waited {job.wait_timeout:g} s for {what}, which is still {status}")
    if status == "Undeliverable":
        return NodeError(UNDELIVERABLE, f"{what} could not be delivered; is the agent of the node running?")
    if status == "DeliveryTimedOut":
        return NodeError("delivery_timed_out", f"{what} was not begun within {_whole_timeout(job)} s")
    if status == "ExecutionTimedOut":
        return NodeError("execution_timed_out", f"{what} did not end within {_whole_timeout(job)} s and was stopped")
    if status == "AccessDenied":
        return NodeError("access_denied", f"{what} is not allowed to this controller; see the policy's ssm:SendCommand")
    tail = said.strip()[-300:]
    hint = f"it printed {tail!r}" if tail else "it printed nothing; is it a Linux node?"
    return NodeError("no_report", f"{what} ended as {status} without a report: {hint}")


def _outcome(record: NodeRecord, fate: Report | CertwrightError) -> Outcome[NodeRecord, Report]:
    if isinstance(fate, CertwrightError):
        return Outcome(record, error=fate)
    return Outcome(record, fate)
