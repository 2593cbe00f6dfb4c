#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_bucket_eventbridge
short_description: Have an S3 bucket tell EventBridge of its objects
version_added: 0.1.0
description:
  - Switches a bucket's notifications to EventBridge on or off, and leaves its other notifications alone.
  - M(community.aws.s3_bucket_notification) knows queues, topics and functions, not EventBridge.
options:
  bucket:
    description: The name of the bucket.
    type: str
    required: true
  enabled:
    description: Whether the bucket tells EventBridge.
    type: bool
    default: true
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - certwright.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Let event rules see what is written to a bucket
  certwright.aws.s3_bucket_eventbridge:
    bucket: example-crl
"""

RETURN = r"""
enabled:
  description: Whether the bucket tells EventBridge now, or would in check mode.
  returned: success
  type: bool
  sample: true
"""

from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.s3.notifications import ensure_eventbridge

ARGUMENT_SPEC = {
    "bucket": {"type": "str", "required": True},
    "enabled": {"type": "bool", "default": True},
}


def do(module: CertwrightModule) -> None:
    """Switch the notifications and say what changed."""
    enabled = module.params["enabled"]
    before = ensure_eventbridge(module.client("s3"), module.params["bucket"], enabled, check_mode=module.check_mode)
    module.exit_json(
        changed=before != enabled,
        enabled=enabled,
        diff={"before": {"enabled": before}, "after": {"enabled": enabled}},
    )


def main() -> None:
    CertwrightModule.run(do, argument_spec=ARGUMENT_SPEC, supports_check_mode=True, requires_cryptography=False)


if __name__ == "__main__":
    main()
