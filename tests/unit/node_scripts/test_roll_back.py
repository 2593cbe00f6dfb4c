# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens when the service does not come up with a new certificate."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.host import orders
from ansible_collections.certwright.aws.plugins.module_utils.host.settings import RecordSettings
from ansible_collections.certwright.aws.plugins.module_utils.x509 import parse_signing_request
from tests import pki
from tests.script_node import NODE_ID, ScriptNode, issue, record, visible


@pytest.fixture
def settings(tmp_path: Path) -> RecordSettings:
    """A record whose reload fails while the file ``broken`` is there."""
    command = f'echo reloaded >>"{tmp_path}/reloads"; test ! -e "{tmp_path}/broken" || {{ echo bad luck >&2; exit 7; }}'
    return record(reload_command=command)


def install_new(node: ScriptNode, settings: RecordSettings, authority: pki.Entity) -> orders.ChainedCertificate:
    issued = issue(authority, node.stage(settings).report.data["csr"])
    assert node.install(settings, issued).report.action == "installed"
    return issued


def test_back_to_the_previous_version_and_forward_with_the_same_certificate(
    node: ScriptNode, settings: RecordSettings, authority: pki.Entity, tmp_path: Path
) -> None:
    live = install_new(node, settings, authority)
    (tmp_path / "broken").touch()
    csr = parse_signing_request(node.stage(settings).report.data["csr"])
    issued = issue(authority, csr.der)
    run = node.install(settings, issued)
    assert run.exit_code == 1
    assert (run.report.action, run.report.words["reason"]) == ("rolled_back", "reload_failed")
    bad = "the reload command failed: exit status 7: bad luck"
    assert run.report.message == f"{bad}; after rolling back, {bad}"
    assert visible(node, settings) == live.certificate.serial
    assert (tmp_path / "reloads").read_text() == "reloaded\n" * 3
    (tmp_path / "broken").unlink()
    assert parse_signing_request(node.stage(settings).report.data["csr"]) == csr
    assert node.install(settings, issued).report.action == "installed"
    assert visible(node, settings) == issued.certificate.serial


def test_reload_command_that_hangs(node: ScriptNode, settings: RecordSettings, authority: pki.Entity) -> None:
    live = install_new(node, settings, authority)
    hanging = record(reload_command="sleep 60")
    issued = issue(authority, node.stage(hanging).report.data["csr"])
    report = node.run(
        "Certwright-InstallCertificate", orders.install(hanging, issued, orders.Limits(command_timeout=1))
    ).report
    assert report.action == "rolled_back"
    assert report.message.startswith("the reload command failed: not ended after 1 s")
    assert visible(node, settings) == live.certificate.serial


def test_daemon_that_the_reload_command_leaves_holds_up_nothing(node: ScriptNode, authority: pki.Entity) -> None:
    settings = record(reload_command="sleep 3 & sleep 3 >&2 &")
    issued = install_new(node, settings, authority)
    assert node.install(settings, issued).report.action == "kept"


def test_without_a_previous_version_the_links_go(
    node: ScriptNode, settings: RecordSettings, authority: pki.Entity, tmp_path: Path
) -> None:
    (tmp_path / "broken").touch()
    issued = issue(authority, node.stage(settings).report.data["csr"])
    assert node.install(settings, issued).report.action == "rolled_back"
    assert list(node.path("/srv/tls").iterdir()) == []
    (tmp_path / "broken").unlink()
    assert node.install(settings, issued).report.action == "installed"


def test_files_of_the_aws_sample_come_back(
    node: ScriptNode, settings: RecordSettings, authority: pki.Entity, tmp_path: Path
) -> None:
    held = authority.issue("sample")
    folder = node.path("/srv/tls")
    folder.mkdir(parents=True)
    files = {f"{NODE_ID}.key": held.key_pem, f"{NODE_ID}.crt": held.pem, "ca_chain_certificate.crt": authority.pem}
    for name, text in files.items():
        (folder / name).write_text(text)
    (tmp_path / "broken").touch()
    issued = issue(authority, node.stage(settings).report.data["csr"])
    assert node.install(settings, issued).report.action == "rolled_back"
    assert {path.name: path.read_text() for path in folder.iterdir()} == files
    (tmp_path / "broken").unlink()
    assert node.install(settings, issued).report.action == "installed"
    assert visible(node, settings) == issued.certificate.serial
    assert os.readlink(node.home(settings) / "previous") == "versions/before"


