# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's own Run Command documents: from the node scripts to the JSON that Systems Manager keeps.

The scripts are files of the role ``certificate_platform``. Ansible sends no such files along with a module, so only the
lookup plugin reads them; modules get a document's content or hash as an option.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..host import payload

PREFIX_SCRIPT = "common.sh"
MAX_CONTENT_BYTES = 14 * 1024
"""The most that a document of ours may have, so that the rest of AWS's 64 KB is the payload's."""


@dataclass(frozen=True)
class ShippedDocument:
    """A document of the collection: the script it runs, and the fields of a record in its payload."""

    name: str
    script: str
    description: str
    fields: Sequence[str]


SHIPPED = {
    document.name: document
    for document in (
        ShippedDocument(
            "Certwright-StageKey",
            "stage_key.sh",
            "Makes a private key and a certificate signing request on the node, beside those in use. The key stays there.",
            payload.STAGE_FIELDS,
        ),
        ShippedDocument(
            "Certwright-InstallCertificate",
            "install_certificate.sh",
            "Installs a certificate beside its key, proves that it works, and switches back when it does not.",
            payload.INSTALL_FIELDS,
        ),
        ShippedDocument(
            "Certwright-ReadCertificate",
            "read_certificate.sh",
            "Reports which certificate is installed on the node and which one its TLS endpoint serves. Changes nothing.",
            payload.READ_FIELDS,
        ),
        ShippedDocument(
            "Certwright-RemoveCertificate",
            "remove_certificate.sh",
            "Removes the keys and certificates that the collection installed for a record of the host table.",
            payload.REMOVE_FIELDS,
        ),
    )
}


def render(document: ShippedDocument, prefix: str, script: str) -> str:
    """The content of a document, as JSON text: always the same for the same scripts.

    :param prefix: the text of :data:`PREFIX_SCRIPT`, which the script reads where it runs by itself
    :raises InputError: the scripts are too long, or hold what Systems Manager would replace
    """
    lines = ["CERTWRIGHT_PAYLOAD='{{ payload }}'", *script_lines(prefix), *script_lines(script)]
    if any("{{" in line for line in lines[1:]):
        raise InputError(f"{document.script} holds '{{{{', which Systems Manager takes for a parameter")
    content = json.dumps(_schema(document, lines), indent=0)
    if len(content.encode()) > MAX_CONTENT_BYTES:
        raise InputError(f"document {document.name} has {len(content.encode())} bytes; the most is {MAX_CONTENT_BYTES}")
    return content


def script_lines(script: str) -> list[str]:
    """A script without its comments, empty lines and indentation, and without the line that reads the prefix."""
    lines = (line.strip() for line in script.splitlines())
    return [line for line in lines if line and not line.startswith("#") and not re.match(r"\. .*/common\.sh", line)]


def document_hash(content: str) -> str:
    """The SHA-256 of a document, as SendCommand compares it: lower-case hexadecimal."""
    return hashlib.sha256(content.encode()).hexdigest()


def _schema(document: ShippedDocument, lines: Sequence[str]) -> dict[str, Any]:
    return {
        "schemaVersion": "2.2",
        "description": f"certwright.aws: {document.description}",
        "parameters": {
            "payload": {
                "type": "String",
                "description": "The records of many nodes, encoded by the collection certwright.aws.",
                "allowedPattern": payload.ALLOWED_PATTERN,
            },
            "executionTimeout": {
                "type": "String",
                "description": "The time in seconds after which the script is ended.",
                "default": "900",
                "allowedPattern": "^[1-9][0-9]{0,5}$",
            },
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "run",
                "precondition": {"StringEquals": ["platformType", "Linux"]},
                "inputs": {"timeoutSeconds": "{{ executionTimeout }}", "runCommand": list(lines)},
            }
        ],
    }
