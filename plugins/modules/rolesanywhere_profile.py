#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rolesanywhere_profile
short_description: Manage a profile of IAM Roles Anywhere
version_added: 0.1.0
description:
  - Creates, changes, enables, disables and deletes a profile, which says what IAM roles a certificate can be exchanged for, and
    for how long.
  - AWS lets profiles share a name. This module takes the name for one profile, and fails when there are several.
options:
  name:
    description:
      - The name of the profile, by which it is found.
      - Together with O(profile_arn), the name that it is to have.
      - Letters, digits, spaces, C(-) and C(_), at most 255.
    type: str
  profile_arn:
    description: ARN of the profile, to change or delete one that is not found by its name.
    type: str
  state:
    description: Whether the profile exists.
    type: str
    choices: [present, absent]
    default: present
  role_arns:
    description:
      - ARNs of the IAM roles that can be assumed, at most 250. Needed to create a profile.
      - The trust policy of each has to allow C(rolesanywhere.amazonaws.com) the actions C(sts:AssumeRole), C(sts:TagSession) and
        C(sts:SetSourceIdentity).
    type: list
    elements: str
  managed_policy_arns:
    description: ARNs of managed policies that limit every session. An empty list removes them.
    type: list
    elements: str
  session_policy:
    description:
      - An inline policy that limits every session.
      - AWS can change the policy of a profile, but not remove it.
    type: json
  duration_seconds:
    description: For how long credentials are valid, from 900 to 43200 seconds. AWS's default is 3600.
    type: int
  accept_role_session_name:
    description: Whether a client may choose the name of its session. AWS's default is V(false).
    type: bool
  enabled:
    description:
      - Whether credentials are given out. A disabled profile refuses every request.
      - A new profile is enabled unless this says otherwise; that of an existing one is left as it is.
    type: bool
seealso:
  - module: certwright.aws.rolesanywhere_profile_info
  - module: certwright.aws.rolesanywhere_trust_anchor
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - amazon.aws.tags
"""

EXAMPLES = r"""
- name: Exchange certificates for a role, for 15 minutes
  certwright.aws.rolesanywhere_profile:
    name: web
    role_arns:
      - arn:aws:iam::123456789012:role/web
    duration_seconds: 900
    session_policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Action: s3:GetObject
          Resource: arn:aws:s3:::example-web/*

- name: Give out no credentials for now
  certwright.aws.rolesanywhere_profile:
    name: web
    enabled: false

- name: Delete a profile
  certwright.aws.rolesanywhere_profile:
    name: web
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be in check mode; V(created), V(updated), V(deleted) or V(kept).
  returned: success
  type: str
  sample: created
reason:
  description: Why.
  returned: success
  type: str
  sample: does not exist
profile:
  description: The profile as it is now, or would be in check mode. V(null) when it does not exist any more.
  returned: success
  type: dict
  contains:
    profile_arn:
      description: Its ARN; V(null) for one that check mode would create.
      returned: always
      type: str
      sample: arn:aws:rolesanywhere:us-east-1:123456789012:profile/5f1c7c1e-8d4b-4c6e-9a47-0c2f6f1f9b3a
    profile_id:
      description: Its id; V(null) for one that check mode would create.
      returned: always
      type: str
      sample: 5f1c7c1e-8d4b-4c6e-9a47-0c2f6f1f9b3a
    name:
      description: Its name.
      returned: always
      type: str
      sample: web
    enabled:
      description: Whether credentials are given out.
      returned: always
      type: bool
      sample: true
    role_arns:
      description: ARNs of the roles that can be assumed.
      returned: always
      type: list
      elements: str
      sample: ["arn:aws:iam::123456789012:role/web"]
    managed_policy_arns:
      description: ARNs of the managed policies that limit every session.
      returned: always
      type: list
      elements: str
      sample: []
    session_policy:
      description: The inline policy that limits every session, or V(null).
      returned: always
      type: dict
      sample: null
    duration_seconds:
      description: For how long credentials are valid, in seconds; V(null) for AWS's default in check mode.
      returned: always
      type: int
      sample: 900
    accept_role_session_name:
      description: Whether a client may choose the name of its session.
      returned: always
      type: bool
      sample: false
    tags:
      description: Its tags.
      returned: always
      type: dict
      sample: {"team": "web"}
    created_at:
      description: When it was created, ISO 8601 in UTC.
      returned: when it exists
      type: str
      sample: "2026-01-31T12:00:00Z"
    updated_at:
      description: When it was last changed, ISO 8601 in UTC.
      returned: when it exists
      type: str
      sample: "2026-01-31T12:00:00Z"
"""

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.api import PROFILE
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.flows import (
    Wanted,
    ensure_absent,
    ensure_profile,
)
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.transformations import text_tags

ARGUMENT_SPEC = {
    "name": {"type": "str"},
    "profile_arn": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "role_arns": {"type": "list", "elements": "str"},
    "managed_policy_arns": {"type": "list", "elements": "str"},
    "session_policy": {"type": "json"},
    "duration_seconds": {"type": "int"},
    "accept_role_session_name": {"type": "bool"},
    "enabled": {"type": "bool"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
}


def do(module: CertwrightModule) -> None:
    """Bring the profile into the state that is wanted and say what changed."""
    options = module.params
    wanted = Wanted(
        name=options["name"],
        arn=options["profile_arn"],
        members={
            "roleArns": options["role_arns"],
            "managedPolicyArns": options["managed_policy_arns"],
            "sessionPolicy": options["session_policy"],
            "durationSeconds": options["duration_seconds"],
            "acceptRoleSessionName": options["accept_role_session_name"],
        },
        enabled=options["enabled"],
        tags=text_tags(options["tags"]),
        purge_tags=options["purge_tags"],
    )
    client = module.client("rolesanywhere")
    if options["state"] == "absent":
        outcome = ensure_absent(client, PROFILE, wanted, check_mode=module.check_mode)
    else:
        outcome = ensure_profile(client, wanted, check_mode=module.check_mode)
    module.exit_json(**outcome.as_result("profile"))


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        requires_cryptography=False,
        required_one_of=[("name", "profile_arn")],
    )


if __name__ == "__main__":
    main()
