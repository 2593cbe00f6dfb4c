# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotation function of AWS Lambda for an origin header; its settings are JSON in the variable ORIGIN_HEADER."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

from ansible_collections.certwright.aws.plugins.module_utils.aws import client_config
from ansible_collections.certwright.aws.plugins.module_utils.origin.function import rotate_step


def handler(event: dict[str, Any], context: Any) -> None:
    """Do one step of a rotation. What it raises, Secrets Manager reports and tries again."""
    done = rotate_step(
        event,
        settings=json.loads(os.environ["ORIGIN_HEADER"]),
        clients=lambda service, region: boto3.client(service, region_name=region, config=client_config()),
        seconds_left=context.get_remaining_time_in_millis() / 1000,
    )
    print(json.dumps(done))
