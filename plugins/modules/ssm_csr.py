#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_csr
short_description: Make private keys and certificate signing requests on Systems Manager nodes
version_added: 0.1.0
description:
  - Has many nodes at once make a private key and a certificate signing request (CSR), beside those in use, and returns the
    requests. A key never leaves its node.
  - A key and CSR that an earlier run made, and that fit what is asked for, are returned again. Nothing is made twice.
  - The nodes run the document C(Certwright-StageKey) of this collection through Run Command, up to 50 of them with one
    command. A node that is offline, unknown or broken fails alone.
  - In check mode the nodes are asked what they would do, and change nothing.
options:
  requests:
    description:
      - The certificates for which a key is needed. Each has a C(host_id), the id of the node with C(#name) for a further
        certificate on it, and the settings that O(certwright.aws.cert_inventory#module:records) describes.
      - Of the settings, C(common_name), C(subject), C(subject_alt_names) and C(key_algorithm) shape the request. The paths,
        C(owner), C(group) and C(mode) are checked on the node, so that nothing is issued that could not be installed.
      - C(pending_public_key_sha256) is the SHA-256 of the public key of a certificate that was issued and whose
        installation was not recorded. If the node has installed it, its CSR is returned.
      - The records that M(certwright.aws.cert_inventory) leases can be given as they are.
    type: list
    elements: dict
    required: true
  document_name:
    description: The name of the document in the account.
    type: str
    default: Certwright-StageKey
  document_hash:
    description:
      - SHA-256 that the document's default version must have, from P(certwright.aws.ssm_document#lookup).
      - A document that was changed in the account is not run.
    type: str
    required: true
  wait_timeout:
    description:
      - How many seconds to wait for a node, from when its command was sent. A script that still runs then is ended.
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
- name: Make a key and a CSR on two nodes
  certwright.aws.ssm_csr:
    requests:
      - host_id: i-0123456789abcdef0
      - host_id: mi-0123456789abcdef0#api
        common_name: api.example.com
        subject: {organization: Example, country: DE}
        subject_alt_names: ["DNS:api.example.com"]
        key_algorithm: EC_prime256v1
        owner: api
    document_hash: "{{ lookup('certwright.aws.ssm_document', 'Certwright-StageKey').hash }}"
  register: staged

- name: Show the requests
  ansible.builtin.debug:
    msg: "{{ staged.results | map(attribute='csr') }}"
"""

RETURN = r"""
results:
  description: What became of each request, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The C(host_id) of the request.
      returned: always
      type: str
      sample: i-0123456789abcdef0
    changed:
      description: Whether a key and a CSR were made, or would be in check mode.
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
      description:
        - What kind of failure it was.
        - For example V(node_offline), V(node_unknown), V(owner_unknown), V(tool_missing), V(busy), V(system_error), or AWS's
          error code.
      returned: when it failed on the node or AWS refused
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
      sample: CN=api.example.com,O=Example,C=DE
    key_algorithm:
      description: The algorithm of the key.
      returned: when there is a CSR
      type: str
      sample: EC_prime256v1
    public_key_sha256:
      description: SHA-256 of the public key, in hexadecimal.
      returned: when there is a CSR
      type: str
      sample: 5b1d4c2e9ad7a2a1a8d1e9ac7ba2fbd0b6bd9cf6d4e91a5a8b8e0a0c2a1fa0b7
    request_hash:
      description: SHA-256 of the settings that shape the certificate; when it changes, the certificate is made anew.
      returned: when it did not fail
      type: str
      sample: 9b74c9897bac770ffc029102a200c5de8f5d6c0a1e0b3a4cbb3f6e31fd2a7f10
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
    """Have the nodes make what is asked for, and say what became of each request."""
    job = Job(
        document_name=module.params["document_name"],
        document_hash=module.params["document_hash"],
        wait_timeout=module.params["wait_timeout"],
        comment=f"certwright.aws.ssm_csr: {len(module.params['requests'])} records",
    )
    results = stage(module.client("ssm"), job, module.params["requests"], Limits(), check_mode=module.check_mode)
    made = {result["id"]: result.get("public_key_sha256") for result in results if result["changed"]}
    diff = {
        "before": {host_id: {"staged": False} for host_id in made},
        "after": {host_id: {"staged": True, "public_key_sha256": key} for host_id, key in made.items()},
    }
    module.exit_batch(results, diff=diff)


def main() -> None:
    CertwrightModule.run(do, argument_spec=ARGUMENT_SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
