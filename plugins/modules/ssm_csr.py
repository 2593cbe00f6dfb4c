#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_csr
short_description: Stage private keys and certificate signing requests on nodes
version_added: 0.1.0
description:
  - Has nodes of Systems Manager make a private key and a certificate signing request (CSR), beside the key and certificate
    in use, and returns the CSR. The key never leaves the node.
  - A key and a CSR that wait on the node for their certificate are used again when they fit the request.
  - A node that fails, or cannot be reached, stops no other.
options:
  requests:
    description:
      - The records, each a dictionary with C(host_id) and the settings that O(certwright.aws.cert_inventory#module:records)
        describes. Settings that are not given have their defaults.
      - The records that M(certwright.aws.cert_inventory) returns with C(state=leased) can be given as they are.
    type: list
    elements: dict
    required: true
  document_name:
    description: The name of the document that is run.
    type: str
    default: Certwright-StageKey
  document_hash:
    description:
      - The SHA-256 that the document must have. A document that was changed in the account is not run.
      - P(certwright.aws.ssm_document#lookup) returns that of the document that comes with this collection.
    type: str
    required: true
  wait_timeout:
    description: How many seconds to wait for the nodes.
    type: int
    default: 300
author:
  - certwright.aws contributors (@certwright)
seealso:
  - module: certwright.aws.pca_certificate
  - module: certwright.aws.ssm_certificate
extends_documentation_fragment:
  - certwright.aws.attributes
  - certwright.aws.batch
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Stage a key and a CSR on two nodes
  certwright.aws.ssm_csr:
    requests:
      - host_id: i-0123456789abcdef0
      - host_id: mi-0123456789abcdef0#api
        common_name: api.internal.example
        subject_alt_names: ["DNS:api.internal.example"]
        key_algorithm: EC_prime256v1
    document_hash: "{{ lookup('certwright.aws.ssm_document', 'Certwright-StageKey').hash }}"
  register: staged
"""

RETURN = r"""
results:
  description: What became of each record, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The id of the record.
      returned: always
      type: str
      sample: i-0123456789abcdef0
    changed:
      description: Whether a key was made.
      returned: always
      type: bool
      sample: true
    failed:
      description: Whether it failed.
      returned: always
      type: bool
      sample: false
    action:
      description: V(staged), V(reused) or V(failed).
      returned: always
      type: str
      sample: staged
    reason:
      description: Why.
      returned: always
      type: str
      sample: no key on the node was made for this request
    error_code:
      description: What kind of failure it was, AWS's code or the node's word.
      returned: when it failed and the kind is known
      type: str
      sample: node_offline
    csr:
      description: The certificate signing request in PEM.
      returned: when there is one
      type: str
      sample: "-----BEGIN CERTIFICATE REQUEST-----..."
    subject:
      description: The subject of the CSR.
      returned: when there is a CSR
      type: str
      sample: CN=i-0123456789abcdef0
    key_algorithm:
      description: The algorithm of the key.
      returned: when there is a CSR
      type: str
      sample: RSA_2048
    public_key_sha256:
      description: The SHA-256 of the public key.
      returned: when there is a CSR
      type: str
      sample: 5b1d4c2e9ad7a2a1a8d1e9ac7ba2fbd0b6bd9cf6d4e91a5a8b8e0a0c2a1fa0b7
    request_hash:
      description: The SHA-256 of what shapes the certificate, by which a later run tells that the settings have changed.
      returned: when it did not fail
      type: str
      sample: 8a4cd59ad7a2a1a8d1e9ac7ba2fbd0b6bd9cf6d4e91a5a8b8e0a0c2a1fa0b7f1
failures:
  description: The elements of RV(results) that failed.
  returned: always
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.certwright.aws.plugins.module_utils.host.orders import Limits
from ansible_collections.certwright.aws.plugins.module_utils.modules import ON_FAILURE, CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.ssm.certificates import stage
from ansible_collections.certwright.aws.plugins.module_utils.ssm.commands import Job

ARGUMENT_SPEC = {
    "requests": {"type": "list", "elements": "dict", "required": True},
    "document_name": {"type": "str", "default": "Certwright-StageKey"},
    "document_hash": {"type": "str", "required": True},
    "wait_timeout": {"type": "int", "default": 300},
    "on_failure": ON_FAILURE,
}


def do(module: CertwrightModule) -> None:
    """Stage, and say what became of each record."""
    job = Job(
        module.params["document_name"],
        module.params["document_hash"],
        module.params["wait_timeout"],
        comment="certwright.aws: stage keys and signing requests",
    )
    module.exit_batch(
        stage(module.client("ssm"), job, module.params["requests"], Limits(), check_mode=module.check_mode)
    )


def main() -> None:
    CertwrightModule.run(do, argument_spec=ARGUMENT_SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
