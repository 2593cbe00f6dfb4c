#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_activation
short_description: Manage a hybrid activation of Systems Manager
version_added: 0.1.0
description:
  - Makes and deletes hybrid activations, with which machines outside EC2 register as managed nodes.
  - AWS tells the code of an activation once, when it is made. Whoever has code and id can register a machine that gets the
    role's credentials, so set C(no_log=true) on the task that makes one.
  - AWS cannot change an activation, so one that is there with other settings is an error.
options:
  state:
    description:
      - With V(present), an activation with O(description) is there with which machines can still register, neither expired nor
        used up. It is made if there is none.
      - With V(absent), the activation is not there. Machines that registered with it stay registered.
    type: str
    choices: [present, absent]
    default: present
  description:
    description:
      - Describes the activation, and finds it again.
      - Required when O(state=present).
    type: str
  activation_id:
    description: The id of the activation to delete. Only for O(state=absent).
    type: str
  iam_role:
    description:
      - The name of the IAM role of the registered machines. Its trust policy has to allow C(ssm.amazonaws.com) the action
        C(sts:AssumeRole).
      - Required when O(state=present).
    type: str
  default_instance_name:
    description: The name that the registered machines have in Systems Manager.
    type: str
  registration_limit:
    description: How many machines can register, from 1 to 1000.
    type: int
    default: 1
  valid_for:
    description: For how long machines can register, for example V(2h) or V(7d), at most V(30d).
    type: str
    default: 24h
  tags:
    description:
      - Tags of the activation, and of the machines that register with it.
      - They are set when it is made, and not changed afterwards.
    type: dict
    aliases: [resource_tags]
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Let 20 machines register in the next two hours
  certwright.aws.ssm_activation:
    description: datacenter 7
    iam_role: SSMServiceRole
    registration_limit: 20
    valid_for: 2h
    tags:
      site: dc7
  register: activation
  no_log: true

- name: Let nobody else register
  certwright.aws.ssm_activation:
    activation_id: "{{ activation.activation.activation_id }}"
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be in check mode; V(created), V(deleted) or V(kept).
  returned: success
  type: str
  sample: created
reason:
  description: Why.
  returned: success
  type: str
  sample: there is none with this description that machines can register with
activation_code:
  description: The code of the activation, a secret. AWS does not tell it again.
  returned: when the activation was made
  type: str
  sample: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER
activation:
  description: The activation, or V(null) when it does not exist any more.
  returned: success
  type: dict
  contains:
    activation_id:
      description: Its id; V(null) for one that check mode would make.
      returned: always
      type: str
      sample: 3f2b1c0d-9e8f-4a7b-8c6d-5e4f3a2b1c0d
    description:
      description: Its description.
      returned: always
      type: str
      sample: datacenter 7
    iam_role:
      description: The name of the role of the registered machines.
      returned: always
      type: str
      sample: SSMServiceRole
    default_instance_name:
      description: The name of the registered machines, or V(null).
      returned: always
      type: str
      sample: null
    registration_limit:
      description: How many machines can register.
      returned: always
      type: int
      sample: 20
    registrations_count:
      description: How many have.
      returned: always
      type: int
      sample: 0
    expiration_date:
      description: Until when they can, ISO 8601 in UTC.
      returned: always
      type: str
      sample: "2026-01-31T14:00:00Z"
    tags:
      description: Its tags.
      returned: always
      type: dict
      sample: {"site": "dc7"}
"""

from datetime import datetime, timezone

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.renewal import parse_duration
from ansible_collections.certwright.aws.plugins.module_utils.ssm.activations import (
    ActivationRequest,
    ensure_activation,
    ensure_no_activation,
)

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "description": {"type": "str"},
    "activation_id": {"type": "str"},
    "iam_role": {"type": "str"},
    "default_instance_name": {"type": "str"},
    "registration_limit": {"type": "int", "default": 1},
    "valid_for": {"type": "str", "default": "24h"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
}


def do(module: CertwrightModule) -> None:
    """Make or delete the activation and say what changed."""
    options, ssm = module.params, module.client("ssm")
    if options["state"] == "absent":
        outcome = ensure_no_activation(
            ssm,
            activation_id=options["activation_id"],
            description=options["description"],
            check_mode=module.check_mode,
        )
    else:
        request = ActivationRequest(
            description=options["description"],
            iam_role=options["iam_role"],
            registration_limit=options["registration_limit"],
            valid_for=parse_duration(options["valid_for"]),
            default_instance_name=options["default_instance_name"],
            tags={str(key): str(value) for key, value in (options["tags"] or {}).items()},
        )
        outcome = ensure_activation(ssm, request, now=datetime.now(timezone.utc), check_mode=module.check_mode)
    module.exit_json(
        changed=outcome.changed,
        action=outcome.action,
        reason=outcome.reason,
        activation=outcome.activation,
        diff={"before": outcome.before or {}, "after": outcome.activation or {}},
        **({"activation_code": outcome.code} if outcome.code else {}),
    )


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        requires_cryptography=False,
        required_if=[
            ("state", "present", ["description", "iam_role"]),
            ("state", "absent", ["description", "activation_id"], True),
        ],
    )


if __name__ == "__main__":
    main()
