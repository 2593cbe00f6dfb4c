# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node says: a line ``CERTWRIGHT1 <length> <SHA-256> id=… action=…`` for each record.

Run Command cuts long outputs and adds lines of its own; length and checksum tell a whole line from a cut one.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

LINE = re.compile(r"^CERTWRIGHT1 (?P<length>\d+) (?P<sha256>[0-9a-f]{64}) (?P<body>[\x21-\x7e ]+)$", re.MULTILINE)
FAILURES = frozenset({"failed", "rolled_back"})


@dataclass(frozen=True)
class Report:
    """What became of one record: ``action`` and what the document says beside it.

    ``words`` holds the plain values, ``data`` those that came in base64.
    """

    host_id: str
    action: str
    words: Mapping[str, str]
    data: Mapping[str, bytes]

    @property
    def failed(self) -> bool:
        """Whether the node could not do what was asked."""
        return self.action in FAILURES

    @property
    def message(self) -> str:
        """What the node says about a failure; it may begin in the middle of what openssl or a command printed."""
        return self.data.get("message", b"").decode(errors="replace").strip()


def parse(output: str) -> dict[str, Report]:
    """The reports that came whole, by record. Whatever else the output holds is passed over."""
    reports = {}
    for match in LINE.finditer(output.replace("\r\n", "\n")):
        body = match["body"]
        if int(match["length"]) == len(body) and match["sha256"] == hashlib.sha256(body.encode()).hexdigest():
            with contextlib.suppress(ValueError):  # what is no base64 is no report
                report = _report(body)
                reports[report.host_id] = report
    return reports


def render(host_id: str, action: str, words: Mapping[str, str], data: Mapping[str, bytes]) -> str:
    """The line that a node prints. For simulated nodes and tests."""
    parts = [f"id={host_id}", f"action={action}", *(f"{name}={word}" for name, word in words.items())]
    parts += [f"{name}:{base64.b64encode(value).decode()}" for name, value in data.items()]
    body = " ".join(parts)
    return f"CERTWRIGHT1 {len(body)} {hashlib.sha256(body.encode()).hexdigest()} {body}\n"


def _report(body: str) -> Report:
    words: dict[str, str] = {}
    data: dict[str, bytes] = {}
    for part in body.split(" "):
        name, separator, value = re.split("([=:])", part, maxsplit=1) if re.search("[=:]", part) else (part, "=", "")
        if separator == "=":
            words[name] = value
        else:
            data[name] = base64.b64decode(value, validate=True)
    return Report(words.pop("id", ""), words.pop("action", ""), words, data)
