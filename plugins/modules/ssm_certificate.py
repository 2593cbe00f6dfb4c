#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_certificate
short_description: Install certificates on nodes, or remove them
version_added: 0.1.0
description:
  - Has nodes of Systems Manager install certificates beside the keys that M(certwright.aws.ssm_csr) staged.
  - Before anything is switched, the node checks that key, certificate and chain belong together, that the certificate is
    valid now, and that the validation command succeeds. Key, certificate and chain are then switched in one rename.
  - After the switch the reload command is run and the TLS endpoint asked. When either fails, the previous version is switched
    back and the service reloaded again; the next run tries the same certificate again.
  - A node that fails, or cannot be reached, stops no other.
options:
  state:
    description:
      - V(present) installs.
      - V(absent) removes the keys and certificates of the records, all versions, and the files that users see.
    type: str
    choices: [present, absent]
    default: present
  certificates:
    description:
      - The records, each a dictionary with C(host_id) and the settings that O(certwright.aws.cert_inventory#module:records)
        describes. Settings that are not given have their defaults.
      - With O(state=present) each has C(certificate), the certificate in PEM, and C(chain), the certificates above it up to the
        root, in PEM, as M(certwright.aws.pca_certificate) returns them.
    type: list
    elements: dict
    required: true
  document_name:
    description: The name of the document that is run. By default it is the one that comes with this collection for the state.
    type: str
  document_hash:
    description:
      - The SHA-256 that the document must have. A document that was changed in the account is not run.
      - P(certwright.aws.ssm_document#lookup) returns that of the documents that come with this collection,
        V(Certwright-InstallCertificate) and V(Certwright-RemoveCertificate).
    type: str
    required: true
  wait_timeout:
    description: How many seconds to wait for the nodes.
    type: int
    default: 300
  command_timeout:
    description: How many seconds each command of the user may take on a node.
    type: int
    default: 60
  endpoint_timeout:
    description: How many seconds after the reload the TLS endpoint may take to serve the new certificate.
    type: int
    default: 15
author:
  - certwright.aws contributors (@certwright)
seealso:
  - module: certwright.aws.ssm_csr
  - module: certwright.aws.ssm_certificate_info
extends_documentation_fragment:
  - certwright.aws.attributes
  - certwright.aws.batch
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Install what was issued, and reload the web server
  certwright.aws.ssm_certificate:
    certificates:
      - host_id: i-0123456789abcdef0
        certificate: "{{ issued.results[0].certificate }}"
        chain: "{{ issued.results[0].chain }}"
        reload_command: systemctl reload nginx
        tls_endpoint: localhost:443
    document_hash: "{{ lookup('certwright.aws.ssm_document', 'Certwright-InstallCertificate').hash }}"

- name: Remove what was installed
  certwright.aws.ssm_certificate:
    state: absent
    certificates:
      - host_id: i-0123456789abcdef0
    document_hash: "{{ lookup('certwright.aws.ssm_document', 'Certwright-RemoveCertificate').hash }}"
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
      description: Whether anything was changed on the node.
      returned: always
      type: bool
      sample: true
    failed:
      description: Whether it failed.
      returned: always
      type: bool
      sample: false
    action:
      description: V(installed), V(removed), V(kept), V(rolled_back) or V(failed).
      returned: always
      type: str
      sample: installed
    reason:
      description: Why.
      returned: always
      type: str
      sample: it was not installed, or not as it should be
    error_code:
      description: What kind of failure it was, AWS's code or the node's word.
      returned: when it failed and the kind is known
      type: str
      sample: reload_failed
    serial:
      description: The serial number of the certificate, upper-case hexadecimal.
      returned: when O(state=present) and it did not fail
      type: str
      sample: 6707447683A9B7F4055627FFD55CEBCC
failures:
  description: The elements of RV(results) that failed.
  returned: always
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.certwright.aws.plugins.module_utils.host.orders import Limits
from ansible_collections.certwright.aws.plugins.module_utils.modules import ON_FAILURE, CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.ssm.certificates import install, remove
from ansible_collections.certwright.aws.plugins.module_utils.ssm.commands import Job

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "certificates": {"type": "list", "elements": "dict", "required": True},
    "document_name": {"type": "str"},
    "document_hash": {"type": "str", "required": True},
    "wait_timeout": {"type": "int", "default": 300},
    "command_timeout": {"type": "int", "default": 60},
    "endpoint_timeout": {"type": "int", "default": 15},
    "on_failure": ON_FAILURE,
}
STATES = {"present": (install, "Certwright-InstallCertificate"), "absent": (remove, "Certwright-RemoveCertificate")}


def do(module: CertwrightModule) -> None:
    """Install or remove, and say what became of each record."""
    carry_out, document_name = STATES[module.params["state"]]
    job = Job(
        module.params["document_name"] or document_name,
        module.params["document_hash"],
        module.params["wait_timeout"],
        comment=f"certwright.aws: {carry_out.__name__} certificates",
    )
    limits = Limits(module.params["command_timeout"], module.params["endpoint_timeout"])
    module.exit_batch(
        carry_out(module.client("ssm"), job, module.params["certificates"], limits, check_mode=module.check_mode)
    )


def main() -> None:
    CertwrightModule.run(do, argument_spec=ARGUMENT_SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
