#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rolesanywhere_crl_info
short_description: Look up certificate revocation lists of IAM Roles Anywhere
version_added: 0.1.0
description:
  - Lists the certificate revocation lists of the account and Region with their tags.
  - AWS answers one request for tags a second, so that long lists take as many seconds. Name what you look for where you can.
options:
  name:
    description: Only the certificate revocation lists with this name.
    type: str
  crl_arn:
    description: Only the CRL with this ARN.
    type: str
  trust_anchor_arn:
    description: Only the CRLs of the trust anchor with this ARN.
    type: str
seealso:
  - module: certwright.aws.rolesanywhere_crl
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes.info_module
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Look up the CRLs of a trust anchor
  certwright.aws.rolesanywhere_crl_info:
    trust_anchor_arn: arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/0d3b4b4c-2f3a-4a5b-8c6d-7e8f9a0b1c2d
  register: found

- name: Check that they are not about to end
  ansible.builtin.assert:
    that: item.next_update > now(utc=true, fmt='%Y-%m-%dT%H:%M:%SZ')
  loop: "{{ found.crls }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
crls:
  description: The certificate revocation lists that were found, oldest first; none is no error.
  returned: success
  type: list
  elements: dict
  contains:
    crl_arn:
      description: Its ARN.
      returned: always
      type: str
      sample: arn:aws:rolesanywhere:us-east-1:123456789012:crl/2f4e6d8c-0b1a-4938-8776-655443322110
    crl_id:
      description: Its id.
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
      returned: always
      type: str
      sample: "2026-01-31T12:00:00Z"
    updated_at:
      description: When it was last changed, ISO 8601 in UTC.
      returned: always
      type: str
      sample: "2026-01-31T12:00:00Z"
    content:
      description: The CRL in PEM.
      returned: always
      type: str
      sample: "-----BEGIN X509 CRL-----\nMIIB...\n-----END X509 CRL-----\n"
"""

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.api import CRL
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.flows import found, with_tags

ARGUMENT_SPEC = {
    "name": {"type": "str"},
    "crl_arn": {"type": "str"},
    "trust_anchor_arn": {"type": "str"},
}


def do(module: CertwrightModule) -> None:
    """Look the CRLs up, within a trust anchor when one is given."""
    client, anchor_arn = module.client("rolesanywhere"), module.params["trust_anchor_arn"]
    crls = [
        crl
        for crl in found(client, CRL, name=module.params["name"], arn=module.params["crl_arn"])
        if anchor_arn in (None, crl["trustAnchorArn"])
    ]
    results = [
        {**result, "content": crl["crlData"].decode()}
        for crl, result in zip(crls, with_tags(client, CRL, crls), strict=True)
    ]
    module.exit_json(changed=False, crls=results)


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        mutually_exclusive=[("name", "crl_arn")],
    )


if __name__ == "__main__":
    main()
