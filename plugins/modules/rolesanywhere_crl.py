#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rolesanywhere_crl
short_description: Manage a certificate revocation list of IAM Roles Anywhere
version_added: 0.1.0
description:
  - Imports a certificate revocation list (CRL) for a trust anchor, puts a newer one in its place, enables, disables and deletes
    it. Certificates that an enabled CRL revokes are refused.
  - A trust anchor takes two CRLs, and AWS does not raise that. A CRL is imported once for each name and from then on changed in
    place, so that it never takes the place of the second.
  - The CRL has to be signed by a certificate authority of the trust anchor. It is refused otherwise, before anything is changed.
  - AWS takes 300,000 bytes of PEM, some 5,500 revoked certificates.
options:
  name:
    description:
      - The name of the CRL, by which it is found among those of its trust anchor.
      - Together with O(crl_arn), the name that it is to have.
      - Letters, digits, spaces, C(-) and C(_), at most 255.
    type: str
  trust_anchor_arn:
    description: ARN of the trust anchor that the CRL is for. Required with O(name), unless O(crl_arn) is given.
    type: str
  crl_arn:
    description: ARN of the CRL, to change or delete one that is not found by its name.
    type: str
  state:
    description: Whether the CRL is imported.
    type: str
    choices: [present, absent]
    default: present
  content:
    description:
      - The CRL in PEM, or the base64 of its DER form.
      - This or O(s3_bucket) is needed to import a CRL. Without either, the content is left as it is.
    type: str
  s3_bucket:
    description: The bucket into which AWS Private CA publishes the CRL, in DER.
    type: str
  s3_key:
    description: The key of the CRL in O(s3_bucket), for a private CA C(crl/<id of the CA>.crl).
    type: str
  revokes:
    description:
      - Serial numbers, in hexadecimal, of certificates that the CRL in O(s3_bucket) has to revoke. It is waited for until it does.
      - Private CA publishes a CRL about 30 minutes after a revocation.
    type: list
    elements: str
  wait_timeout:
    description: How many seconds to wait for O(revokes) before failing. Nothing is changed then.
    type: int
    default: 2700
  enabled:
    description:
      - Whether revoked certificates are refused.
      - A new CRL is enabled unless this says otherwise; that of an existing one is left as it is.
    type: bool
seealso:
  - module: certwright.aws.pca_certificate
    description: Revokes certificates.
  - module: certwright.aws.rolesanywhere_crl_info
  - module: certwright.aws.rolesanywhere_trust_anchor
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - amazon.aws.tags
"""

EXAMPLES = r"""
- name: Bring the CRL of a private CA to IAM Roles Anywhere
  certwright.aws.rolesanywhere_crl:
    name: fleet
    trust_anchor_arn: arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/0d3b4b4c-2f3a-4a5b-8c6d-7e8f9a0b1c2d
    s3_bucket: example-crl
    s3_key: crl/11111111-2222-3333-4444-555555555555.crl

- name: Wait until a revocation is published, and bring it to IAM Roles Anywhere
  certwright.aws.rolesanywhere_crl:
    name: fleet
    trust_anchor_arn: arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/0d3b4b4c-2f3a-4a5b-8c6d-7e8f9a0b1c2d
    s3_bucket: example-crl
    s3_key: crl/11111111-2222-3333-4444-555555555555.crl
    revokes:
      - 6707447683A9B7F4055627FFD55CEBCC

- name: Import a CRL from a file in PEM
  certwright.aws.rolesanywhere_crl:
    name: datacenter
    trust_anchor_arn: arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/8a9b0c1d-2e3f-4051-9263-748596a7b8c9
    content: "{{ lookup('ansible.builtin.file', 'datacenter.crl.pem') }}"

- name: Stop refusing revoked certificates
  certwright.aws.rolesanywhere_crl:
    crl_arn: arn:aws:rolesanywhere:us-east-1:123456789012:crl/2f4e6d8c-0b1a-4938-8776-655443322110
    enabled: false
"""

RETURN = r"""
action:
  description: What was done, or would be in check mode; V(created), V(updated), V(deleted) or V(kept).
  returned: success
  type: str
  sample: updated
reason:
  description: Why.
  returned: success
  type: str
  sample: differs in crlData
