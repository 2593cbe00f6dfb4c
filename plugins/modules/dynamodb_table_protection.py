#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dynamodb_table_protection
short_description: Protect a DynamoDB table
version_added: 0.1.0
description:
  - Sets point-in-time recovery, the encryption key and deletion protection of a DynamoDB table that exists.
  - Use M(community.aws.dynamodb_table) to create the table; it has no options for these.
options:
  table_name:
    description: The name of the table.
    type: str
    required: true
  point_in_time_recovery:
    description:
      - Whether the table can be restored to any second of its recovery period.
      - When it is not given, it is left as it is.
    type: bool
  deletion_protection:
    description:
      - Whether AWS refuses to delete the table.
      - When it is not given, it is left as it is.
    type: bool
  kms_key_id:
    description:
      - ARN of the KMS key that encrypts the table at rest.
      - When it is not given, the key is left as it is; a new table is encrypted with a key that AWS owns.
    type: str
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Let the host table be restored to any second, and let nobody delete it
  certwright.aws.dynamodb_table_protection:
    table_name: certificates
    point_in_time_recovery: true
    deletion_protection: true
"""

RETURN = r"""
protection:
  description: The table's protection as it is now, or would be in check mode.
  returned: success
  type: dict
  contains:
    point_in_time_recovery:
      description: Whether point-in-time recovery is enabled.
      returned: always
      type: bool
      sample: true
    deletion_protection:
      description: Whether AWS refuses to delete the table.
      returned: always
      type: bool
      sample: true
    kms_key_id:
      description: ARN of the KMS key, or V(null) for the key that AWS owns.
      returned: always
      type: str
      sample: arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
"""

from ansible_collections.certwright.aws.plugins.module_utils.dynamodb.protection import Protection, ensure_protection
from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule

ARGUMENT_SPEC = {
    "table_name": {"type": "str", "required": True},
    "point_in_time_recovery": {"type": "bool"},
    "deletion_protection": {"type": "bool"},
    "kms_key_id": {"type": "str"},
}


def do(module: CertwrightModule) -> None:
    """Protect the table and say what changed."""
    wanted = Protection(
        point_in_time_recovery=module.params["point_in_time_recovery"],
        deletion_protection=module.params["deletion_protection"],
        kms_key_id=module.params["kms_key_id"],
    )
    before, after = ensure_protection(
        module.client("dynamodb"), module.params["table_name"], wanted, check_mode=module.check_mode
    )
    module.exit_json(
        changed=before != after,
        protection=after.as_result(),
        diff={"before": before.as_result(), "after": after.as_result()},
    )


def main() -> None:
    CertwrightModule.run(do, argument_spec=ARGUMENT_SPEC, supports_check_mode=True, requires_cryptography=False)


if __name__ == "__main__":
    main()
