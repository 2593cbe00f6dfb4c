# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import re

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.host import payload
from ansible_collections.certwright.aws.plugins.module_utils.ssm import documents
from tests.script_node import SCRIPTS

PREFIX = (SCRIPTS / documents.PREFIX_SCRIPT).read_text()


def script_of(document: documents.ShippedDocument) -> str:
    return (SCRIPTS / document.script).read_text()


@pytest.mark.parametrize("document", documents.SHIPPED.values(), ids=documents.SHIPPED)
def test_fields_of_the_payload_are_those_that_the_script_reads(document: documents.ShippedDocument) -> None:
    common = re.search(r"^settings\(\) \{\n(.*?)\n  home=", PREFIX, re.MULTILINE | re.DOTALL)
    own = re.search(r"^  shift 11\n(.*?)\n  (version=|need_tools)", script_of(document), re.MULTILINE | re.DOTALL)
    text = (common[1] if common else "") + (own[1] if own else "")
    assert tuple(re.findall(r"(\w+)=\$\{?\d+\}?", text)) == tuple(document.fields)
    assert len(payload.COMMON_FIELDS) == 11


@pytest.mark.parametrize("document", documents.SHIPPED.values(), ids=documents.SHIPPED)
def test_rendered_document(document: documents.ShippedDocument) -> None:
    content = documents.render(document, PREFIX, script_of(document))
    assert content == documents.render(document, PREFIX, script_of(document))
    parsed = json.loads(content)
    (step,) = parsed["mainSteps"]
    lines = step["inputs"]["runCommand"]
    assert lines[0] == "CERTWRIGHT_PAYLOAD='{{ payload }}'"
    assert lines[-1] == "main"
    assert not any(line.startswith("#") or "common.sh" in line for line in lines)
    assert parsed["parameters"]["payload"]["allowedPattern"] == payload.ALLOWED_PATTERN


def test_hash_is_that_of_the_content() -> None:
    assert documents.document_hash("{}") == hashlib.sha256(b"{}").hexdigest()


def test_what_systems_manager_would_replace_is_refused() -> None:
    document = documents.SHIPPED["Certwright-StageKey"]
    with pytest.raises(InputError, match="takes for a parameter"):
        documents.render(document, PREFIX, "echo {{ payload }}")


def test_too_long_a_script_is_refused() -> None:
    document = documents.SHIPPED["Certwright-StageKey"]
    with pytest.raises(InputError, match="the most is"):
        documents.render(document, PREFIX, "echo x\n" * 4096)
