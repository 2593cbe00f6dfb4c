#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_document
short_description: Keep Systems Manager documents for Run Command
version_added: 0.1.0
description:
  - Writes a Run Command document to the account, as a new version when its content changes, and makes that version the
    default one, which runs.
  - Earlier versions are kept. Going back to the content of one makes it the default again.
  - The documents of this collection come from the lookup plugin P(certwright.aws.ssm_document#lookup).
options:
  name:
    description:
      - The name of the document, 3 to 128 letters, digits and C(_.-).
      - AWS keeps names that begin with C(aws), C(amazon) or C(amzn) to itself.
    type: str
    required: true
  state:
    description:
      - V(present) creates the document or changes it.
      - V(absent) deletes it with all its versions.
    type: str
    choices: [present, absent]
    default: present
  content:
    description:
      - The document in JSON. It is compared by its SHA-256, so that blanks count.
      - Required with O(state=present).
    type: str
  wait_timeout:
    description: How many seconds to wait for AWS to make a new version usable.
    type: int
    default: 60
author:
  - certwright.aws contributors (@certwright)
seealso:
  - plugin: certwright.aws.ssm_document
    plugin_type: lookup
extends_documentation_fragment:
  - certwright.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - amazon.aws.tags
"""

EXAMPLES = r"""
- name: Write the documents of this collection to the account
  certwright.aws.ssm_document:
    name: "{{ item.name }}"
    content: "{{ item.content }}"
    tags:
      team: platform
  loop: "{{ query('certwright.aws.ssm_document') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Remove a document
  certwright.aws.ssm_document:
    name: Certwright-StageKey
    state: absent
"""

RETURN = r"""
document:
  description: The document as it is now, or would be in check mode; what it was, after it was deleted.
  returned: when there is or was one
  type: dict
  contains:
    name:
      description: The name.
      returned: always
      type: str
      sample: Certwright-StageKey
    hash:
      description: SHA-256 of the content of the default version, in hexadecimal.
      returned: always
      type: str
      sample: 9b74c9897bac770ffc029102a200c5de8f5d6c0a1e0b3a4cbb3f6e31fd2a7f10
    default_version:
      description: The version that runs.
      returned: always
      type: str
      sample: "3"
    latest_version:
      description: The newest version.
      returned: always
      type: str
      sample: "3"
    tags:
      description: The tags.
      returned: always
      type: dict
      sample: {"team": "platform"}
"""

from typing import Any

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.ssm import api
from ansible_collections.certwright.aws.plugins.module_utils.ssm.flows import (
    Document,
    ensure_document,
    ensure_no_document,
)

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "content": {"type": "str"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 60},
}


def shown(ssm: Any, document: Document | None, content: str | None = None) -> dict[str, Any]:
    """A document in the diff; its content is what it is to be, or is asked of AWS."""
    if document is None:
        return {}
    content = content or api.get_document(ssm, document.name, document.version)
    return {"name": document.name, "content": content, "tags": dict(document.tags)}


def do(module: CertwrightModule) -> None:
    """Write or delete the document and say what changed."""
    ssm = module.client("ssm")
    name, content = module.params["name"], module.params["content"]
    if module.params["state"] == "absent":
        before = ensure_no_document(ssm, name, check_mode=True)
        diff = {"before": shown(ssm, before), "after": {}}
        ensure_no_document(ssm, name, check_mode=module.check_mode)
        module.exit_json(changed=before is not None, diff=diff, **({"document": before.as_result()} if before else {}))
    before, after = ensure_document(
        ssm,
        name,
        content,
        tags=module.params["tags"],
        purge_tags=module.params["purge_tags"],
        wait_timeout=module.params["wait_timeout"],
        check_mode=module.check_mode,
    )
    changed = before != after
    diff = {"before": shown(ssm, before), "after": shown(ssm, after, content)} if changed else {}
    module.exit_json(changed=changed, document=after.as_result(), diff=diff)


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_if=[("state", "present", ["content"])],
        requires_cryptography=False,
    )


if __name__ == "__main__":
    main()
