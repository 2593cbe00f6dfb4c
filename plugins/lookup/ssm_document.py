# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ssm_document
short_description: The Systems Manager documents of this collection
version_added: 0.1.0
description:
  - Returns the content of the Run Command documents that come with this collection, and the SHA-256 of each.
  - M(certwright.aws.ssm_document) writes the content to an account. The modules that run a document on nodes take the
    hash, so that a document that was changed in the account is not run.
  - The content is made of the scripts in this collection on the controller; nothing is asked of AWS.
options:
  _terms:
    description:
      - The names of the documents, C(Certwright-StageKey), C(Certwright-InstallCertificate),
        C(Certwright-ReadCertificate) and C(Certwright-RemoveCertificate).
      - Without a name, all of them are returned.
    type: list
    elements: string
author:
  - certwright.aws contributors (@certwright)
seealso:
  - module: certwright.aws.ssm_document
  - module: certwright.aws.ssm_csr
  - module: certwright.aws.ssm_certificate
"""

EXAMPLES = r"""
- name: Write all documents to the account
  certwright.aws.ssm_document:
    name: "{{ item.name }}"
    content: "{{ item.content }}"
  loop: "{{ query('certwright.aws.ssm_document') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Show the hash that a document must have
  ansible.builtin.debug:
    msg: "{{ lookup('certwright.aws.ssm_document', 'Certwright-StageKey').hash }}"
"""

RETURN = r"""
_raw:
  description: The documents, in the order of the names.
  type: list
  elements: dict
  contains:
    name:
      description: The name of the document.
      type: str
      sample: Certwright-StageKey
    content:
      description: The content in JSON.
      type: str
      sample: '{"schemaVersion": "2.2", ...}'
    hash:
      description: SHA-256 of the content, in hexadecimal, as Systems Manager compares it.
      type: str
      sample: 9b74c9897bac770ffc029102a200c5de8f5d6c0a1e0b3a4cbb3f6e31fd2a7f10
"""

from functools import cache
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.ssm.documents import (
    PREFIX_SCRIPT,
    SHIPPED,
    document_hash,
    render,
)

SCRIPTS = Path(__file__).resolve().parents[2] / "roles" / "certificate_platform" / "files" / "documents"


@cache
def shipped_document(name: str) -> dict[str, str]:
    """Name, content and hash of a document.

    :raises AnsibleLookupError: there is none of that name, or its script cannot be read
    """
    if name not in SHIPPED:
        raise AnsibleLookupError(f"this collection has no document {name!r}; it has {', '.join(SHIPPED)}")
    document = SHIPPED[name]
    try:
        content = render(document, (SCRIPTS / PREFIX_SCRIPT).read_text(), (SCRIPTS / document.script).read_text())
    except (InputError, OSError) as error:
        raise AnsibleLookupError(f"document {name}: {error}") from error
    return {"name": name, "content": content, "hash": document_hash(content)}


class LookupModule(LookupBase):
    """The lookup plugin."""

    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[dict[str, str]]:
        """Return the documents that are named, or all."""
        self.set_options(var_options=variables, direct=kwargs)
        return [dict(shipped_document(str(name))) for name in terms or SHIPPED]
