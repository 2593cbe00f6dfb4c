# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks for private keys wherever somebody but the node's root could see one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .account import TABLE, Account

MARKERS = ("BEGIN PRIVATE KEY", "BEGIN EC PRIVATE KEY", "BEGIN RSA PRIVATE KEY", "BEGIN ENCRYPTED PRIVATE KEY")


def secrets_seen(account: Account, texts: Iterable[str]) -> list[str]:
    """Where a private key of any node shows, in the given texts and in what the account shows.

    :param texts: outputs, logs and the like
    """
    needles = {*MARKERS, *_forms_of_keys(account)}
    assert len(needles) > len(MARKERS), "no node has a private key"
    shown = [*((f"text {number}", text) for number, text in enumerate(texts)), *_shown(account)]
    return [f"{name} holds {needle[:12]}…" for name, text in shown for needle in needles if needle in _unbroken(text)]


def _unbroken(text: str) -> str:
    """A text without its line breaks, those of JSON too, so that a key is found that was broken into lines."""
    return text.replace("\\n", "").replace("\n", "")


def _forms_of_keys(account: Account) -> Iterator[str]:
    """The private number of each key of the nodes, in every form in which it could be written."""
    for path in account.sandbox.nodes_dir.glob("*/etc/pki/certwright/**/key.pem"):
        numbers: Any = load_pem_private_key(path.read_bytes(), None).private_numbers()  # type: ignore[union-attr]
        number = getattr(numbers, "private_value", None) or numbers.d
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        yield from (raw.hex(), raw.hex().upper(), raw.hex(":"), str(number))
        # Base64 depends on where among other bytes the number begins; the ends depend on those bytes.
        yield from (base64.b64encode(b"\0" * shift + raw)[4:-4].decode() for shift in range(3))


def _shown(account: Account) -> Iterator[tuple[str, str]]:
    """What the account and the sandbox show of the commands, the table, the calls and the messages."""
    for page in account.ssm.get_paginator("list_commands").paginate():
        for command in page["Commands"]:
            yield f"command {command['CommandId']}", json.dumps(command, default=str)
            for payload in command["Parameters"].get("payload", ()):
                yield f"the payload of {command['CommandId']}", _decoded(payload.split(","))
            yield from _outputs(account, command["CommandId"])
    yield "the host table", json.dumps(account.dynamodb.scan(TableName=TABLE)["Items"], default=str)
    yield "the log of calls", json.dumps(account.sandbox.control("GET", "/log"))
    yield "the sandbox's own log", (account.sandbox.state_dir / "server.log").read_text()
    yield "the messages", "\n".join(account.messages())


def _outputs(account: Account, command_id: str) -> Iterator[tuple[str, str]]:
    """What the nodes printed for a command, as it is and with what is in base64 decoded."""
    listed = account.ssm.list_command_invocations(CommandId=command_id, Details=True)["CommandInvocations"]
    for invocation in listed:
        node_id = invocation["InstanceId"]
        whole = account.ssm.get_command_invocation(CommandId=command_id, InstanceId=node_id)
        for text in (json.dumps(invocation, default=str), json.dumps(whole, default=str)):
            yield f"the output of {command_id} on {node_id}", text
            yield f"the decoded output of {command_id} on {node_id}", _decoded(re.findall(":([A-Za-z0-9+/]+=*)", text))


def _decoded(words: Iterable[str]) -> str:
    return "\n".join(base64.b64decode(word).decode("latin-1") for word in words if len(word) % 4 == 0)
