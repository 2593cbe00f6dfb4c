# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What openssl says of the files on a node, independently of the collection's own code."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

DEFAULT_STATE_DIR = "/etc/pki/certwright"


@dataclass(frozen=True)
class Installed:
    """One record's files on its node. ``chain`` is ``verified`` or openssl's complaint."""

    host_id: str
    key_algorithm: str
    subject: str
    issuer: str
    serial: str
    expires: str
    key_matches: bool
    key_mode: str
    chain: str
    pem: str

    def row(self) -> list[str]:
        key = f"{self.key_algorithm} {'matches' if self.key_matches else 'DOES NOT MATCH'}"
        return [self.host_id, self.subject, self.issuer, self.serial, self.expires, key, self.key_mode, self.chain]

    def as_report(self) -> dict[str, Any]:
        return asdict(self)


def openssl(*arguments: str | Path) -> str:
    """Run openssl and return what it printed, on either stream."""
    run = subprocess.run(
        ["openssl", *map(str, arguments)], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    return (run.stdout + run.stderr).strip()


def within(root: Path, path: str) -> Path:
    """Resolve a path of a node from outside it: its links are absolute on the node, so relative to ``root``."""
    found = root
    for part in Path(path).parts[1:]:
        found = found / part
        for _hop in range(8):
            if not found.is_symlink():
                break
            target = Path(os.readlink(found))
            if target.is_absolute():
                inside = str(target).removeprefix(str(root))
                found = within(root, inside)
            else:
                found = found.parent / target
    return found


def inspect(root: Path, record: Mapping[str, Any]) -> Installed:
    """Look at a record's files under their user-visible names.

    :param root: the node's root folder, seen from outside
    :param record: the record as it was registered
    """
    host_id = record["host_id"]
    default = f"{DEFAULT_STATE_DIR}/{host_id}"
    certificate = within(root, f"{record.get('cert_path', default)}/{host_id}.crt")
    key = within(root, f"{record.get('key_path', default)}/{host_id}.key")
    chain = within(root, f"{record.get('cacert_path', default)}/ca_chain_certificate.crt")
    fields = dict(
        line.split("=", 1)
        for line in openssl(
            "x509", "-in", certificate, "-noout", "-subject", "-issuer", "-serial", "-enddate", "-nameopt", "RFC2253",
        ).splitlines()
        if "=" in line
    )  # fmt: skip
    public_key = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    verified = openssl("verify", "-CAfile", chain, certificate)
    return Installed(
        host_id=host_id,
        key_algorithm=record.get("key_algorithm", "RSA_2048"),
        subject=fields.get("subject", ""),
        issuer=fields.get("issuer", ""),
        serial=fields.get("serial", ""),
        expires=fields.get("notAfter", "").removesuffix(" GMT"),
        key_matches=bool(public_key) and public_key == openssl("pkey", "-in", key, "-pubout"),
        key_mode=oct(stat.S_IMODE(key.stat().st_mode))[2:].zfill(4) if key.exists() else "missing",
        chain="verified" if verified.endswith(": OK") else verified,
        pem=certificate.read_text() if certificate.exists() else "",
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a plain-text table."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
                     for line in lines)  # fmt: skip
