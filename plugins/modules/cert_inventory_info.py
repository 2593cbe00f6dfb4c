#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_inventory_info
short_description: Look up records in the table of host certificates
version_added: 0.1.0
description:
  - Reads the host table and says of each record in which state its certificate is, and why.
options:
  table_name:
    description: Name of the host table.
    type: str
    default: certificates
  host_ids:
    description:
      - Only these records.
      - By default the whole table is read.
    type: list
    elements: str
  states:
    description:
      - Only records in one of these states.
      - A record is either V(missing) (no certificate is recorded, or its expiry was removed), V(failed) (the last attempt
        failed, or the record holds something that cannot be used), V(expired), V(due) (inside the renewal window, revoked,
        or made for other settings) or V(valid).
      - V(leased) stands beside these; it means that a run works on the record now.
    type: list
    elements: str
    choices: [missing, failed, expired, due, valid, leased]
  expiring_within:
    description: Only records whose certificate ends within this time, or has ended, for example V(12h).
    type: str
  renew_before:
    description: How long before its end a certificate is due, for example V(48h), V(7d) or V(1d12h).
    type: str
    default: 48h
  defaults:
    description:
      - The settings that apply where a record has none, as in M(certwright.aws.cert_inventory).
      - With them, a certificate that was made for other settings than apply now is V(due). They must be those with which
        certificates are renewed; without any, that is not asked.
    type: dict
seealso:
  - module: certwright.aws.cert_inventory
  - plugin: certwright.aws.cert_inventory
    plugin_type: inventory
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes.info_module
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Look for certificates that nobody renewed
  certwright.aws.cert_inventory_info:
    table_name: certificates
    expiring_within: 12h
  register: late

- name: Say which
  ansible.builtin.assert:
    that: late.records | length == 0
    fail_msg: "{{ late.records | items2dict(key_name='host_id', value_name='reason') }}"

- name: Look at all certificates of a node
  certwright.aws.cert_inventory_info:
    host_ids: [i-0123456789abcdef0, "i-0123456789abcdef0#api"]
"""

RETURN = r"""
records:
  description: The records that were found, in the order of their ids, or in that of O(host_ids).
  returned: success
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
    state:
      description: The state, as O(states) names them without V(leased).
      returned: always
      type: str
      sample: due
    due:
      description: Whether the next run renews the certificate.
      returned: always
      type: bool
      sample: true
    reason:
      description: Why the record is in this state.
      returned: always
      type: str
      sample: expires in 9 h, renewal window 48 h
    leased:
      description: Whether a run works on the record now.
      returned: always
      type: bool
      sample: false
    cert_path:
      description:
        - Folder of the certificate on the node.
        - All settings that O(ignore:records) of M(certwright.aws.cert_inventory) describes are returned in the same way, with
          the default where the record has none.
      returned: when the record holds nothing that cannot be used
      type: str
      sample: /etc/pki/certwright/mi-0123456789abcdef0#api
    serial:
      description: Serial number of the certificate in use, in hexadecimal.
      returned: always
      type: str
      sample: 3F2A51C09D
    expiry:
      description: End of the certificate in use.
      returned: always
      type: str
      sample: "2026-01-17T12:00:00Z"
    status:
      description: How the last attempt ended, V(DEPLOYED) or V(FAILED).
      returned: always
      type: str
      sample: DEPLOYED
    renewal_date:
      description: The day from which the certificate is renewed, as it was recorded with it.
      returned: always
      type: str
      sample: "2026-01-15"
    certificate_arn:
      description: ARN of the certificate in use.
      returned: always
      type: str
      sample: arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/1f2e/certificate/3f2a51c09d
    fingerprint_sha256:
      description: SHA-256 fingerprint of the certificate in use.
      returned: always
      type: str
      sample: 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
    public_key_sha256:
      description: SHA-256 of the public key of the certificate in use.
      returned: always
      type: str
      sample: 9b74c9897bac770ffc029102a200c5de8f5d6c0a1e0b3a4cbb3f6e31fd2a7f10
    request_hash:
      description: A hash of the settings that shaped the certificate in use.
      returned: always
      type: str
      sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    pending_certificate_arn:
      description: ARN of a certificate that was issued and is not installed yet.
      returned: always
      type: str
      sample: arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/1f2e/certificate/77b1d0
    pending_public_key_sha256:
      description: SHA-256 of the public key of that certificate.
      returned: always
      type: str
      sample: fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9
    revoked:
      description: Whether the certificate in use was revoked.
      returned: always
      type: bool
      sample: false
    last_error:
      description: Why the last attempt failed, until one succeeds.
      returned: always
      type: str
      sample: the node is off line
    last_error_time:
      description: When it failed.
      returned: always
      type: str
      sample: "2026-01-15T06:00:12Z"
    lease_owner:
      description: The run that works on the record, or did when it was interrupted.
      returned: always
      type: str
      sample: controller-1:6f1c2f3e9a7b4c55
    lease_until:
      description: When the run's lease ends.
      returned: always
      type: str
      sample: "2026-01-15T06:30:00Z"
counts:
  description: How many records of the table, or of O(host_ids), are in each state, whatever O(states) and O(expiring_within) select.
  returned: success
  type: dict
  sample: {missing: 1, failed: 0, expired: 0, due: 3, valid: 96, leased: 3}
unknown:
  description: Those of O(host_ids) that are not in the table.
  returned: success
  type: list
  elements: str
  sample: []
"""

from datetime import datetime, timezone

from ansible_collections.certwright.aws.plugins.module_utils.host_table.listing import (
    STATES,
    Selection,
    assess_all,
    counted,
    read_items,
)
from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.renewal import parse_duration

ARGUMENT_SPEC = {
    "table_name": {"type": "str", "default": "certificates"},
    "host_ids": {"type": "list", "elements": "str"},
    "states": {"type": "list", "elements": "str", "choices": list(STATES)},
    "expiring_within": {"type": "str"},
    "renew_before": {"type": "str", "default": "48h"},
    "defaults": {"type": "dict"},
}


def do(module: CertwrightModule) -> None:
    """Return the records that are asked for."""
    now = datetime.now(timezone.utc)
    within = module.params["expiring_within"]
    selection = Selection(
        states=frozenset(module.params["states"] or STATES),
        expiring_within=parse_duration(within) if within else None,
    )
    renew_before = parse_duration(module.params["renew_before"])
    host_ids = module.params["host_ids"]
    items = read_items(
        module.client("dynamodb"), module.params["table_name"], list(dict.fromkeys(host_ids)) if host_ids else host_ids
    )
    listed = assess_all(items, now=now, renew_before=renew_before, defaults=module.params["defaults"])
    known = {one.record.host_id for one in listed}
    module.exit_json(
        changed=False,
        records=[{**one.as_result(), "leased": one.record.leased(now)} for one in listed if selection.takes(one, now)],
        counts=counted(listed, now),
        unknown=[host_id for host_id in host_ids or [] if host_id not in known],
    )


def main() -> None:
    CertwrightModule.run(do, argument_spec=ARGUMENT_SPEC, supports_check_mode=True, requires_cryptography=False)


if __name__ == "__main__":
    main()
