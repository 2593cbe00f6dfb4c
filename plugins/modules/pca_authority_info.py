#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pca_authority_info
short_description: Describe the CAs of AWS Private CA
version_added: 0.1.0
description:
  - Describes one private CA, or all of the account and Region, with their certificates, revocation lists, permissions,
    policies and tags.
  - CAs that were deleted and can be restored are among them.
options:
  certificate_authority_arn:
    description: ARN of the CA that is meant.
    type: str
  name:
    description: The name of the CA that is meant, which is its tag C(Name).
    type: str
author:
  - certwright.aws contributors (@certwright)
seealso:
  - module: certwright.aws.pca_authority
extends_documentation_fragment:
  - certwright.aws.attributes.info_module
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Describe every CA
  certwright.aws.pca_authority_info:
  register: found

- name: Tell which CAs end within a year
  ansible.builtin.debug:
    msg: "{{ found.authorities | selectattr('not_after') | selectattr('not_after', 'lt', next_year) | map(attribute='name') }}"
  vars:
    next_year: "{{ '%Y-%m-%dT%H:%M:%SZ' | ansible.builtin.strftime(now().timestamp() + 31536000) }}"

- name: Fetch the certificate of a CA by its name
  certwright.aws.pca_authority_info:
    name: hosts
  register: hosts
"""

RETURN = r"""
authorities:
  description: The CAs. Empty when there is none as asked for.
  returned: success
  type: list
  elements: dict
  contains:
    certificate_authority_arn:
      description: Its ARN.
      returned: always
      type: str
      sample: arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555
    name:
      description: Its tag C(Name).
      returned: always
      type: str
      sample: hosts
    owner_account:
      description: The account that owns it.
      returned: always
      type: str
      sample: "123456789012"
    status:
      description: Its status.
      returned: always
      type: str
      sample: ACTIVE
    failure_reason:
      description: Why AWS could not create it.
      returned: always
      type: str
      sample: null
    type:
      description: V(ROOT) or V(SUBORDINATE).
      returned: always
      type: str
      sample: ROOT
    key_algorithm:
      description: The algorithm of its key.
      returned: always
      type: str
      sample: EC_prime256v1
    signing_algorithm:
      description: How it signs.
      returned: always
      type: str
      sample: SHA256WITHECDSA
    usage_mode:
      description: What it is for.
      returned: always
      type: str
      sample: SHORT_LIVED_CERTIFICATE
    key_storage_security_standard:
      description: How AWS protects its key.
      returned: always
      type: str
      sample: FIPS_140_2_LEVEL_3_OR_HIGHER
    subject:
      description: Its name in certificates.
      returned: always
      type: dict
      sample: {common_name: Example Hosts, organization: Example, country: DE}
    serial:
      description: The serial number of its certificate, upper-case hexadecimal.
      returned: always
      type: str
      sample: 6707447683A9B7F4055627FFD55CEBCC
    path_length:
      description: How many CAs may stand below it; V(null) is no limit.
      returned: always
      type: int
      sample: 0
    certificate:
      description: Its certificate in PEM; V(null) while it waits for one.
      returned: always
      type: str
      sample: "-----BEGIN CERTIFICATE-----..."
    certificate_fingerprint_sha256:
      description: SHA-256 of its certificate.
      returned: always
      type: str
      sample: 8a4cd59ad7a2a1a8d1e9ac7ba2fbd0b6bd9cf6d4e91a5a8b8e0a0c2a1fa0b7f1
    certificate_chain:
      description: The certificates above its own in PEM; V(null) for a root.
      returned: always
      type: str
      sample: null
    csr:
      description: The certificate signing request in PEM, while it waits for a certificate or its certificate has expired.
      returned: always
      type: str
      sample: "-----BEGIN CERTIFICATE REQUEST-----..."
    created_at:
      description: When it was created.
      returned: always
      type: str
      sample: "2026-01-10T12:00:00Z"
    not_before:
      description: From when its certificate is valid.
      returned: always
      type: str
      sample: "2026-01-10T11:00:00Z"
    not_after:
      description: Until when its certificate is valid.
      returned: always
      type: str
      sample: "2036-01-10T12:00:00Z"
    restorable_until:
      description: Until when it can be restored, if it was deleted.
      returned: always
      type: str
      sample: null
    crl:
      description: How it writes revocation lists.
      returned: always
      type: dict
      sample: {enabled: false}
    ocsp:
      description: Whether AWS answers OCSP requests.
      returned: always
      type: dict
      sample: {enabled: false}
    acm_permission:
      description: Whether ACM may use it.
      returned: always
      type: bool
      sample: false
    policy:
      description: Its resource policy.
      returned: always
      type: dict
      sample: null
    tags:
      description: Its tags.
      returned: always
      type: dict
      sample: {Name: hosts}
"""

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.pca.authority_state import find_authority, list_states

ARGUMENT_SPEC = {
    "certificate_authority_arn": {"type": "str"},
    "name": {"type": "str"},
}


def do(module: CertwrightModule) -> None:
    """Describe the CAs that are asked for."""
    pca = module.client("acm-pca")
    arn, name = module.params["certificate_authority_arn"], module.params["name"]
    if arn or name:
        one = find_authority(pca, arn=arn, name=name)
        found = [one] if one else []
    else:
        found = list_states(pca, details=True)
    module.exit_json(changed=False, authorities=[state.as_result() for state in found])


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        mutually_exclusive=[("certificate_authority_arn", "name")],
    )


if __name__ == "__main__":
    main()
