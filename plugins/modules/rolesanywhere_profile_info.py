#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rolesanywhere_profile_info
short_description: Look up profiles of IAM Roles Anywhere
version_added: 0.1.0
description:
  - Lists the profiles of the account and Region with their tags.
  - AWS answers one request for tags a second, so that long lists take as many seconds. Name what you look for where you can.
options:
  name:
    description: Only the profiles with this name.
    type: str
  profile_arn:
    description: Only the profile with this ARN.
    type: str
seealso:
  - module: certwright.aws.rolesanywhere_profile
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes.info_module
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: List all profiles
  certwright.aws.rolesanywhere_profile_info:
  register: found

- name: Show what roles each can be exchanged for
  ansible.builtin.debug:
    msg: "{{ found.profiles | items2dict(key_name='name', value_name='role_arns') }}"
"""

RETURN = r"""
profiles:
  description: The profiles that were found, oldest first; none is no error.
  returned: success
  type: list
  elements: dict
  contains:
    profile_arn:
      description: Its ARN.
      returned: always
      type: str
      sample: arn:aws:rolesanywhere:us-east-1:123456789012:profile/5f1c7c1e-8d4b-4c6e-9a47-0c2f6f1f9b3a
    profile_id:
      description: Its id.
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
      description: For how long credentials are valid, in seconds.
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
      returned: always
      type: str
      sample: "2026-01-31T12:00:00Z"
    updated_at:
      description: When it was last changed, ISO 8601 in UTC.
      returned: always
      type: str
      sample: "2026-01-31T12:00:00Z"
"""

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.api import PROFILE
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.flows import describe

ARGUMENT_SPEC = {
    "name": {"type": "str"},
    "profile_arn": {"type": "str"},
}


def do(module: CertwrightModule) -> None:
    """Look the profiles up."""
    profiles = describe(
        module.client("rolesanywhere"), PROFILE, name=module.params["name"], arn=module.params["profile_arn"]
    )
    module.exit_json(changed=False, profiles=profiles)


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        mutually_exclusive=[("name", "profile_arn")],
    )


if __name__ == "__main__":
    main()
