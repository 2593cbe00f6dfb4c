# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.certwright.aws.plugins.module_utils.host import orders
from tests import pki
from tests.script_node import LIMITS, NODE_ID, ScriptNode, issue, record


def test_read_tells_what_is_installed(node: ScriptNode, authority: pki.Entity) -> None:
    settings = record(mode="0440")
    issued = issue(authority, node.stage(settings).report.data["csr"])
    node.install(settings, issued)
    node.stage(settings)
    report = node.read(settings).report
    assert report.words == {
        "key": "matches",
        "linked": "yes",
        "verified": "yes",
        "staged": "yes",
        "current": issued.certificate.serial,
    }
    assert report.data["key_owner"].split() == [b"-r--r-----", b"root", b"root"]
    assert report.data["certificate"] in orders.install(settings, issued, LIMITS).values[12]


def test_read_where_nothing_is(node: ScriptNode) -> None:
    report = node.read(record()).report
    assert report.words == {"key": "missing", "linked": "no", "staged": "no"}
    assert report.data == {}
    assert list(node.root.iterdir()) == []


def test_read_finds_files_of_the_aws_sample(node: ScriptNode, authority: pki.Entity) -> None:
    held, folder = authority.issue("sample"), node.path("/srv/tls")
    folder.mkdir(parents=True)
    (folder / f"{NODE_ID}.crt").write_text(held.pem)
    (folder / f"{NODE_ID}.key").write_text(pki.authority().key_pem)
    (folder / "ca_chain_certificate.crt").write_text(pki.authority().pem)
    words = node.read(record()).report.words
    assert (words["key"], words["verified"], words["linked"]) == ("differs", "no", "no")
    (folder / f"{NODE_ID}.crt").write_text("no certificate")
    assert node.read(record()).report.words["reason"] == "certificate_invalid"


def test_remove_takes_what_was_installed_and_no_more(node: ScriptNode, authority: pki.Entity) -> None:
    settings, other = record(), record(host_id=f"{NODE_ID}#web", csr_path="/srv/csr")
    for each in (other, settings):
        node.install(each, issue(authority, node.stage(each).report.data["csr"]))
    foreign = node.path(f"/srv/tls/{NODE_ID}.csr")
    foreign.unlink()
    foreign.write_text("someone else's")
    dry = orders.remove(settings, LIMITS, dry_run=True)
    assert node.run("Certwright-RemoveCertificate", dry).report.action == "removed"
    assert node.home(settings).exists()
    assert node.remove(settings).report.action == "removed"
    assert not node.home(settings).exists()
    left = {f"{NODE_ID}.csr", f"{NODE_ID}#web.crt", f"{NODE_ID}#web.key"}
    assert {path.name for path in node.path("/srv/tls").iterdir()} == left
    assert node.remove(settings).report.action == "kept"
    assert node.read(other).report.words["key"] == "matches"
