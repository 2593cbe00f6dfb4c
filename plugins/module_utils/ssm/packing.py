# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which records go to the nodes with which command: as few commands as AWS's limits allow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..host.payload import NodeRecord, encode
from .documents import MAX_CONTENT_BYTES

MAX_NODES = 50
MAX_PAYLOAD_BYTES = 64 * 1024 - MAX_CONTENT_BYTES - 512
"""AWS allows 64 KB for a document together with its parameters; a little is kept for the parameters' names."""

Batch = tuple[NodeRecord, ...]


def pack(records: Iterable[NodeRecord]) -> list[Batch]:
    """Fill one command after the other. The records of a node stay together where they fit into one command.

    A record that is too large for any command comes as a batch of its own.
    """
    by_node: dict[str, Batch] = {}
    for record in records:
        by_node[record.node_id] = (*by_node.get(record.node_id, ()), record)
    batches: list[Batch] = []
    for together in by_node.values():
        for part in [together] if fits(together) else [(record,) for record in together]:
            if batches and fits(batches[-1] + part):
                batches[-1] += part
            else:
                batches.append(part)
    return batches


def fits(batch: Batch) -> bool:
    """Whether one command can carry these records."""
    return len(nodes_of(batch)) <= MAX_NODES and payload_bytes(batch) <= MAX_PAYLOAD_BYTES


def payload_bytes(batch: Sequence[NodeRecord]) -> int:
    """How much of a command the records take."""
    return len(encode(batch))


def nodes_of(batch: Sequence[NodeRecord]) -> list[str]:
    """The nodes of a batch, each once."""
    return list(dict.fromkeys(record.node_id for record in batch))
