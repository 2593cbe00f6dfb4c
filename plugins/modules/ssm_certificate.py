#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_certificate
short_description: Install certificates on Systems Manager nodes, and roll back those that do not work
version_added: 0.1.0
description:
  - Puts certificates beside the private keys that M(certwright.aws.ssm_csr) had made on the nodes, and switches each node
    to its new key, certificate and chain in one step.
  - Before the switch the node checks that the certificate fits the key, verifies against its chain and is valid now, and
    that C(validation_command) succeeds. After it C(reload_command) runs, and C(tls_endpoint) must serve the new
    certificate. If anything fails, the node goes back to what it had, reloads again, and says why.
  - These commands are run by C(sh) as root with the umask 077. They find the new files in the environment variables
    C(CERTWRIGHT_CERT), C(CERTWRIGHT_KEY) and C(CERTWRIGHT_CHAIN), and the id of the record in C(CERTWRIGHT_HOST_ID).
  - The files that users name, C(<cert_path>/<host_id>.crt), C(<key_path>/<host_id>.key),
    C(<cacert_path>/ca_chain_certificate.crt) and C(<csr_path>/<host_id>.csr), are links to the version that is in use,
    which lies in C(<state_dir>/<host_id>/current) with C(fullchain.pem), C(intermediates.pem) and C(root.pem) beside them.
    The version before it is kept. Plain files in their places are kept as a version too, and come back on a rollback.
  - The nodes run the document C(Certwright-InstallCertificate) or C(Certwright-RemoveCertificate) of this collection through
    Run Command; one command carries the certificates of many nodes. A node that is offline, unknown or broken fails alone.
  - In check mode the nodes are asked what they would do, and change nothing.
options:
  state:
    description:
      - V(present) installs certificates.
      - V(absent) removes what was installed for records, private keys included. Files that something else put in their
        places stay.
    type: str
    choices: [present, absent]
    default: present
  certificates:
    description:
      - The certificates. Each has a C(host_id), the id of the node with C(#name) for a further certificate on it, and the
        settings that O(certwright.aws.cert_inventory#module:records) describes. They must be those that were given to
        M(certwright.aws.ssm_csr).
      - With O(state=present) each also has a C(certificate) and its C(chain) up to the root, in PEM, as
        M(certwright.aws.pca_certificate) returns them.
    type: list
    elements: dict
    required: true
  document_name:
    description:
      - The name of the document in the account.
      - By default it is C(Certwright-InstallCertificate), and with O(state=absent) C(Certwright-RemoveCertificate).
    type: str
  document_hash:
    description:
      - SHA-256 that the document's default version must have, from P(certwright.aws.ssm_document#lookup).
      - A document that was changed in the account is not run.
    type: str
    required: true
  command_timeout:
    description: How many seconds a node lets C(validation_command), C(reload_command) and C(aws_signing_helper) run, each.
    type: int
    default: 60
  endpoint_timeout:
    description: How many seconds after the reload C(tls_endpoint) may take to serve the new certificate.
    type: int
    default: 15
  wait_timeout:
    description:
      - How many seconds to wait for a node, from when its command was sent. A script that still runs then is ended, and the
        next run finishes or undoes what it had begun.
    type: int
    default: 300
author:
  - certwright.aws contributors (@certwright)
seealso:
  - module: certwright.aws.pca_certificate
  - module: certwright.aws.ssm_certificate_info
  - module: certwright.aws.ssm_csr
extends_documentation_fragment:
  - certwright.aws.attributes
  - certwright.aws.batch
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Install a certificate for nginx, and go back if nginx does not serve it
  certwright.aws.ssm_certificate:
    certificates:
      - host_id: i-0123456789abcdef0
        reload_command: nginx -t && nginx -s reload
        tls_endpoint: localhost:443
        certificate: "{{ issued.results[0].certificate }}"
        chain: "{{ issued.results[0].chain }}"
    document_hash: "{{ lookup('certwright.aws.ssm_document', 'Certwright-InstallCertificate').hash }}"

- name: Install what was issued for a wave of nodes
  certwright.aws.ssm_certificate:
    certificates: "{{ leased.records | certwright.aws.with_results(issued.results, ['certificate', 'chain']) }}"
    document_hash: "{{ lookup('certwright.aws.ssm_document', 'Certwright-InstallCertificate').hash }}"
    on_failure: report

- name: Remove the key and the certificate of a node
  certwright.aws.ssm_certificate:
    state: absent
    certificates:
      - host_id: i-0123456789abcdef0
    document_hash: "{{ lookup('certwright.aws.ssm_document', 'Certwright-RemoveCertificate').hash }}"
"""

RETURN = r"""
results:
  description: What became of each certificate, in their order.
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
      description: Whether the node was changed, or would be in check mode.
      returned: always
      type: bool
      sample: true
    failed:
      description: Whether it failed.
      returned: always
      type: bool
      sample: false
    action:
      description: V(installed), V(kept), V(rolled_back), V(removed) or V(failed).
      returned: always
      type: str
      sample: rolled_back
    reason:
      description: Why.
      returned: always
      type: str
      sample: "the reload command failed: exit status 1: nginx: configuration file test failed"
    error_code:
      description:
        - What kind of failure it was.
        - For example V(key_missing), V(key_mismatch), V(chain_invalid), V(expired), V(not_yet_valid), V(validation_failed),
          V(reload_failed), V(endpoint_mismatch), V(owner_unknown), V(node_offline), V(node_unknown), or AWS's error code.
      returned: when it failed on the node or AWS refused
      type: str
      sample: reload_failed
    serial:
      description: The serial number of the certificate, upper-case hexadecimal.
      returned: when it did not fail, and O(state=present)
      type: str
      sample: 6707447683A9B7F4055627FFD55CEBCC
    replaced_serial:
      description: What was in use before, as a serial number; V(before) for plain files, and V(null) for nothing.
      returned: when it did not fail, and O(state=present)
      type: str
      sample: 2BAE9A75D71B42B4E41E36F8B4B488FC
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
    "command_timeout": {"type": "int", "default": 60},
    "endpoint_timeout": {"type": "int", "default": 15},
    "wait_timeout": {"type": "int", "default": 300},
    "on_failure": ON_FAILURE,
}
STATES = {"present": (install, "Certwright-InstallCertificate"), "absent": (remove, "Certwright-RemoveCertificate")}


def do(module: CertwrightModule) -> None:
    """Install or remove certificates, and say what became of each."""
    carry_out, document_name = STATES[module.params["state"]]
    job = Job(
        document_name=module.params["document_name"] or document_name,
        document_hash=module.params["document_hash"],
        wait_timeout=module.params["wait_timeout"],
        comment=f"certwright.aws.ssm_certificate: {len(module.params['certificates'])} records",
    )
    limits = Limits(module.params["command_timeout"], module.params["endpoint_timeout"])
    results = carry_out(module.client("ssm"), job, module.params["certificates"], limits, check_mode=module.check_mode)
    changes = [result for result in results if result["changed"]]
    diff = {
        "before": {result["id"]: result.get("replaced_serial", "installed") for result in changes},
        "after": {result["id"]: result.get("serial") for result in changes},
    }
    module.exit_batch(results, diff=diff)


def main() -> None:
    CertwrightModule.run(do, argument_spec=ARGUMENT_SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
