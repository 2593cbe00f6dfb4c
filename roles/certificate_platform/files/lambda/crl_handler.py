# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lambda function that brings a CRL to IAM Roles Anywhere whenever Private CA has published it."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

from ansible_collections.certwright.aws.plugins.module_utils.aws import client_config
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.function import Settings, bring_published_crl


def handler(event: dict[str, Any], _context: Any) -> dict[str, str]:
    """Handle S3's event that an object was created."""
    settings = Settings(
        trust_anchor_arn=os.environ["TRUST_ANCHOR_ARN"],
        crl_name=os.environ["CRL_NAME"],
        topic_arn=os.environ["TOPIC_ARN"],
    )
    done = bring_published_crl(event, settings, lambda service: boto3.client(service, config=client_config()))
    print(json.dumps(done))
    return done
