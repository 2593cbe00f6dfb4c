# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ssm_document
short_description: The Systems Manager documents of this collection
version_added: 0.1.0
description:
  - Returns the name, the content and the hash of the documents that run on the nodes, as they come with the collection.
  - The content is what M(certwright.aws.ssm_document) creates; the hash is what the modules that send commands have
    Systems Manager compare, so that a document that was changed in the account is not run.
options:
  _terms:
    description: The names of the documents, for example V(Certwright-StageKey). Without any, all are returned.
    type: list
    elements: string
author:
  - certwright.aws contributors (@certwright)
"""

EXAMPLES = r"""
- name: Create all documents
  certwright.aws.ssm_document:
    name: "{{ item.name }}"
    content: "{{ item.content }}"
  loop: "{{ query('certwright.aws.ssm_document') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Show the hash of one
  ansible.builtin.debug:
    msg: "{{ lookup('certwright.aws.ssm_document', 'Certwright-StageKey').hash }}"
"""

RETURN = r"""
_raw:
  description: The documents, in the order of their names given.
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      sample: Certwright-StageKey
    content:
      description: The document, JSON text.
      type: str
      sample: '{"schemaVersion": "2.2"}'
    hash:
      description: The SHA-256 of the content.
      type: str
      sample: 9b74c9897bac770ffc029102a200c5de8f5d6c0a1e0b3a4cbb3f6e31fd2a7f10
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.certwright.aws.plugins.module_utils.ssm.documents import (
    PREFIX_SCRIPT,
    SHIPPED,
    document_hash,
    render,
)

SCRIPTS = Path(__file__).resolve().parents[2] / "roles" / "certificate_platform" / "files" / "documents"


class LookupModule(LookupBase):
    """Reads the scripts where the collection is installed."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, str]]:
        """Return the documents named, or all.

        :raises AnsibleLookupError: there is no document of a name
        """
        self.set_options(var_options=variables, direct=kwargs)
        unknown = sorted(set(terms) - set(SHIPPED))
        if unknown:
            raise AnsibleLookupError(f"no such document: {', '.join(unknown)}; there are: {', '.join(SHIPPED)}")
        return [self._document(name) for name in terms or SHIPPED]

    def _document(self, name: str) -> dict[str, str]:
        document = SHIPPED[name]
        content = render(document, self._script(PREFIX_SCRIPT), self._script(document.script))
        return {"name": name, "content": content, "hash": document_hash(content)}

    def _script(self, name: str) -> str:
        return (SCRIPTS / name).read_text(encoding="utf-8")
