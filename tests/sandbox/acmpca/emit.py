# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The events that Private CA sends to EventBridge, for whoever listens in the sandbox."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from .. import clock

Listener = Callable[[dict[str, Any]], None]
listeners: list[Listener] = []
"""Functions that get each event, in EventBridge's envelope."""


def emit(what: str, authority_arn: str, *resources: str, result: str = "success", reason: str | None = None) -> None:
    """Tell every listener of an event.

    :param what: the detail-type without its ``ACM Private CA``, for example ``Certificate Issuance``
    :param resources: further resources, beside the CA
    """
    _partition, _service, region, account = authority_arn.split(":")[1:5]
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": f"ACM Private CA {what}",
        "source": "aws.acm-pca",
        "account": account,
        "time": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [authority_arn, *resources],
        "detail": {"result": result, **({"reason": reason} if reason else {})},
    }
    for listener in list(listeners):
        listener(event)
