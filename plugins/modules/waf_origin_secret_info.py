#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: waf_origin_secret_info
short_description: Check the secret header between CloudFront and its origin
version_added: 0.1.0
description:
  - Tells which version of the secret the distributions send and the origin accepts, how old the value is, and what is wrong.
  - With O(test_urls) it asks the origin too, with the current value, and without a value, with an empty and a wrong one.
  - Values are never returned, only the labels of their versions.
seealso:
  - module: certwright.aws.waf_origin_secret
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes.info_module
  - certwright.aws.origin_header
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Look at the header
  certwright.aws.waf_origin_secret_info:
    secret_name: origin/www
    distributions:
      - id: E2QWRUHAPOMQZL
    web_acls:
      - arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/www/0c5b1f8e-7d0a-4a6b-9d7e-1f2a3b4c5d6e
    test_urls: https://origin.example.com/health
  register: header

- name: It must be in order, and not older than 45 days
  ansible.builtin.assert:
    that:
      - header.in_sync
      - header.age_seconds < 45 * 86400
    fail_msg: "{{ header.problems | join('; ') }}"
"""

RETURN = r"""
exists:
  description: Whether the secret exists.
  returned: success
  type: bool
  sample: true
in_sync:
  description: Whether secret, distributions and origin agree, and nothing is under way.
  returned: success
  type: bool
  sample: false
problems:
  description: What is wrong; empty when RV(in_sync) is true.
  returned: success
  type: list
  elements: str
  sample: ["distribution E2QWRUHAPOMQZL sends origin app AWSPREVIOUS, not AWSCURRENT"]
secret_arn:
  description: ARN of the secret; V(null) when it does not exist.
  returned: success
  type: str
  sample: arn:aws:secretsmanager:eu-west-1:123456789012:secret:origin/www-AbCdEf
age_seconds:
  description: Age of the current value; V(null) when the secret does not exist.
  returned: success
  type: int
  sample: 2592000
origin_header:
  description: >-
    Which version of the secret is sent and accepted where. Values are named by the label of their version; V(unknown) is
    one that no labelled version has.
  returned: success
  type: dict
  contains:
    versions:
      description: The version ids by label; empty when the secret does not exist.
      returned: always
      type: dict
      sample: {"AWSCURRENT": "5b4f0f43-93c3-5a8a-8a8e-5d4b6d1f3a11"}
    distributions:
      description: By distribution and origin the label of the value that is sent; V(null) for no header.
      returned: always
      type: dict
      sample: {"E2QWRUHAPOMQZL": {"app": "AWSCURRENT"}}
    gates:
      description: By ARN of web ACL, rule group or listener rule the labels of what is accepted; V(null) where all is.
      returned: always
      type: dict
      sample:
        arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/www/0c5b1f8e-7d0a-4a6b-9d7e-1f2a3b4c5d6e: ["AWSCURRENT"]
probes:
  description: How the origin answered; empty without O(test_urls).
  returned: success
  type: list
  elements: dict
  contains:
    url:
      description: The URL that was asked for.
      returned: always
      type: str
      sample: https://origin.example.com/health
    request:
      description: What the request carried; V(AWSCURRENT), V(no header), V(an empty value) or V(a wrong value).
      returned: always
      type: str
      sample: no header
    let_in:
      description: Whether the origin let the request in; V(null) when its answer tells neither.
      returned: always
      type: bool
      sample: false
    as_expected:
      description: Whether that is as it should be.
      returned: always
      type: bool
      sample: true
    detail:
      description: The answer.
      returned: always
      type: str
      sample: HTTP status 403
"""

from datetime import datetime, timezone

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.origin.inspection import inspect
from ansible_collections.certwright.aws.plugins.module_utils.origin.options import SHARED_OPTIONS
from ansible_collections.certwright.aws.plugins.module_utils.origin.parts import connect
from ansible_collections.certwright.aws.plugins.module_utils.origin.settings import Settings
from ansible_collections.certwright.aws.plugins.module_utils.origin.timer import Timer

ARGUMENT_SPEC = {"secret_name": {"type": "str", "required": True, "no_log": False}, **SHARED_OPTIONS}


def do(module: CertwrightModule) -> None:
    """Look at the origin header."""
    settings = Settings.from_options({name: module.params[name] for name in SHARED_OPTIONS})
    origin = connect(settings, module.params["secret_name"], module.client_in, Timer())
    module.exit_json(changed=False, **inspect(origin).as_result(datetime.now(timezone.utc)))


def main() -> None:
    CertwrightModule.run(do, argument_spec=ARGUMENT_SPEC, supports_check_mode=True, requires_cryptography=False)


if __name__ == "__main__":
    main()
