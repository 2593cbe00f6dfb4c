#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: waf_origin_secret
short_description: Set up and rotate the secret header between CloudFront and its origin
version_added: 0.1.0
description:
  - Has CloudFront distributions add a header with a secret value to their requests, and has AWS WAF or a load balancer in
    front of the origin demand it, so that the origin cannot be reached past CloudFront.
  - Rotates the value without one refused request. The origin accepts the old and the new value before a distribution sends
    the new one, and the old one is retired only when every distribution is C(Deployed) with the new one.
  - Steps and labels are those of Secrets Manager. A run that was interrupted anywhere is resumed by the next one, with the
    same pending version. Runs at the same moment, also of a rotation function of AWS Lambda, do not get in each other's way
    where the origin is guarded by AWS WAF; Elastic Load Balancing offers no protection from two writers at once.
  - Everything else in the web ACL, rule group, listener rule and distribution stays as it is. When the installed botocore
    does not know all of their settings and so could not write them back, nothing is changed and the module fails.
  - The value is never returned, shown or logged. Whoever may read the web ACL, the listener rule or the configuration of
    the distribution can read it there.
options:
  state:
    description:
      - V(present) has the secret exist with a random value, the distributions send its current value, and the origin demand
        it. Whatever has drifted is repaired; a rotation under way is not disturbed.
      - V(rotated) does that and then rotates the value, when it is as old as O(min_age) or a rotation was not finished. A
        secret that it creates is not rotated.
      - V(absent) has the origin demand the header no longer, then the distributions send it no longer, and then schedules
        the secret for deletion.
    type: str
    choices: [present, rotated, absent]
    default: present
  min_age:
    description:
      - How old the current value must be for O(state=rotated) to rotate it, such as V(30d) or V(12h). A schedule can so run
        the module more often than the value rotates.
      - When it is not given, every run rotates.
    type: str
  retire_previous:
    description:
      - When the origin stops to accept the old value.
      - V(after_deployed) does so at the end of the rotation, when every distribution is C(Deployed) with the new value.
      - V(next_rotation) goes on accepting it until the next rotation.
    type: str
    choices: [after_deployed, next_rotation]
    default: after_deployed
  rule_priority:
    description:
      - Priority of the rule in each web ACL and rule group. No other rule may have it.
      - When it is not given, an existing rule keeps its priority, and a new one gets 0.
    type: int
  rule_action:
    description:
      - What a new rule does. V(allow) allows requests with the right value, V(block) blocks those without it.
      - When it is not given, it is V(allow) in a web ACL that blocks by default, otherwise V(block).
    type: str
    choices: [allow, block]
  value_length:
    description:
      - Number of letters and digits in a new value, at least 32.
      - AWS WAF takes at most 200, a listener rule 128.
    type: int
    default: 64
  settle_time:
    description:
      - With O(test_urls), for how many seconds all answers must be right before a change of the origin counts as having
        reached it everywhere. They must be so for at least as long as it took until they became right.
    type: float
    default: 10
  propagation_wait:
    description: Without O(test_urls), how many seconds to wait for a change of the origin to reach it everywhere.
    type: float
    default: 75
  propagation_timeout:
    description: With O(test_urls), after how many seconds to give up on an origin that does not answer as it should.
    type: float
    default: 600
  deployment_timeout:
    description: After how many seconds to give up on a distribution that does not become C(Deployed).
    type: float
    default: 1800
  description:
    description:
      - The secret's description.
      - When it is not given, it is left as it is.
    type: str
  kms_key_id:
    description:
      - ARN, id or alias of the KMS key that encrypts the secret.
      - When it is not given, it is left as it is; a new secret is encrypted with the key C(aws/secretsmanager).
    type: str
  recovery_window_in_days:
    description: For how many days a secret that was deleted can be restored, 7 to 30.
    type: int
    default: 30
attributes:
  idempotent:
    support: partial
    details: With O(state=rotated) and without O(min_age), every run rotates.
seealso:
  - module: certwright.aws.waf_origin_secret_info
  - module: certwright.aws.secret_rotation
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes
  - certwright.aws.origin_header
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - amazon.aws.tags
"""

EXAMPLES = r"""
- name: Let nobody reach the origin past CloudFront
  certwright.aws.waf_origin_secret:
    secret_name: origin/www
    distributions:
      - id: E2QWRUHAPOMQZL
    web_acls:
      - arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/www/0c5b1f8e-7d0a-4a6b-9d7e-1f2a3b4c5d6e
    test_urls: https://origin.example.com/health

