# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nobody else is let in: not by a node that lies, not by a document that somebody changed."""

from __future__ import annotations

import json

from .account import shipped_documents
from .fleet import Fleet
from .node_faults import PROGRAMS, openssl_program, program

OTHER_NAME = "admin.example"
STAGE = "Certwright-StageKey"
# Has the CSR made for another name than the one that was asked for.
OTHER_CSR = f"""[ "$1 $2" != "req -new" ] || for word; do
  case $word in */request.cnf) sed -i 's/^CN = .*/CN = {OTHER_NAME}/' "$word" ;; esac
done"""


def test_a_node_that_asks_for_another_name(fleet: Fleet) -> None:
    liar, honest = fleet.add(0, 1)
    with program(fleet.account.node_root(liar) / PROGRAMS / "openssl", openssl_program(OTHER_CSR)):
        ended = fleet.run()
    assert fleet.account.issued()[OTHER_NAME] == 0
    assert OTHER_NAME in ended.reason_of(liar)
    assert not ended.reason_of(honest)
    fleet.account.on_node(liar.partition("#")[0], f'rm -r "$CERTWRIGHT_ROOT/etc/pki/certwright/{liar}/staged"')
    fleet.check_rotated(fleet.run_again())
    fleet.tally.faults.add("a node that asks for another name")


def test_a_document_that_was_changed_is_not_run(fleet: Fleet) -> None:
    """Not even where whoever changed it made the change the default version."""
    (host_id,) = fleet.add(0)
    content = json.loads(shipped_documents()[STAGE])
    content["mainSteps"][0]["inputs"]["runCommand"].insert(0, "touch /run/owned")
    changed = fleet.account.ssm.update_document(
        Name=STAGE, Content=json.dumps(content), DocumentFormat="JSON", TargetType="/", DocumentVersion="$LATEST"
    )["DocumentDescription"]["DocumentVersion"]
    fleet.account.ssm.update_document_default_version(Name=STAGE, DocumentVersion=changed)
    ended = fleet.run()
    fleet.account.ssm.update_document_default_version(Name=STAGE, DocumentVersion="1")
    assert STAGE in ended.reason_of(host_id)
    assert not (fleet.account.node_root(host_id) / "run/owned").exists()
    fleet.check_rotated(fleet.run_again())
    fleet.tally.faults.add("a document that was changed in the account")
