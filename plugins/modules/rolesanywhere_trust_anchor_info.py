#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rolesanywhere_trust_anchor_info
short_description: Look up trust anchors of IAM Roles Anywhere
version_added: 0.1.0
description:
  - Lists the trust anchors of the account and Region with their tags.
  - AWS answers one request for tags a second, so that long lists take as many seconds. Name what you look for where you can.
options:
  name:
    description: Only the trust anchors with this name.
    type: str
  trust_anchor_arn:
    description: Only the trust anchor with this ARN.
    type: str
seealso:
  - module: certwright.aws.rolesanywhere_trust_anchor
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes.info_module
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Look up a trust anchor
  certwright.aws.rolesanywhere_trust_anchor_info:
    name: fleet
  register: found

- name: Show its ARN
  ansible.builtin.debug:
    msg: "{{ found.trust_anchors[0].trust_anchor_arn }}"
"""

RETURN = r"""
trust_anchors:
  description: The trust anchors that were found, oldest first; none is no error.
  returned: success
  type: list
  elements: dict
  contains:
    trust_anchor_arn:
      description: Its ARN.
      returned: always
      type: str
      sample: arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/0d3b4b4c-2f3a-4a5b-8c6d-7e8f9a0b1c2d
    trust_anchor_id:
      description: Its id.
      returned: always
      type: str
      sample: 0d3b4b4c-2f3a-4a5b-8c6d-7e8f9a0b1c2d
    name:
      description: Its name.
      returned: always
      type: str
      sample: fleet
    enabled:
      description: Whether credentials are given out.
      returned: always
      type: bool
      sample: true
    certificate_authority_arn:
      description: ARN of the private CA, or V(null) when it holds certificates.
      returned: always
      type: str
      sample: arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555
    certificate_bundle:
      description: The certificates in PEM, or V(null) when it refers to a private CA.
      returned: always
      type: str
      sample: null
    crl_dp_revocation_enabled:
      description: Whether revoked certificates are looked up at their distribution point.
      returned: always
      type: bool
      sample: false
    notification_settings:
      description: When AWS tells of certificates that expire.
      returned: always
      type: list
      elements: dict
      contains:
        event:
          description: What is told of.
          returned: always
          type: str
          sample: CA_CERTIFICATE_EXPIRY
        enabled:
          description: Whether it is told of.
          returned: always
          type: bool
          sample: true
        threshold:
          description: How many days ahead.
          returned: always
          type: int
          sample: 45
        customized:
          description: Whether the setting is the account's own and not AWS's.
          returned: always
          type: bool
          sample: false
    tags:
      description: Its tags.
      returned: always
      type: dict
      sample: {"team": "pki"}
    created_at:
      description: When it was created, ISO 8601 in UTC.
      returned: always
      type: str
      sample: "2026-01-31T12:00:00Z"
    updated_at:
      description: When it was last changed, ISO 8601 in UTC.
      returned: always
      type: str
      sample: "2026-01-31T12:00:00Z"
"""

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.api import TRUST_ANCHOR
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.flows import describe

ARGUMENT_SPEC = {
    "name": {"type": "str"},
    "trust_anchor_arn": {"type": "str"},
}


def do(module: CertwrightModule) -> None:
    """Look the trust anchors up."""
    trust_anchors = describe(
        module.client("rolesanywhere"), TRUST_ANCHOR, name=module.params["name"], arn=module.params["trust_anchor_arn"]
    )
    module.exit_json(changed=False, trust_anchors=trust_anchors)


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        mutually_exclusive=[("name", "trust_anchor_arn")],
    )


if __name__ == "__main__":
    main()
