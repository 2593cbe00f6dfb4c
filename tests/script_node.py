# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node for tests of the scripts alone: a folder, and the documents run in it as the agent would run them."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from ansible_collections.certwright.aws.plugins.module_utils.host import orders
from ansible_collections.certwright.aws.plugins.module_utils.host.payload import NodeRecord, encode
from ansible_collections.certwright.aws.plugins.module_utils.host.report import Report, parse
from ansible_collections.certwright.aws.plugins.module_utils.host.settings import RecordSettings, validated
from ansible_collections.certwright.aws.plugins.module_utils.ssm import documents
from ansible_collections.certwright.aws.plugins.module_utils.x509 import parse_certificate, parse_signing_request
from tests.pki import Entity

SCRIPTS = Path(__file__).resolve().parents[1] / "roles" / "certificate_platform" / "files" / "documents"
NODE_ID = "i-0123456789abcdef0"
LIMITS = orders.Limits(command_timeout=5, endpoint_timeout=1)

# Makes bash count its commands, also those of subshells, and kill its process group before one of them.
COUNTING = r"""
set -o functrace
trap 'echo >>"$COUNT"; mapfile -t ran <"$COUNT"; [ "${#ran[@]}" -ne "$KILL_BEFORE" ] || kill -KILL 0' DEBUG
"""


def document_script(name: str) -> str:
    """The script of a document as Systems Manager keeps it, with its parameter still in it."""
    shipped = documents.SHIPPED[name]
    content = documents.render(shipped, (SCRIPTS / "common.sh").read_text(), (SCRIPTS / shipped.script).read_text())
    return "\n".join(json.loads(content)["mainSteps"][0]["inputs"]["runCommand"]) + "\n"


@dataclass(frozen=True)
class Run:
    """How a document ended on a node; ``exit_code`` is negative when a signal ended it."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def reports(self) -> Mapping[str, Report]:
        return parse(self.stdout)

    @property
    def report(self) -> Report:
        """The only report."""
        (report,) = list(self.reports.values())
        return report


class ScriptNode:
    """A node whose files lie below ``folder/root``; programs of a test may stand before the machine's in ``program_path``."""

    def __init__(self, folder: Path, node_id: str = NODE_ID) -> None:
        self.root = folder / "root"
        self.root.mkdir(exist_ok=True)
        self.node_id = node_id
        self.program_path = os.environ["PATH"]
        self.count_file = folder / "count"
        self._programs = folder / "programs"
        self._working_folder = folder / "working"
        self._working_folder.mkdir(exist_ok=True)

    def run(self, document: str, *records: NodeRecord, shell: str = "sh", kill_before: int | None = None) -> Run:
        """Run a document for the records, whichever of them are this node's.

        :param kill_before: the number of the command before which the script is killed; 0 only counts them
        """
        script = document_script(document).replace("{{ payload }}", encode(records))
        environment = {
            "PATH": self.program_path,
            "AWS_SSM_INSTANCE_ID": self.node_id,
            "CERTWRIGHT_ROOT": str(self.root),
        }
        if kill_before is not None:
            self.count_file.write_text("")
            environment |= {"COUNT": str(self.count_file), "KILL_BEFORE": str(kill_before)}
            shell, script = "bash", COUNTING + script
        process = subprocess.run(
            [shell, "-c", script],
            cwd=self._working_folder,
            env=environment,
            capture_output=True,
            check=False,
            start_new_session=True,
            timeout=60,
        )
        return Run(process.returncode, process.stdout.decode(), process.stderr.decode())

    @property
    def commands_run(self) -> int:
        """How many commands the last run with ``kill_before`` had."""
        return len(self.count_file.read_text())

    def stage(self, record: RecordSettings, pending: str | None = None, **how: Any) -> Run:
        return self.run("Certwright-StageKey", orders.stage(record, pending, LIMITS), **how)

    def install(self, record: RecordSettings, issued: orders.ChainedCertificate, **how: Any) -> Run:
        return self.run("Certwright-InstallCertificate", orders.install(record, issued, LIMITS), **how)

    def read(self, record: RecordSettings) -> Run:
        return self.run("Certwright-ReadCertificate", orders.read(record, LIMITS))

    def remove(self, record: RecordSettings) -> Run:
        return self.run("Certwright-RemoveCertificate", orders.remove(record, LIMITS))

    def put_program(self, name: str, script: str) -> None:
        """Put a shell script before the machine's program of that name."""
        program = self._programs / name
        self._programs.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        self.program_path = f"{self._programs}:{os.environ['PATH']}"

    def remove_program(self, name: str) -> None:
        """Take back what :meth:`put_program` put."""
        (self._programs / name).unlink()

    def hide_program(self, name: str) -> None:
        """Let the node have all the machine's programs but one."""
        self._programs.mkdir()
        for folder in reversed(os.environ["PATH"].split(":")):
            for program in Path(folder).glob("*") if folder else []:
                if program.name != name:
                    link = self._programs / program.name
                    link.unlink(missing_ok=True)
                    link.symlink_to(program)
        self.program_path = str(self._programs)

    @contextlib.contextmanager
    def lock_held(self, record: RecordSettings) -> Iterator[None]:
        """Hold the lock of a record that was staged, as another run would."""
        with (self.home(record) / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was left in the folder in which the scripts run."""
        return not list(self._working_folder.iterdir())

    def path(self, path: str) -> Path:
        """Where an absolute path of the node lies."""
        return self.root / path.lstrip("/")

    def home(self, record: RecordSettings) -> Path:
        """The folder of a record below its state directory."""
        return self.path(record.state_dir) / record.host_id


def record(**settings: Any) -> RecordSettings:
    """A record with an EC key, which is made quickly, at paths like those of the AWS sample."""
    paths = dict.fromkeys(("cert_path", "key_path", "cacert_path"), "/srv/tls")
    return validated({"host_id": NODE_ID, "key_algorithm": "EC_prime256v1", **paths, **settings})


def issue(authority: Entity, csr: bytes, *intermediates: Entity, **settings: Any) -> orders.ChainedCertificate:
    """Have a certificate issued for a CSR in DER, by the last of ``intermediates`` or by ``authority``."""
    request = x509.load_der_x509_csr(csr)
    assert request.is_signature_valid
    holder = SimpleNamespace(public_key=request.public_key)
    issuer = [authority, *intermediates][-1]
    leaf = issuer.issue("leaf", key=holder, **settings)
    chain = [*reversed(intermediates), authority]
    return orders.ChainedCertificate.parse(leaf.pem, "".join(entity.pem for entity in chain))


def visible(node: ScriptNode, settings: RecordSettings) -> str:
    """The serial number of the certificate that users see, once key, certificate and CSR are seen to fit each other."""
    folder, host_id = node.path(settings.cert_path), settings.host_id
    certificate = parse_certificate((folder / f"{host_id}.crt").read_text())
    key = load_pem_private_key((node.path(settings.key_path) / f"{host_id}.key").read_bytes(), None)
    public_key = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    request = parse_signing_request((node.path(settings.csr_path) / f"{host_id}.csr").read_text())
    assert certificate.public_key_sha256 == request.public_key_sha256 == hashlib.sha256(public_key).hexdigest()
    return certificate.serial