def test_chain_of_another_record_stays_readable(
    node: ScriptNode, settings: RecordSettings, authority: pki.Entity, tmp_path: Path
) -> None:
    install_new(node, settings, authority)
    other = record(host_id=f"{NODE_ID}#other", reload_command=settings.reload_command)
    (tmp_path / "broken").touch()
    issued = issue(authority, node.stage(other).report.data["csr"])
    assert node.install(other, issued).report.action == "rolled_back"
    assert node.path("/srv/tls/ca_chain_certificate.crt").read_text() == authority.pem


@pytest.mark.parametrize("program", ["chmod", "chown", "ln", "mkdir", "mv", "fold"])
def test_program_that_fails_leaves_the_old_version(
    node: ScriptNode, settings: RecordSettings, authority: pki.Entity, program: str
) -> None:
    live = install_new(node, settings, authority)
    issued = issue(authority, node.stage(settings).report.data["csr"])
    node.put_program(program, "echo No space left on device >&2; exit 1")
    report = node.install(settings, issued).report
    assert report.failed
    assert visible(node, settings) == live.certificate.serial
    node.remove_program(program)
    assert node.install(settings, issued).report.action == "installed"
    assert visible(node, settings) == issued.certificate.serial


class TestEndpoint:
    """A TLS server that reads its files when it is told to."""

    def test_new_certificate_is_served(self, node: ScriptNode, authority: pki.Entity, tmp_path: Path) -> None:
        with server(node, tmp_path) as endpoint:
            settings = record(tls_endpoint=endpoint, reload_command=f"touch {tmp_path}/reload")
            first, second = (install_new(node, settings, authority) for _rotation in range(2))
            assert first != second
            assert node.install(settings, second).report.action == "kept"
            read = node.read(settings).report
            assert (read.words["served"], read.words["key"], read.words["verified"]) == ("installed", "matches", "yes")

    def test_old_certificate_is_still_served(self, node: ScriptNode, authority: pki.Entity, tmp_path: Path) -> None:
        with server(node, tmp_path) as endpoint:
            settings = record(tls_endpoint=endpoint, reload_command=f"touch {tmp_path}/reload")
            live = install_new(node, settings, authority)
            lazy = record(tls_endpoint=endpoint)
            issued = issue(authority, node.stage(lazy).report.data["csr"])
            report = node.install(lazy, issued).report
            assert (report.action, report.words["reason"]) == ("rolled_back", "endpoint_mismatch")
            assert report.message == f"after 1 s {endpoint} serves another certificate"
            assert visible(node, settings) == live.certificate.serial
            assert node.install(settings, issued).report.action == "installed"

    def test_nothing_answers(self, node: ScriptNode, authority: pki.Entity) -> None:
        settings = record(tls_endpoint="127.0.0.1:1")
        issued = issue(authority, node.stage(settings).report.data["csr"])
        assert node.install(settings, issued).report.message == "after 1 s 127.0.0.1:1 serves no certificate"


@contextmanager
def server(node: ScriptNode, tmp_path: Path) -> Iterator[str]:
    """Serve what is installed, read anew whenever there is a file ``reload``."""
    folder = node.path("/srv/tls")
    contexts: list[ssl.SSLContext] = []

    def loaded(connection: ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        if (tmp_path / "reload").exists() or not contexts:
            (tmp_path / "reload").unlink(missing_ok=True)
            contexts[:] = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)]
            contexts[0].load_cert_chain(folder / f"{NODE_ID}.crt", folder / f"{NODE_ID}.key")
        connection.context = contexts[0]

    spare = pki.authority()
    (tmp_path / "spare").write_text(spare.pem + spare.key_pem)
    front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    front.load_cert_chain(tmp_path / "spare")
    front.sni_callback = loaded
    listener = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    listener.handle_error = lambda *_connection: None  # type: ignore[method-assign]
    listener.socket = front.wrap_socket(listener.socket, server_side=True)
    threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.server_port}"
    finally:
        listener.shutdown()
        listener.server_close()
