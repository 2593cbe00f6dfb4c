#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_inventory
short_description: Keep the table of host certificates
version_added: 0.1.0
description:
  - Registers nodes and the settings of their certificates in the host table, a DynamoDB table with one record for each
    certificate on each node, and notes there what was done about them.
  - A table that AWS's sample for certificate deployment has filled is used as it is. Attributes that this module does
    not know are left alone.
  - A record is written only if it is still as it was read, so that two runs at once never undo each other's work.
  - The states V(leased), V(recorded) and V(released) are for playbooks that renew certificates themselves; the role
    P(certwright.aws.host_certificates#role) does that.
options:
  state:
    description:
      - V(present) creates records and changes their settings. A setting that is not given is left as it is.
      - V(absent) deletes records. The certificates on the nodes stay.
      - V(due) removes the expiry of records, so that the next run renews their certificates.
      - V(revoked) notes that the certificates with the O(records[].serial) were revoked, so that the next run replaces them. A
        record that has another certificate by now is left alone. Revoke them with M(certwright.aws.pca_certificate).
      - V(leased) takes the records whose certificate is due for one run alone, until it records a result or releases
        them, or until O(lease_seconds) have passed.
      - V(recorded) writes the results of a run, in O(records), and releases the records.
      - V(released) gives records back without a result.
    type: str
    choices: [present, absent, due, revoked, leased, recorded, released]
    default: present
  table_name:
    description: Name of the host table.
    type: str
    default: certificates
  host_ids:
    description:
      - The ids of records, where nothing but the id is needed.
      - An id is that of the Systems Manager node, with C(#name) for a further certificate on the node.
      - Exactly one of O(host_ids) and O(records) must be given, and each record may be named once.
    type: list
    elements: str
  records:
    description:
      - The records, with their settings for O(state=present), or their results for O(state=recorded).
      - Exactly one of O(host_ids) and O(records) must be given, and each record may be named once.
    type: list
    elements: dict
    suboptions:
      host_id:
        description: The id of the node, with C(#name) for a further certificate on the node.
        type: str
        required: true
      cert_path:
        description: Folder of the certificate, C(<host_id>.crt). By default it is the record's folder in O(records[].state_dir).
        type: str
      key_path:
        description: Folder of the private key, C(<host_id>.key). By default it is the record's folder in O(records[].state_dir).
        type: str
      cacert_path:
        description: Folder of the chain, C(ca_chain_certificate.crt). By default it is the record's folder in O(records[].state_dir).
        type: str
      csr_path:
        description: Folder of the signing request, C(<host_id>.csr). By default it is O(records[].cert_path).
        type: str
      signinghelper_path:
        description:
          - Folder of C(aws_signing_helper). When it is given, a new certificate must get credentials from IAM Roles
            Anywhere before it is used.
        type: str
      common_name:
        description: The common name of the certificate. By default it is the id of the node.
        type: str
      subject:
        description: The parts of the certificate's subject beside the common name. They replace all that are recorded.
        type: dict
        suboptions:
          organization:
            description: The organization.
            type: str
          organizational_unit:
            description: The organizational unit.
            type: str
          country:
            description: The country, as the two upper-case letters of ISO 3166.
            type: str
          state:
            description: The state or province.
            type: str
          locality:
            description: The city.
            type: str
      subject_alt_names:
        description:
          - The subject alternative names, for example V(DNS:www.example.com), V(IP:10.0.0.1), V(email:ops@example.com) or
            V(URI:spiffe://example.com/web). They replace all that are recorded.
        type: list
        elements: str
      key_algorithm:
        description: The kind of the private key. By default it is V(RSA_2048).
        type: str
        choices: [RSA_2048, RSA_3072, RSA_4096, EC_prime256v1, EC_secp384r1, EC_secp521r1]
      owner:
        description: The user who owns the files on the node. By default it is V(root).
        type: str
      group:
        description: The group that owns the files on the node. By default it is the owner's own.
        type: str
      mode:
        description: The mode of the private key, V(0400), V(0440), V(0600) or V(0640). By default it is V(0400).
        type: str
      state_dir:
        description: The folder on the node that holds all versions of the certificate. By default it is V(/etc/pki/certwright).
        type: str
      validation_command:
        description: A command that must succeed on the node before a new certificate is used.
        type: str
      reload_command:
        description: A command that has the service on the node use the new certificate.
        type: str
      tls_endpoint:
        description: Host and port, as seen from the node, that must serve the new certificate after the reload.
        type: str
      trust_anchor_arn:
        description: The trust anchor with which C(aws_signing_helper) proves the certificate.
        type: str
      profile_arn:
        description: The profile with which C(aws_signing_helper) proves the certificate.
        type: str
      role_arn:
        description: The role with which C(aws_signing_helper) proves the certificate.
        type: str
      certificate_authority_arn:
        description: The private CA that issues the certificate.
        type: str
      template_arn:
        description: The template by which the CA issues the certificate.
        type: str
      signing_algorithm:
        description: How the CA signs the certificate.
        type: str
        choices:
          - SHA256WITHRSA
          - SHA384WITHRSA
          - SHA512WITHRSA
          - SHA256WITHRSA_PSS
          - SHA384WITHRSA_PSS
          - SHA512WITHRSA_PSS
          - SHA256WITHECDSA
          - SHA384WITHECDSA
          - SHA512WITHECDSA
          - SM3WITHSM2
          - ML_DSA_44
          - ML_DSA_65
          - ML_DSA_87
      validity_days:
        description: For how many days the certificate is issued.
        type: int
      unset:
        description: Names of settings to remove from the record with O(state=present), so that the default applies again.
        type: list
        elements: str
      serial:
        description:
          - The serial number of the certificate that is installed now, or with O(state=revoked) was revoked, in hexadecimal.
          - A result is either O(records[].serial) and O(records[].expiry), or O(records[].error).
        type: str
      expiry:
        description: The end of the certificate that is installed now, in ISO 8601.
        type: str
        aliases: [not_after]
      certificate_arn:
        description: ARN of the certificate that is installed now.
        type: str
      fingerprint_sha256:
        description: SHA-256 fingerprint of the certificate that is installed now.
        type: str
      public_key_sha256:
        description: SHA-256 of the public key of the certificate that is installed now.
        type: str
      request_hash:
        description: What M(certwright.aws.ssm_csr) returned for the certificate that is installed now.
        type: str
      error:
        description: Why no new certificate could be installed. It is kept in the record until one is.
        type: str
  defaults:
    description:
      - The settings of O(records) that apply where a record has none, for O(state=leased).
      - With them, a certificate that was made for other settings than apply now is due; without any, that is not asked.
    type: dict
  renew_before:
    description: How long before its end a certificate is due, for example V(48h), V(7d) or V(1d12h).
    type: str
    default: 48h
  force:
    description:
      - With O(state=leased), lease records whose certificate is not due too, but none that another run works on.
      - With O(state=absent) and O(state=released), also take records that another run works on.
    type: bool
    default: false
  lease_owner:
    description:
      - Who works on the records, for O(state=leased), O(state=recorded), O(state=released) and O(state=absent).
      - It must differ from run to run. With O(state=leased) a new one is made when none is given, and returned as
        RV(lease_owner).
      - With O(state=recorded) a result is refused when the record's lease is not this owner's, since then a later run has
        taken over. Without an owner it is refused when anybody has leased the record.
    type: str
  lease_seconds:
    description: After how many seconds a lease that was not given back ends by itself. It should be longer than a wave takes.
    type: int
    default: 1800
  clock_skew_seconds:
    description: By how many seconds the clocks of controllers may differ. Another run's lease is taken over only so long after its end.
    type: int
    default: 60
  verify_nodes:
    description:
      - With O(state=present), refuse new records of nodes that Systems Manager does not know in this account and Region.
      - It needs the permission C(ssm:DescribeInstanceInformation).
    type: bool
    default: true
notes:
  - A wave of up to 100 records costs two calls of DynamoDB in each state, C(BatchGetItem) and C(TransactWriteItems), the
    second only if something changes.
seealso:
  - module: certwright.aws.cert_inventory_info
  - plugin: certwright.aws.cert_inventory
    plugin_type: inventory
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes
  - certwright.aws.batch
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Register nodes, one of them with two certificates
  certwright.aws.cert_inventory:
    table_name: certificates
    records:
      - host_id: i-0123456789abcdef0
      - host_id: mi-0123456789abcdef0
        owner: nginx
        reload_command: systemctl reload nginx
        subject_alt_names: ["DNS:www.example.com"]
      - host_id: mi-0123456789abcdef0#api
        key_algorithm: EC_prime256v1
        cert_path: /srv/api/tls
        key_path: /srv/api/tls

- name: Put the key of one certificate back where it is by default
  certwright.aws.cert_inventory:
    records:
      - host_id: mi-0123456789abcdef0#api
        unset: [key_path]

- name: Have a certificate renewed by the next run
  certwright.aws.cert_inventory:
    state: due
    host_ids: [i-0123456789abcdef0]

- name: Forget a node
  certwright.aws.cert_inventory:
    state: absent
    host_ids: [i-0123456789abcdef0]

- name: Take what is due
  certwright.aws.cert_inventory:
    state: leased
    host_ids: "{{ ansible_play_batch }}"
    renew_before: 48h
    defaults:
      validity_days: 7
  register: leased
  run_once: true
  delegate_to: localhost

- name: Write down how it went
  certwright.aws.cert_inventory:
    state: recorded
    lease_owner: "{{ leased.lease_owner }}"
    records:
      - host_id: i-0123456789abcdef0
        serial: 3F2A51C09D
        expiry: "2026-01-17T12:00:00Z"
        certificate_arn: "{{ certificate_arn }}"
      - host_id: mi-0123456789abcdef0
        error: The node is off line
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
results:
  description: What was done about each record, in the order given.
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
      description: Whether the record was changed, or would be in check mode.
      returned: always
      type: bool
      sample: true
    action:
      description:
        - V(registered), V(updated), V(forgotten), V(marked), V(leased), V(recorded) or V(released) when the record was changed.
        - V(kept) when it was as it should be. With O(state=leased) instead V(not_due), or V(busy) when another run works on it.
        - V(failed), or with O(state=leased) V(unknown), when it could not be done.
      returned: always
      type: str
      sample: leased
    reason:
      description: Why.
      returned: always
      type: str
      sample: expires in 9 h, renewal window 48 h
    failed:
      description: Whether it could not be done.
      returned: always
      type: bool
      sample: false
failures:
  description: The elements of RV(results) that failed.
  returned: always
  type: list
  elements: dict
  sample: []
lease_owner:
  description: Who has the lease of the records. Give it to the tasks that write results.
  returned: when O(state=leased)
  type: str
  sample: controller-1:6f1c2f3e9a7b4c55
records:
  description: The records that were leased, with the settings that apply to them and what was recorded about them.
  returned: when O(state=leased)
  type: list
  elements: dict
  contains:
    host_id:
      description: The id of the record.
      returned: always
      type: str
      sample: mi-0123456789abcdef0#api
    node_id:
      description: The id of the node.
      returned: always
      type: str
      sample: mi-0123456789abcdef0
    cert_path:
      description: Folder of the certificate. All other settings of O(records) are returned in the same way.
      returned: always
      type: str
      sample: /srv/api/tls
    state:
      description: The state of the record, V(missing), V(failed), V(expired), V(due) or V(valid).
      returned: always
      type: str
      sample: due
    serial:
      description: Serial number of the certificate in use.
      returned: always
      type: str
      sample: 3F2A51C09D
    expiry:
      description: End of the certificate in use.
      returned: always
      type: str
      sample: "2026-01-17T12:00:00Z"
    pending_certificate_arn:
      description: ARN of a certificate that an earlier run had issued and not installed. It is to be installed now.
      returned: always
      type: str
      sample: arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/1f2e/certificate/3f2a51c09d
    pending_public_key_sha256:
      description: SHA-256 of the public key of that certificate.
      returned: always
      type: str
      sample: 9b74c9897bac770ffc029102a200c5de8f5d6c0a1e0b3a4cbb3f6e31fd2a7f10
"""

import platform
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.host.settings import CHECKS, OPTIONS
from ansible_collections.certwright.aws.plugins.module_utils.host_table import flows
from ansible_collections.certwright.aws.plugins.module_utils.host_table.flows import Settled
from ansible_collections.certwright.aws.plugins.module_utils.host_table.plans import Lease
from ansible_collections.certwright.aws.plugins.module_utils.modules import ON_FAILURE, CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.renewal import parse_duration
from ansible_collections.certwright.aws.plugins.module_utils.ssm.managed_nodes import ping_statuses

RESULT_OPTIONS: dict[str, dict[str, Any]] = {
    "serial": {"type": "str"},
    "expiry": {"type": "str", "aliases": ["not_after"]},
    "certificate_arn": {"type": "str"},
    "fingerprint_sha256": {"type": "str"},
    "public_key_sha256": {"type": "str", "no_log": False},
    "request_hash": {"type": "str"},
    "error": {"type": "str"},
}
REGISTRATION_OPTIONS: dict[str, dict[str, Any]] = {"unset": {"type": "list", "elements": "str"}}
ARGUMENT_SPEC = {
    "state": {
        "type": "str",
        "choices": ["present", "absent", "due", "revoked", "leased", "recorded", "released"],
        "default": "present",
    },
    "table_name": {"type": "str", "default": "certificates"},
    "host_ids": {"type": "list", "elements": "str"},
    "records": {
        "type": "list",
        "elements": "dict",
        "options": {**OPTIONS, **REGISTRATION_OPTIONS, **RESULT_OPTIONS},
    },
    "defaults": {"type": "dict"},
    "renew_before": {"type": "str", "default": "48h"},
    "force": {"type": "bool", "default": False},
    "lease_owner": {"type": "str"},
    "lease_seconds": {"type": "int", "default": 1800},
    "clock_skew_seconds": {"type": "int", "default": 60},
    "verify_nodes": {"type": "bool", "default": True},
    "on_failure": ON_FAILURE,
}
Ending = tuple[list[Settled], dict[str, Any]]
"""What became of each record, and what else the module returns."""


def do(module: CertwrightModule) -> None:
    """Do what the state asks for, and say what became of each record."""
    check_options(module.params)
    settled, extra = STATES[module.params["state"]](module, module.client("dynamodb"))
    module.exit_batch([outcome.as_result() for outcome in settled], diff=flows.difference(settled), **extra)


def check_options(params: Mapping[str, Any]) -> None:
    """Refuse options that mean nothing in this state.

    :raises InputError: naming the option, and the state in which it means something
    """
    state, records = params["state"], params["records"] or []
    if state == "recorded" and params["records"] is None:
        raise InputError("state=recorded needs records, each with a serial and an expiry, or with an error")
    if state == "revoked" and (params["records"] is None or not all(record["serial"] for record in records)):
        raise InputError("state=revoked needs records, each with the serial that was revoked")
    for only_in, names in (("present", [*CHECKS, *REGISTRATION_OPTIONS]), ("recorded", list(RESULT_OPTIONS))):
        for record in records if state != only_in else []:
            if given := [name for name in names if record[name] and (state, name) != ("revoked", "serial")]:
                raise InputError(
                    f"record {record['host_id']}: {', '.join(given)} may be given with state={only_in} only"
                )
    if params["lease_seconds"] < 1 or params["clock_skew_seconds"] < 0:
        raise InputError("lease_seconds must be at least 1, and clock_skew_seconds at least 0")


def host_ids_of(params: Mapping[str, Any]) -> list[str]:
    """The ids of the records, whichever option names them."""
    return params["host_ids"] or [record["host_id"] for record in params["records"] or []]


def present(module: CertwrightModule, dynamodb: Any) -> Ending:
    def known_nodes(node_ids: Sequence[str]) -> set[str]:
        return set(ping_statuses(module.client("ssm"), node_ids))

    records = module.params["records"] or [{"host_id": host_id} for host_id in host_ids_of(module.params)]
    settled = flows.register(
        dynamodb,
        module.params["table_name"],
        records,
        known_nodes=known_nodes if module.params["verify_nodes"] else None,
        check_mode=module.check_mode,
    )
    return settled, {}


def absent(module: CertwrightModule, dynamodb: Any) -> Ending:
    return given_back(module, dynamodb, flows.forget)


def released(module: CertwrightModule, dynamodb: Any) -> Ending:
    return given_back(module, dynamodb, flows.release)


def given_back(module: CertwrightModule, dynamodb: Any, flow: Callable[..., list[Settled]]) -> Ending:
    settled = flow(
        dynamodb,
        module.params["table_name"],
        host_ids_of(module.params),
        now=datetime.now(timezone.utc),
        lease_owner=module.params["lease_owner"],
        force=module.params["force"],
        check_mode=module.check_mode,
    )
    return settled, {}


def due(module: CertwrightModule, dynamodb: Any) -> Ending:
    table_name, host_ids = module.params["table_name"], host_ids_of(module.params)
    return flows.mark_due(dynamodb, table_name, host_ids, check_mode=module.check_mode), {}


def revoked(module: CertwrightModule, dynamodb: Any) -> Ending:
    table_name, records = module.params["table_name"], module.params["records"]
    return flows.mark_revoked(dynamodb, table_name, records, check_mode=module.check_mode), {}


def leased(module: CertwrightModule, dynamodb: Any) -> Ending:
    now = datetime.now(timezone.utc)
    wanted = Lease(
        owner=module.params["lease_owner"] or f"{platform.node()}:{uuid.uuid4().hex}",
        until=now + timedelta(seconds=module.params["lease_seconds"]),
        clock_skew=timedelta(seconds=module.params["clock_skew_seconds"]),
    )
    settled, records = flows.lease(
        dynamodb,
        module.params["table_name"],
        host_ids_of(module.params),
        wanted,
        now=now,
        renew_before=parse_duration(module.params["renew_before"]),
        defaults=module.params["defaults"],
        force=module.params["force"],
        check_mode=module.check_mode,
    )
    return settled, {"lease_owner": wanted.owner, "records": [listed.as_result() for listed in records]}


def recorded(module: CertwrightModule, dynamodb: Any) -> Ending:
    settled = flows.record_results(
        dynamodb,
        module.params["table_name"],
        module.params["records"],
        now=datetime.now(timezone.utc),
        renew_before=parse_duration(module.params["renew_before"]),
        lease_owner=module.params["lease_owner"],
        check_mode=module.check_mode,
    )
    return settled, {}


STATES: dict[str, Callable[[CertwrightModule, Any], Ending]] = {
    "present": present,
    "absent": absent,
    "due": due,
    "revoked": revoked,
    "leased": leased,
    "recorded": recorded,
    "released": released,
}


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        requires_cryptography=False,
        mutually_exclusive=[("host_ids", "records")],
        required_one_of=[("host_ids", "records")],
    )


if __name__ == "__main__":
    main()
