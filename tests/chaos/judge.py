# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be so after a run that came to its end, whatever happened to those before it.

Looks at the nodes' files, at the CA's own list of what it issued, and at the host table. openssl judges the chains. What
the collection's modules say about themselves is not asked.
"""

from __future__ import annotations

import stat
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.demo.evidence import within

from .account import LOADED, Account, loading

STATE_DIR = "/etc/pki/certwright"
LEASE_ATTRIBUTES = ("leaseOwner", "leaseUntil")
PENDING_ATTRIBUTES = ("pendingCertificateArn", "pendingPublicKey")
KEPT_IN_HOME = {"current", "previous", "versions", "lock"}
KEPT_IN_VERSION = {
    "key.pem",
    "cert.pem",
    "chain.pem",
    "csr.pem",
    "fullchain.pem",
    "intermediates.pem",
    "root.pem",
    "request.sha256",
}


@dataclass(frozen=True)
class Finding:
    """Something that must not be.

    :param kind: ``broken``: files or table are not right; ``issued_twice``: more certificates than rotations that were
        due; ``lost``: a rotation that was due has not happened
    """

    kind: Literal["broken", "issued_twice", "lost"]
    host_id: str
    what: str


class Installed:
    """A record's files under the names that users see."""

    def __init__(self, root: Path, record: Mapping[str, Any]) -> None:
        self._host_id = record["host_id"]
        self.home = root / STATE_DIR.lstrip("/") / self._host_id
        default = f"{STATE_DIR}/{self._host_id}"
        certificates = record.get("cert_path", default)
        self.certificate = within(root, f"{certificates}/{self._host_id}.crt")
        self.key = within(root, f"{record.get('key_path', default)}/{self._host_id}.key")
        self.csr = within(root, f"{record.get('csr_path', certificates)}/{self._host_id}.csr")
        self.chain = within(root, f"{record.get('cacert_path', default)}/ca_chain_certificate.crt")

    @property
    def files(self) -> tuple[Path, ...]:
        return self.certificate, self.key, self.csr, self.chain

    @property
    def is_usable(self) -> bool:
        """Whether there are a key and a certificate. The links of a first version appear one after the other."""
        return self.certificate.exists() and self.key.exists()

    @cached_property
    def parsed(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.read_bytes())

    @property
    def serial(self) -> str:
        return f"{self.parsed.serial_number:X}" if self.certificate.exists() else ""

    def key_fits(self) -> bool:
        key = load_pem_private_key(self.key.read_bytes(), None)
        return key.public_key() == self.parsed.public_key()

    def mode(self) -> str:
        return f"{stat.S_IMODE(self.key.stat().st_mode):04o}"


def findings(account: Account, host_ids: Sequence[str], issued_before: Counter[str], due: int = 1) -> list[Finding]:
    """Judge records whose last run came to its end.

    :param issued_before: what the CA had issued before the rotation
    :param due: how many rotations were due since then
    """
    issued = account.issued()
    found = unusable(account, host_ids)
    for host_id in host_ids:
        name = account.common_names[host_id]
        count = issued[name] - issued_before[name]
        if count != due:
            kind: Literal["issued_twice", "lost"] = "issued_twice" if count > due else "lost"
            found.append(Finding(kind, host_id, f"{count} certificates for {due} rotations"))
        found += [Finding("broken", host_id, what) for what in _unfinished(account, host_id)]
    return found


def unusable(account: Account, host_ids: Sequence[str]) -> list[Finding]:
    """What is wrong with the files that users see, at any moment; nothing where there was no certificate yet."""
    all_installed = {host_id: installed(account, host_id) for host_id in host_ids}
    present = {host_id: found for host_id, found in all_installed.items() if found.is_usable}
    wrong = _unverified(present)
    for host_id, found in present.items():
        if not found.key_fits():
            wrong[host_id].append("the key does not fit the certificate")
    return [Finding("broken", host_id, what) for host_id, whats in wrong.items() for what in whats]


def installed(account: Account, host_id: str) -> Installed:
    return Installed(account.node_root(host_id), account.records[host_id])


def _unverified(all_installed: Mapping[str, Installed]) -> dict[str, list[str]]:
    """What openssl says of certificates that do not verify against their chains."""
    wrong: dict[str, list[str]] = defaultdict(list)
    by_chain: dict[bytes, list[tuple[str, Installed]]] = defaultdict(list)
    for host_id, found in all_installed.items():
        if found.chain.is_file() and found.certificate.is_file():
            by_chain[found.chain.read_bytes()].append((host_id, found))
    for together in by_chain.values():
        paths = [str(found.certificate) for _host_id, found in together]
        command = ["openssl", "verify", "-CAfile", str(together[0][1].chain), *paths]
        said = subprocess.run(command, check=False, capture_output=True, text=True).stdout
        for host_id, found in together:
            if f"{found.certificate}: OK" not in said:
                wrong[host_id].append(f"the chain does not verify: {said}")
    return wrong


def _unfinished(account: Account, host_id: str) -> Iterator[str]:
    found = installed(account, host_id)
    if missing := [path.name for path in found.files if not path.is_file()]:
        yield f"there is no {', '.join(missing)}"
        return
    wanted_mode = account.records[host_id].get("mode", "0400")
    if found.mode() != wanted_mode:
        yield f"the key's mode is {found.mode()}"
    if len({path.parent for path in found.files}) != 1:
        yield f"the paths are of different versions: {', '.join(map(str, found.files))}"
    yield from _not_loaded(account, host_id, found)
    yield from _leftovers(found.home)
    yield from _other_in_table(account.row(host_id), found.serial)


def _not_loaded(account: Account, host_id: str, found: Installed) -> Iterator[str]:
    """The reload command must have run with the certificate that is in use."""
    if account.records[host_id].get("reload_command") == loading(host_id):
        loaded = account.node_root(host_id) / LOADED / host_id
        if not loaded.is_file() or loaded.read_bytes() != found.certificate.read_bytes():
            yield "the service has not loaded the certificate"


def _other_in_table(row: Mapping[str, Any], serial: str) -> Iterator[str]:
    if row.get("serial") != serial:
        yield f"the table has the serial {row.get('serial')}, the node {serial}"
    if row.get("status") != "DEPLOYED":
        yield f"the table says {row.get('status')}: {row.get('lastError')}"
    for name in (*LEASE_ATTRIBUTES, *PENDING_ATTRIBUTES):
        if name in row:
            yield f"the table still has {name}"


def _leftovers(home: Path) -> Iterator[str]:
    """Whatever a run that came to its end must not leave in a record's folder."""
    links = {f"{home.name}.{suffix}" for suffix in ("crt", "key", "csr")} | {"ca_chain_certificate.crt"}
    if extra := {path.name for path in home.iterdir()} - KEPT_IN_HOME - links:
        yield f"left over: {', '.join(sorted(extra))}"
    versions = list((home / "versions").iterdir())
    if len(versions) > 2:
        yield f"{len(versions)} versions are kept"
    for version in versions:
        if extra := {path.name for path in version.iterdir()} - KEPT_IN_VERSION:
            yield f"left over in {version.name}: {', '.join(sorted(extra))}"