crl:
  description: The CRL as it is now, or would be in check mode. V(null) when it does not exist any more.
  returned: success
  type: dict
  contains:
    crl_arn:
      description: Its ARN; V(null) for one that check mode would import.
      returned: always
      type: str
      sample: arn:aws:rolesanywhere:us-east-1:123456789012:crl/2f4e6d8c-0b1a-4938-8776-655443322110
    crl_id:
      description: Its id; V(null) for one that check mode would import.
      returned: always
      type: str
      sample: 2f4e6d8c-0b1a-4938-8776-655443322110
    name:
      description: Its name.
      returned: always
      type: str
      sample: fleet
    enabled:
      description: Whether revoked certificates are refused.
      returned: always
      type: bool
      sample: true
    trust_anchor_arn:
      description: ARN of the trust anchor that it is for.
      returned: always
      type: str
      sample: arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/0d3b4b4c-2f3a-4a5b-8c6d-7e8f9a0b1c2d
    content_sha256:
      description: SHA-256 of its DER form, in hexadecimal.
      returned: always
      type: str
      sample: 3b9f0f3c6b0f6f7a5f3d1f6c1c7a4e5d2b8a9c0d1e2f30415263748596a7b8c9
    issuer:
      description: Distinguished name of the CA that issued it.
      returned: always
      type: str
      sample: CN=ca.example.com,O=Example Corp,C=US
    crl_number:
      description: Its number, which grows from CRL to CRL; V(null) when it has none.
      returned: always
      type: int
      sample: 1769860800
    last_update:
      description: When the CA issued it, ISO 8601 in UTC.
      returned: always
      type: str
      sample: "2026-01-31T12:00:00Z"
    next_update:
      description: By when the CA issues the next one, ISO 8601 in UTC; V(null) when it does not say.
      returned: always
      type: str
      sample: "2026-03-02T12:00:00Z"
    revoked_count:
      description: How many certificates it revokes.
      returned: always
      type: int
      sample: 3
    tags:
      description: Its tags.
      returned: always
      type: dict
      sample: {}
    created_at:
      description: When it was imported, ISO 8601 in UTC.
      returned: when it exists
      type: str
      sample: "2026-01-31T12:00:00Z"
    updated_at:
      description: When it was last changed, ISO 8601 in UTC.
      returned: when it exists
      type: str
      sample: "2026-01-31T12:00:00Z"
"""

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.api import CRL
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.crl import (
    await_crl,
    ensure_crl,
    read_crl,
)
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.flows import Outcome, Wanted, ensure_absent
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.transformations import text_tags

ARGUMENT_SPEC = {
    "name": {"type": "str"},
    "trust_anchor_arn": {"type": "str"},
    "crl_arn": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "content": {"type": "str"},
    "s3_bucket": {"type": "str"},
    "s3_key": {"type": "str", "no_log": False},
    "revokes": {"type": "list", "elements": "str"},
    "wait_timeout": {"type": "int", "default": 2700},
    "enabled": {"type": "bool"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
}


def do(module: CertwrightModule) -> None:
    """Bring the CRL into the state that is wanted and say what changed."""
    options = module.params
    wanted = Wanted(
        name=options["name"],
        arn=options["crl_arn"],
        within={"trustAnchorArn": options["trust_anchor_arn"]},
        enabled=options["enabled"],
        tags=text_tags(options["tags"]),
        purge_tags=options["purge_tags"],
    )
    if options["state"] == "absent":
        outcome = ensure_absent(module.client("rolesanywhere"), CRL, wanted, check_mode=module.check_mode)
    else:
        outcome = _present(module, wanted)
    module.exit_json(**outcome.as_result("crl"))


def _present(module: CertwrightModule, wanted: Wanted) -> Outcome:
    content = _published(module) if module.params["s3_bucket"] else module.params["content"]
    return ensure_crl(
        module.client("rolesanywhere"), module.client("acm-pca"), content, wanted, check_mode=module.check_mode
    )


def _published(module: CertwrightModule) -> bytes:
    s3, bucket, key = module.client("s3"), module.params["s3_bucket"], module.params["s3_key"]
    if not module.params["revokes"]:
        return read_crl(s3, bucket, key)
    return await_crl(s3, bucket, key, module.params["revokes"], timeout_s=module.params["wait_timeout"])


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_one_of=[("crl_arn", "trust_anchor_arn"), ("crl_arn", "name")],
        required_together=[("s3_bucket", "s3_key")],
        required_by={"revokes": ["s3_bucket"]},
        mutually_exclusive=[("content", "s3_bucket"), ("crl_arn", "trust_anchor_arn")],
    )


if __name__ == "__main__":
    main()
