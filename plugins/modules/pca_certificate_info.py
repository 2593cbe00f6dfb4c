#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pca_certificate_info
short_description: Fetch certificates that AWS Private CA has issued
version_added: 0.1.0
description:
  - Fetches certificates by their ARNs, with their chains, and tells what is in them and whether they are due.
  - AWS Private CA has no call that lists what a CA has issued; its audit reports do.
options:
  certificate_arns:
    description: ARNs of the certificates.
    type: list
    elements: str
    required: true
  renew_before:
    description:
      - How long before its end a certificate is due, for example V(48h) or V(2d).
      - By default it is due in the last third of its lifetime.
    type: str
  wait_timeout:
    description: How many seconds to wait for a certificate that the CA is still issuing.
    type: int
    default: 60
author:
  - certwright.aws contributors (@certwright)
seealso:
  - module: certwright.aws.pca_certificate
extends_documentation_fragment:
  - certwright.aws.attributes.info_module
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Fetch a certificate
  certwright.aws.pca_certificate_info:
    certificate_arns:
      - "{{ certificate_arn }}"
  register: found

- name: Tell until when it is valid
  ansible.builtin.debug:
    msg: "{{ found.certificates[0].subject }} is valid until {{ found.certificates[0].not_after }}"
"""

RETURN = r"""
certificates:
  description: The certificates, in the order of O(certificate_arns), without those that the CA does not know.
  returned: success
  type: list
  elements: dict
  contains:
    certificate_arn:
      description: ARN of the certificate.
      returned: always
      type: str
      sample: arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555/certificate/6707447683a9b7f4055627ffd55cebcc
    certificate:
      description: The certificate in PEM.
      returned: always
      type: str
      sample: "-----BEGIN CERTIFICATE-----..."
    chain:
      description: The certificates above it, in PEM, the issuing CA's first; empty for a root CA's own.
      returned: always
      type: str
      sample: "-----BEGIN CERTIFICATE-----..."
    state:
      description: V(valid), V(due) or V(expired).
      returned: always
      type: str
      sample: valid
    reason:
      description: What the state follows from.
      returned: always
      type: str
      sample: expires in 6 d 23 h, renewal window 56 h
    serial:
      description: The serial number, upper-case hexadecimal.
      returned: always
      type: str
      sample: 6707447683A9B7F4055627FFD55CEBCC
    subject:
      description: The subject.
      returned: always
      type: str
      sample: CN=www.example.com,O=Example
    common_name:
      description: The subject's common name, if it has one.
      returned: always
      type: str
      sample: www.example.com
    issuer:
      description: The issuer's subject.
      returned: always
      type: str
      sample: CN=Example Root
    subject_alt_names:
      description: The subject alternative names.
      returned: always
      type: list
      elements: str
      sample: ["DNS:www.example.com"]
    not_before:
      description: From when it is valid.
      returned: always
      type: str
      sample: "2026-01-10T11:00:00Z"
    not_after:
      description: Until when it is valid.
      returned: always
      type: str
      sample: "2026-01-17T12:00:00Z"
    key_algorithm:
      description: The algorithm of its key.
      returned: always
      type: str
      sample: RSA_2048
    fingerprint_sha256:
      description: SHA-256 of the certificate.
      returned: always
      type: str
      sample: 8a4cd59ad7a2a1a8d1e9ac7ba2fbd0b6bd9cf6d4e91a5a8b8e0a0c2a1fa0b7f1
    public_key_sha256:
      description: SHA-256 of the public key.
      returned: always
      type: str
      sample: 5b1d4c2e9ad7a2a1a8d1e9ac7ba2fbd0b6bd9cf6d4e91a5a8b8e0a0c2a1fa0b7
missing:
  description: Those of O(certificate_arns) that the CA does not know.
  returned: success
  type: list
  elements: str
  sample: []
"""

from datetime import datetime, timezone

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.pca.fetching import Patience, fetch_known
from ansible_collections.certwright.aws.plugins.module_utils.pca.flows import certificate_verdict
from ansible_collections.certwright.aws.plugins.module_utils.renewal import parse_duration

ARGUMENT_SPEC = {
    "certificate_arns": {"type": "list", "elements": "str", "required": True},
    "renew_before": {"type": "str"},
    "wait_timeout": {"type": "int", "default": 60},
}


def do(module: CertwrightModule) -> None:
    """Fetch the certificates and tell what they are."""
    window = parse_duration(module.params["renew_before"]) if module.params["renew_before"] else None
    now = datetime.now(timezone.utc)
    arns = module.params["certificate_arns"]
    found = fetch_known(module.client("acm-pca"), arns, Patience(timeout_s=module.params["wait_timeout"]))
    certificates = []
    for fetched in found:
        verdict = certificate_verdict(fetched.certificate, now, window)
        state = {"state": verdict.state, "reason": verdict.reason}
        certificates.append(
            {"certificate_arn": fetched.arn, **fetched.certificate.as_result(), "chain": fetched.chain, **state}
        )
    known = {fetched.arn for fetched in found}
    module.exit_json(changed=False, certificates=certificates, missing=[arn for arn in arns if arn not in known])


def main() -> None:
    CertwrightModule.run(do, argument_spec=ARGUMENT_SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
