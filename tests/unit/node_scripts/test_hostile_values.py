# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a user may set arrives on the node as it is, and nothing of it is taken for a command."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from cryptography import x509
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.host import orders
from ansible_collections.certwright.aws.plugins.module_utils.host.settings import RecordSettings
from tests import pki
from tests.script_node import LIMITS, NODE_ID, ScriptNode, issue, record, visible

AUTHORITY = pki.authority()
# What would leave a file in the working folder if it ran.
INJECTIONS = [
    "$(touch {})",
    "`touch {}`",
    "; touch {};",
    "' touch {} '",
    '"; touch {}; "',
    "${{x:-`touch {}`}}",
    "| touch {} #",
]
HOSTILE = " '\"\\$`;&|<>(){}[]*?!~#%=:,@^-+.\u00fc\u20ac\U0001f511aZ9_"
RUNS = settings(max_examples=8, deadline=None)


def hostile(max_size: int) -> st.SearchStrategy[str]:
    """Text of characters that mean something to a shell, openssl or the payload, injections among them."""
    injections = st.sampled_from(INJECTIONS).map(lambda text: text.format("canary"))
    return st.one_of(injections, st.text(HOSTILE, min_size=1, max_size=max_size))


def checked(**values: Any) -> RecordSettings:
    """A record, if its values are allowed at all."""
    try:
        return record(**values)
    except InputError:
        assume(False)
        raise


def names_of(request: x509.CertificateSigningRequest) -> list[tuple[str, str]]:
    return [(attribute.rfc4514_attribute_name, str(attribute.value)) for attribute in request.subject]


@given(data=st.data())
@RUNS
def test_subjects_arrive_in_the_csr(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    node = ScriptNode(tmp_path_factory.mktemp("node"))
    records = []
    for number in range(4):
        subject = {part: data.draw(hostile(20)).strip() for part in ("organization", "organizational_unit", "locality")}
        name = data.draw(hostile(20)).strip()
        records.append(checked(host_id=f"{NODE_ID}#{number}", common_name=name, subject=subject))
    run = node.run("Certwright-StageKey", *(orders.stage(each, None, LIMITS) for each in records))
    assert run.exit_code == 0, run
    for each in records:
        request = x509.load_der_x509_csr(run.reports[each.host_id].data["csr"])
        parts = {"L": "locality", "O": "organization", "OU": "organizational_unit"}
        wanted = [(short, each.subject[part]) for short, part in parts.items() if part in each.subject]
        assert names_of(request) == [*wanted, ("CN", each.common_name)]
    assert node.is_untouched


@given(uri=st.text("".join(map(chr, range(0x21, 0x7F))), min_size=1, max_size=40), user=hostile(10))
@RUNS
def test_alternative_names_arrive_in_the_csr(tmp_path_factory: pytest.TempPathFactory, uri: str, user: str) -> None:
    node = ScriptNode(tmp_path_factory.mktemp("node"))
    each = checked(subject_alt_names=[f"URI:x:{uri}", f"email:{user}@a.example", "DNS:*.a.example"])
    request = x509.load_der_x509_csr(node.stage(each).report.data["csr"])
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"x:{uri}"]
    assert names.get_values_for_type(x509.RFC822Name) == [f"{user}@a.example"]
    assert node.is_untouched


@given(data=st.data())
@RUNS
def test_paths_are_taken_as_they_are(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    node = ScriptNode(tmp_path_factory.mktemp("node"))
    paths = {
        option: "/" + data.draw(hostile(12)).replace("/", "x")
        for option in ("state_dir", "cert_path", "key_path", "cacert_path", "csr_path")
    }
    each = checked(host_id=f"{NODE_ID}#{data.draw(st.sampled_from(['a', 'a.b-c_d']))}", **paths)
    issued = issue(AUTHORITY, node.stage(each).report.data["csr"])
    assert node.install(each, issued).report.action == "installed"
    assert visible(node, each) == issued.certificate.serial
    assert node.read(each).report.words["linked"] == "yes"
    assert node.remove(each).report.action == "removed"
    assert [path for path in node.root.rglob("*") if not path.is_dir()] == []
    assert node.is_untouched


@given(text=hostile(40))
@RUNS
def test_commands_get_their_text_as_it_is(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("node")
    node = ScriptNode(folder)
    each = checked(reload_command=f"printf %s {shlex.quote(text)} >{folder}/said")
    issued = issue(AUTHORITY, node.stage(each).report.data["csr"])
    assert node.install(each, issued).report.action == "installed"
    assert (folder / "said").read_text() == text
    assert node.is_untouched


@given(owner=hostile(12), group=hostile(12))
@RUNS
def test_owners_are_refused_or_looked_up_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, owner: str, group: str
) -> None:
    node = ScriptNode(tmp_path_factory.mktemp("node"))
    for option, value in (("owner", owner), ("group", group)):
        try:
            each = record(**{option: value})
        except InputError:
            continue
        report = node.stage(each).report
        assert report.action == "staged" or value in report.message
    assert node.is_untouched
