#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rolesanywhere_trust_anchor
short_description: Manage a trust anchor of IAM Roles Anywhere
version_added: 0.1.0
description:
  - Creates, changes, enables, disables and deletes a trust anchor, which says whose certificates are accepted in exchange for
    AWS credentials.
  - AWS lets trust anchors share a name. This module takes the name for one trust anchor, and fails when there are several.
options:
  name:
    description:
      - The name of the trust anchor, by which it is found.
      - Together with O(trust_anchor_arn), the name that it is to have.
      - Letters, digits, spaces, C(-) and C(_), at most 255.
    type: str
  trust_anchor_arn:
    description: ARN of the trust anchor, to change or delete one that is not found by its name.
    type: str
  state:
    description: Whether the trust anchor exists.
    type: str
    choices: [present, absent]
    default: present
  certificate_authority_arn:
    description:
      - ARN of the AWS Private CA whose certificates are accepted.
      - This or O(certificate_bundle) is needed to create a trust anchor. Without either, its source is left as it is.
    type: str
  certificate_bundle:
    description:
      - The certificates, in PEM, of one or two certificate authorities whose certificates are accepted.
    type: str
  enabled:
    description:
      - Whether credentials are given out. A disabled trust anchor refuses every request.
      - A new trust anchor is enabled unless this says otherwise; that of an existing one is left as it is.
    type: bool
  crl_dp_revocation_enabled:
    description:
      - Whether IAM Roles Anywhere looks up revoked certificates at the distribution point that a certificate names, beside the
        CRLs that were imported with M(certwright.aws.rolesanywhere_crl).
      - When it is not given, it is left as it is; a new trust anchor has V(false).
      - Needs a boto3 that knows it, as 1.44 does.
    type: bool
  notification_settings:
    description:
      - How many days ahead AWS tells of certificates that expire, by EventBridge, CloudWatch and the Health Dashboard.
      - Events that are not in the list get AWS's own settings, and with an empty list all do.
      - When it is not given, the settings are left as they are.
    type: list
    elements: dict
    suboptions:
      event:
        description: What is told of, the expiry of the certificate authority or that of the certificates it issued.
        type: str
        required: true
        choices: [CA_CERTIFICATE_EXPIRY, END_ENTITY_CERTIFICATE_EXPIRY]
      enabled:
        description: Whether it is told of.
        type: bool
        default: true
      threshold:
        description: How many days ahead, from 1 to 360. Required when O(notification_settings[].enabled=true).
        type: int
seealso:
  - module: certwright.aws.rolesanywhere_crl
  - module: certwright.aws.rolesanywhere_profile
  - module: certwright.aws.rolesanywhere_trust_anchor_info
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
- name: Accept the certificates of a private CA
  certwright.aws.rolesanywhere_trust_anchor:
    name: fleet
    certificate_authority_arn: arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555
    notification_settings:
      - event: CA_CERTIFICATE_EXPIRY
        threshold: 90
    tags:
      team: pki

- name: Accept the certificates of a CA that is not on AWS
  certwright.aws.rolesanywhere_trust_anchor:
    name: datacenter
    certificate_bundle: "{{ lookup('ansible.builtin.file', 'datacenter-ca.pem') }}"

- name: Give out no credentials for now
  certwright.aws.rolesanywhere_trust_anchor:
    name: fleet
    enabled: false

- name: Delete a trust anchor
  certwright.aws.rolesanywhere_trust_anchor:
    name: datacenter
    state: absent
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
  sample: differs in enabled, tags
trust_anchor:
  description: The trust anchor as it is now, or would be in check mode. V(null) when it does not exist any more.
  returned: success
  type: dict
  contains:
    trust_anchor_arn:
      description: Its ARN; V(null) for one that check mode would create.
      returned: always
      type: str
      sample: arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/0d3b4b4c-2f3a-4a5b-8c6d-7e8f9a0b1c2d
    trust_anchor_id:
      description: Its id; V(null) for one that check mode would create.
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
          returned: when known
          type: bool
          sample: false
    tags:
      description: Its tags.
      returned: always
      type: dict
      sample: {"team": "pki"}
    created_at:
      description: When it was created, ISO 8601 in UTC.
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
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.api import TRUST_ANCHOR
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.flows import (
    Wanted,
    ensure_absent,
    ensure_trust_anchor,
)
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.transformations import (
    notifications_of,
    source_of,
    text_tags,
)

ARGUMENT_SPEC = {
    "name": {"type": "str"},
    "trust_anchor_arn": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "certificate_authority_arn": {"type": "str"},
    "certificate_bundle": {"type": "str"},
    "enabled": {"type": "bool"},
    "crl_dp_revocation_enabled": {"type": "bool"},
    "notification_settings": {
        "type": "list",
        "elements": "dict",
        "options": {
            "event": {
                "type": "str",
                "required": True,
                "choices": ["CA_CERTIFICATE_EXPIRY", "END_ENTITY_CERTIFICATE_EXPIRY"],
            },
            "enabled": {"type": "bool", "default": True},
            "threshold": {"type": "int"},
        },
        "required_if": [("enabled", True, ["threshold"])],
    },
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
}


def do(module: CertwrightModule) -> None:
    """Bring the trust anchor into the state that is wanted and say what changed."""
    options = module.params
    wanted = Wanted(
        name=options["name"],
        arn=options["trust_anchor_arn"],
        members={
            "source": source_of(options["certificate_authority_arn"], options["certificate_bundle"]),
            "crlDpRevocationEnabled": options["crl_dp_revocation_enabled"],
        },
        enabled=options["enabled"],
        tags=text_tags(options["tags"]),
        purge_tags=options["purge_tags"],
        notifications=notifications_of(options["notification_settings"]),
    )
    client = module.client("rolesanywhere")
    if options["state"] == "absent":
        outcome = ensure_absent(client, TRUST_ANCHOR, wanted, check_mode=module.check_mode)
    else:
        outcome = ensure_trust_anchor(client, wanted, check_mode=module.check_mode)
    module.exit_json(**outcome.as_result("trust_anchor"))


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_one_of=[("name", "trust_anchor_arn")],
        mutually_exclusive=[("certificate_authority_arn", "certificate_bundle")],
    )


if __name__ == "__main__":
    main()
