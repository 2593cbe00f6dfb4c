#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_certificate_info
short_description: Read which certificates are installed on Systems Manager nodes, and served
version_added: 0.1.0
description:
  - Tells for many nodes at once which certificate lies at the paths of a record, whether it fits its key and its chain, and
    which certificate the TLS endpoint serves.
  - It also reads files that M(certwright.aws.ssm_certificate) did not put there, as long as they have the same names.
  - The nodes run the document C(Certwright-ReadCertificate) of this collection through Run Command, which changes nothing.
options:
  certificates:
    description:
      - The certificates to read. Each has a C(host_id), the id of the node with C(#name) for a further certificate on it,
        and the settings that O(certwright.aws.cert_inventory#module:records) describes, of which the paths and
        C(tls_endpoint) matter here.
    type: list
    elements: dict
    required: true
  document_name:
    description: The name of the document in the account.
    type: str
    default: Certwright-ReadCertificate
  document_hash:
    description:
      - SHA-256 that the document's default version must have, from P(certwright.aws.ssm_document#lookup).
      - A document that was changed in the account is not run.
    type: str
    required: true
  wait_timeout:
    description: How many seconds to wait for a node, from when its command was sent.
    type: int
    default: 120
author:
  - certwright.aws contributors (@certwright)
seealso:
  - module: certwright.aws.ssm_certificate
  - module: certwright.aws.cert_inventory_info
extends_documentation_fragment:
  - certwright.aws.attributes.info_module
  - certwright.aws.batch
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: See that nginx serves what is installed
  certwright.aws.ssm_certificate_info:
    certificates:
      - host_id: i-0123456789abcdef0
        tls_endpoint: localhost:443
    document_hash: "{{ lookup('certwright.aws.ssm_document', 'Certwright-ReadCertificate').hash }}"
  register: nginx

- name: Fail where it does not
  ansible.builtin.assert:
    that: nginx.results[0].served_is_installed
"""

RETURN = r"""
results:
  description: What was read for each certificate, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The C(host_id) of the certificate.
      returned: always
      type: str
      sample: i-0123456789abcdef0
    changed:
      description: Always V(false).
      returned: always
      type: bool
      sample: false
    failed:
      description: Whether it could not be read.
      returned: always
      type: bool
      sample: false
    action:
      description: V(read) or V(failed).
      returned: always
      type: str
      sample: read
    reason:
      description: What was found, or why nothing could be read.
      returned: always
      type: str
      sample: a certificate is installed
    error_code:
      description: What kind of failure it was, for example V(node_offline), V(certificate_invalid), or AWS's error code.
      returned: when it failed on the node or AWS refused
      type: str
      sample: node_offline
    installed:
      description: The certificate at the record's path, or V(null).
      returned: when it did not fail
      type: dict
      contains: &certificate
        certificate:
          description: The certificate in PEM.
          returned: always
          type: str
          sample: "-----BEGIN CERTIFICATE-----..."
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
          description: The subject's common name.
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
    chain_verified:
      description: Whether openssl on the node verifies the certificate against the chain beside it, now.
      returned: when it did not fail
      type: bool
      sample: true
    key:
      description: Whether the private key beside it V(matches), V(differs) or is V(missing).
      returned: when it did not fail
      type: str
      sample: matches
    key_permissions:
      description: Mode, owner and group of the private key, or V(null).
      returned: when it did not fail
      type: str
      sample: -r-------- root root
    linked:
      description: Whether all files are links to the version in use, as M(certwright.aws.ssm_certificate) makes them.
      returned: when it did not fail
      type: bool
      sample: true
    staged:
      description: Whether a key waits for its certificate.
      returned: when it did not fail
      type: bool
      sample: false
    current_serial:
      description: The serial number of the version in use, or V(null).
      returned: when it did not fail
      type: str
      sample: 6707447683A9B7F4055627FFD55CEBCC
    previous_serial:
      description: The serial number of the version before it; V(before) for plain files, and V(null) for nothing.
      returned: when it did not fail
      type: str
      sample: 2BAE9A75D71B42B4E41E36F8B4B488FC
    served:
      description: The certificate that C(tls_endpoint) serves, or V(null).
      returned: when it did not fail
      type: dict
      contains: *certificate
    served_is_installed:
      description: Whether that is the installed one; V(null) without a C(tls_endpoint).
      returned: when it did not fail
      type: bool
      sample: true
failures:
  description: The elements of RV(results) that failed.
  returned: always
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.certwright.aws.plugins.module_utils.host.orders import Limits
from ansible_collections.certwright.aws.plugins.module_utils.modules import ON_FAILURE, CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.ssm.certificates import read
from ansible_collections.certwright.aws.plugins.module_utils.ssm.commands import Job

ARGUMENT_SPEC = {
    "certificates": {"type": "list", "elements": "dict", "required": True},
    "document_name": {"type": "str", "default": "Certwright-ReadCertificate"},
    "document_hash": {"type": "str", "required": True},
    "wait_timeout": {"type": "int", "default": 120},
    "on_failure": ON_FAILURE,
}


def do(module: CertwrightModule) -> None:
    """Read what is installed and served."""
    job = Job(
        document_name=module.params["document_name"],
        document_hash=module.params["document_hash"],
        wait_timeout=module.params["wait_timeout"],
        comment=f"certwright.aws.ssm_certificate_info: {len(module.params['certificates'])} records",
    )
    module.exit_batch(read(module.client("ssm"), job, module.params["certificates"], Limits()))


def main() -> None:
    CertwrightModule.run(do, argument_spec=ARGUMENT_SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