- name: Rotate the value when it is thirty days old
  certwright.aws.waf_origin_secret:
    state: rotated
    min_age: 30d
    secret_name: origin/www
    distributions:
      - id: E2QWRUHAPOMQZL
    web_acls:
      - arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/www/0c5b1f8e-7d0a-4a6b-9d7e-1f2a3b4c5d6e
    test_urls: https://origin.example.com/health

- name: Have a load balancer's listener rule demand the header from two distributions
  certwright.aws.waf_origin_secret:
    secret_name: origin/shop
    header_name: X-Shop-Origin
    distributions:
      - id: E2QWRUHAPOMQZL
        origins: [app]
      - id: E3ABCDEFGHIJKL
    listener_rules:
      - arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/shop/50dc6c/f2f7dc/9683b2

- name: Undo all of it
  certwright.aws.waf_origin_secret:
    state: absent
    secret_name: origin/www
    distributions:
      - id: E2QWRUHAPOMQZL
    web_acls:
      - arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/www/0c5b1f8e-7d0a-4a6b-9d7e-1f2a3b4c5d6e
"""

RETURN = r"""
action:
  description: >-
    What was done, or would be in check mode; V(created), V(updated), V(rotated), V(resumed) for a rotation that an earlier
    run had begun, V(removed) or V(kept).
  returned: success
  type: str
  sample: rotated
reason:
  description: Why.
  returned: success
  type: str
  sample: the value is 31 d old, min_age is 30 d
secret_arn:
  description: ARN of the secret; V(null) when it does not exist, or check mode would create it.
  returned: success
  type: str
  sample: arn:aws:secretsmanager:eu-west-1:123456789012:secret:origin/www-AbCdEf
origin_header:
  description: >-
    Which version of the secret is sent and accepted where, as it is now, or would be in check mode. Values are named by the
    label of their version; V(unknown) is one that no labelled version has.
  returned: success
  type: dict
  contains:
    versions:
      description: The version ids by label; empty when the secret does not exist.
      returned: always
      type: dict
      sample: {"AWSCURRENT": "5b4f0f43-93c3-5a8a-8a8e-5d4b6d1f3a11", "AWSPREVIOUS": "0e0f8a9c-1f6b-4f2b-9b5e-2f1d3c4b5a69"}
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
"""

from datetime import datetime, timezone

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.origin.flows import (
    ensure_absent,
    ensure_present,
    ensure_rotated,
)
from ansible_collections.certwright.aws.plugins.module_utils.origin.options import CHANGE_OPTIONS, SHARED_OPTIONS
from ansible_collections.certwright.aws.plugins.module_utils.origin.parts import OriginHeader, connect
from ansible_collections.certwright.aws.plugins.module_utils.origin.report import Report
from ansible_collections.certwright.aws.plugins.module_utils.origin.secret_settings import SecretWish
from ansible_collections.certwright.aws.plugins.module_utils.origin.settings import Settings
from ansible_collections.certwright.aws.plugins.module_utils.origin.timer import Timer
from ansible_collections.certwright.aws.plugins.module_utils.renewal import parse_duration

SETTINGS = {**SHARED_OPTIONS, **CHANGE_OPTIONS}
ARGUMENT_SPEC = {
    "secret_name": {"type": "str", "required": True, "no_log": False},
    "state": {"type": "str", "choices": ["present", "rotated", "absent"], "default": "present"},
    "min_age": {"type": "str"},
    "description": {"type": "str"},
    "kms_key_id": {"type": "str"},
    "recovery_window_in_days": {"type": "int", "default": 30},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
    **SETTINGS,
}


def do(module: CertwrightModule) -> None:
    """Bring the origin header into the state that is wanted and say what changed."""
    settings = Settings.from_options({name: module.params[name] for name in SETTINGS})
    origin = connect(settings, module.params["secret_name"], module.client_in, Timer())
    module.exit_json(**_ensure(module, origin).as_result())


def _ensure(module: CertwrightModule, origin: OriginHeader) -> Report:
    options = module.params
    if options["state"] == "absent":
        window = options["recovery_window_in_days"]
        return ensure_absent(origin, recovery_window_in_days=window, check_mode=module.check_mode)
    tags = options["tags"]
    wish = SecretWish(
        description=options["description"],
        kms_key_id=options["kms_key_id"],
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
        purge_tags=options["purge_tags"],
    )
    if options["state"] == "present":
        return ensure_present(origin, wish, check_mode=module.check_mode)
    min_age = parse_duration(options["min_age"]) if options["min_age"] else None
    now = datetime.now(timezone.utc)
    return ensure_rotated(origin, wish, min_age=min_age, now=now, check_mode=module.check_mode)


def main() -> None:
    CertwrightModule.run(do, argument_spec=ARGUMENT_SPEC, supports_check_mode=True, requires_cryptography=False)


if __name__ == "__main__":
    main()
