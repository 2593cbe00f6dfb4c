# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node that runs nothing: it answers the collection's documents at once, so that ten thousand fit into a benchmark.

All simulated nodes have the same key. A CSR has the subject's common name alone; keys and files are not simulated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.certwright.aws.plugins.module_utils.host import payload, report

from .places import Finished

if TYPE_CHECKING:
    from .fleet import Node

FIELDS = {
    "Certwright-StageKey": payload.STAGE_FIELDS,
    "Certwright-InstallCertificate": payload.INSTALL_FIELDS,
}


def answer(node: Node, document_name: str, values: Mapping[str, Any]) -> Finished:
    """What a node prints where everything goes well."""
    fields = FIELDS.get(document_name)
    if fields is None:
        return Finished(1, "", f"a simulated node knows {', '.join(FIELDS)}, not {document_name}\n")
    records = _decoded(values["payload"], fields)
    mine = [record for record in records if str(record["host_id"]).partition("#")[0] == node.id]
    return Finished(0, "".join(_line(document_name, record) for record in mine), "")


def _line(document_name: str, record: Mapping[str, Any]) -> str:
    if document_name == "Certwright-StageKey":
        csr = _csr(_common_name(record["request"]) or record["host_id"])
        return report.render(record["host_id"], "staged", {}, {"csr": csr})
    return report.render(record["host_id"], "installed", {"serial": record["serial"]}, {})


def _common_name(request: str) -> str:
    found = re.search(r"(?:^|\x1f|\n)(?:CN|commonName)\s*=\s*([^\x1f\n]+)", request)
    return found[1] if found else ""


@lru_cache(maxsize=64)
def _decoded(text: str, fields: tuple[str, ...]) -> list[dict[str, payload.Value]]:
    """The records of a payload; the nodes of a command all get the same one."""
    return payload.decode(text, fields)


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _csr(common_name: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(_key(), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)
