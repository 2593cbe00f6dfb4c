# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is called: each request classified as an API operation, counted and logged.

Names are those of IAM actions, ``acm-pca:IssueCertificate``. The log holds names and ARNs, never contents.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from moto.core.model import ServiceModel
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

from . import clock, iam_actions

# Where the name in a request's signature is not the name of botocore's service model.
SERVICE_MODELS = {
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
    "email": "ses",
}
# Operations that no SDK models.
UNMODELLED = {("rolesanywhere", "POST", "/sessions"): "CreateSession"}
LOG_LENGTH = 100_000
NAMING_MEMBER = re.compile(r"(Name|Names|Id|Ids|ID|Arn|Arns|ARN)$")

actions_on_resources: dict[str, Callable[[str, str, Mapping[str, Any]], list[str]]] = {}
"""By service, functions that tell from Region, operation and members which actions the resources, as they are, need too."""


@dataclass(frozen=True)
class Call:
    """One API request.

    :param service: as the request was signed for, which is the prefix of its IAM action
    :param operation: as AWS spells it; empty where the request is none that botocore knows
    :param resources: names, ids and ARNs at the top level of a JSON request
    :param actions: the IAM actions that the caller must be allowed
    """

    service: str
    operation: str
    region: str
    access_key: str
    resources: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"


def classify(request: Request, body: bytes) -> Call:
    """Tell which operation of which service a request is."""
    service, region, access_key = _signature(request.headers.get("Authorization", ""))
    target = request.headers.get("X-Amz-Target", "")
    operation = target.rpartition(".")[2] if target else _routed_operation(service, request)
    members = _members(request, body)
    actions = iam_actions.actions_of(f"{service}:{operation}", members)
    if service in actions_on_resources:
        actions += actions_on_resources[service](region, operation, members)
    resources = _resources(members) if target else ()
    return Call(service, operation, region, access_key, tuple(resources), tuple(actions))


def model_of(call: Call, request: Request) -> tuple[ServiceModel, str] | None:
    """botocore's model of the service and the protocol of the request, or None for a service that it does not know."""
    try:
        model = get_service_model(_model_name(call.service, request))
        return model, determine_request_protocol(model, request.content_type)
    except Exception:  # moto and botocore raise many kinds; whichever it is, the service is unknown
        return None


def error_code(headers: Mapping[str, str], body: bytes) -> str | None:
    """AWS's error code in a reply, whatever its protocol; None where the reply holds none."""
    in_header = headers.get("x-amzn-errortype", "")
    found = re.search(rb'"__type"\s*:\s*"([^"]+)"|<Code>([^<]+)</Code>', body)
    in_body = next(code for code in found.groups() if code).decode() if found else ""
    return (in_header.partition(":")[0] or in_body).rpartition("#")[2] or None


def _signature(authorization: str) -> tuple[str, str, str]:
    scope = re.search(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request", authorization)
    if not scope:
        return "unsigned", "us-east-1", ""
    access_key, region, service = scope.groups()
    return service.lower(), region, access_key


def _model_name(service: str, request: Request) -> str:
    if service == "elasticloadbalancing":
        return "elbv2" if request.values.get("Version", "").startswith("2015") else "elb"
    return SERVICE_MODELS.get(service, service)


def _routed_operation(service: str, request: Request) -> str:
    unmodelled = UNMODELLED.get((service, request.method, request.path))
    if unmodelled:
        return unmodelled
    try:
        operation, _parameters = get_service_router(_model_name(service, request)).match(request)
    except HTTPException:
        return ""
    except Exception:  # a service that botocore does not know
        return ""
    return str(operation.name)


def _members(request: Request, body: bytes) -> dict[str, Any]:
    """The members of a request, whatever its protocol; of those in the protocol of queries and in XML, the outer ones."""
    if body.startswith(b"{"):
        with contextlib.suppress(ValueError):
            return dict(json.loads(body))
    if body.startswith(b"<"):
        with contextlib.suppress(ElementTree.ParseError):
            return {child.tag.rpartition("}")[2]: child.text for child in ElementTree.fromstring(body)}
    return {name.partition(".")[0]: value for name, value in request.form.items()}


def _resources(members: Mapping[str, Any]) -> Iterator[str]:
    for name, value in members.items():
        if NAMING_MEMBER.search(name):
            yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))


class Ledger:
    """Counts of calls by operation, and a log of the last ones. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)

    def count(self, call: Call) -> None:
        with self._lock:
            self._counts[call.name] += 1

    def record(self, call: Call, status: int | None, error_code: str | None) -> None:
        """Add a call to the log. Status None means that the client got no reply."""
        entry = {
            "time": clock.now().isoformat(),
            "service": call.service,
            "operation": call.operation,
            "status": status,
            "error_code": error_code,
            "region": call.region,
            "access_key": call.access_key,
            "resources": list(call.resources),
            "actions": [*call.actions, *iam_actions.needed_for_error(call.name, error_code)],
        }
        with self._lock:
            self._log.append(entry)

    def counts(self) -> dict[str, Any]:
        with self._lock:
            return {"total": self._counts.total(), "by_operation": dict(sorted(self._counts.items()))}

    def log(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._log)

    def reset(self) -> None:
        with self._lock:
            self._counts.clear()
            self._log.clear()


ledger = Ledger()

Listener = Callable[[Call, dict[str, Any], dict[str, Any]], None]
listeners: dict[str, list[Listener]] = {}
"""By service, functions that get each successful call of it with its request and its reply, both JSON objects."""


def tell(call: Call, request: bytes, reply: bytes) -> None:
    """Tell the listeners of a call that succeeded."""
    for listener in listeners.get(call.service, []):
        listener(call, json.loads(request or b"{}"), json.loads(reply or b"{}"))
