# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documents get as their one parameter: the records of many nodes in a text of letters, digits and ``+/=,``.

Base64 sections are parted by commas. The first is a text of lines: ``=VALUE`` for each distinct value, then
``NODE N N N…`` for each record, which names its values by line number in the order of the document's fields. Each other
section is a certificate in DER, which a value names by its number. What many records share is sent once. A node decodes
the first section and takes the lines of its own id.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

ALLOWED_PATTERN = "^[A-Za-z0-9+/=,]*$"

COMMON_FIELDS = (
    "host_id",
    "state_dir",
    "cert_path",
    "key_path",
    "cacert_path",
    "csr_path",
    "owner",
    "group",
    "mode",
    "command_timeout",
    "dry_run",
)
STAGE_FIELDS = (*COMMON_FIELDS, "key_algorithm", "request_hash", "request", "pending_public_key")
INSTALL_FIELDS = (
    *COMMON_FIELDS,
    "serial",
    "certificate",
    "intermediates",
    "root_certificate",
    "validation_command",
    "reload_command",
    "tls_endpoint",
    "server_name",
    "endpoint_timeout",
    "signinghelper_path",
    "trust_anchor_arn",
    "profile_arn",
    "role_arn",
)
READ_FIELDS = (*COMMON_FIELDS, "tls_endpoint", "server_name")
REMOVE_FIELDS = COMMON_FIELDS
CERTIFICATE_FIELDS = frozenset({"certificate", "intermediates", "root_certificate"})

Value: TypeAlias = "str | tuple[bytes, ...]"
"""A line of text, or certificates in DER."""


@dataclass(frozen=True)
class NodeRecord:
    """A record on its way to a node: its values in the order of the document's fields, the first its id."""

    host_id: str
    values: tuple[Value, ...]

    @property
    def node_id(self) -> str:
        """The node that holds the record."""
        return self.host_id.partition("#")[0]


def node_record(fields: Sequence[str], values: Mapping[str, Value | int | bool | None]) -> NodeRecord:
    """Put values into the order of a document's fields; None and False become an empty text, True ``yes``.

    :raises KeyError: a field has no value
    """
    return NodeRecord(str(values["host_id"]), tuple(_as_value(values[name]) for name in fields))


def encode(records: Sequence[NodeRecord]) -> str:
    """The payload for the given records.

    :raises ValueError: a value holds a line break, which :mod:`.settings` refuses
    """
    certificates: dict[bytes, int] = {}
    lines: dict[str, int] = {}
    rows = []
    for record in records:
        numbers = []
        for value in record.values:
            if isinstance(value, tuple):
                text = " ".join(str(certificates.setdefault(der, len(certificates) + 1)) for der in value)
            else:
                text = value
            if "\n" in text:
                raise ValueError(f"a value of record {record.host_id} holds a line break")
            numbers.append(lines.setdefault("=" + text, len(lines) + 1))
        rows.append(" ".join([record.node_id, *map(str, numbers)]))
    sections = ["\n".join([*lines, *rows, ""]).encode(), *certificates]
    return ",".join(base64.b64encode(section).decode() for section in sections)


def decode(payload: str, fields: Sequence[str]) -> list[dict[str, Value]]:
    """Read a payload as a node does: field name to value for each record. For simulated nodes and tests."""
    text, *certificates = [base64.b64decode(section) for section in payload.split(",")]
    lines = text.decode().rstrip("\n").split("\n")
    records: list[dict[str, Value]] = []
    for row in (line for line in lines if not line.startswith("=")):
        values = [lines[int(number) - 1][1:] for number in row.split(" ")[1:]]
        record: dict[str, Value] = dict(zip(fields, values, strict=True))
        for name in CERTIFICATE_FIELDS & record.keys():
            record[name] = tuple(certificates[int(number) - 1] for number in str(record[name]).split())
        records.append(record)
    return records


def _as_value(value: Value | int | bool | None) -> Value:
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    return value if isinstance(value, tuple) else str(value)
