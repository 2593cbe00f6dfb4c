# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EventBridge: rules that really deliver, to Lambda functions, queues and topics whose policies allow it.

Events come from PutEvents and S3 (moto sends those), from Private CA, from Secrets Manager's rotations, and, as
CloudTrail would report them, from calls of Private CA's API. What cannot be delivered goes to the target's
dead-letter queue.
"""

from __future__ import annotations

import base64
import copy
import json
import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import jmespath
from moto.core import DEFAULT_ACCOUNT_ID
from moto.events.models import Rule, events_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from . import calls, clock, lambdas, permissions, rotation
from .acmpca import listeners as private_ca_listeners
from .errors import Refused

Event = dict[str, Any]

SERVICE = "events.amazonaws.com"
TRACED_SERVICES = ("acm-pca",)
"""Whose API calls are told as events, as if a trail recorded them."""
_deliver_as_moto = Rule.send_to_targets


def event(detail_type: str, source: str, region: str, resources: list[str], detail: Mapping[str, Any]) -> Event:
    """An event in EventBridge's envelope."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": DEFAULT_ACCOUNT_ID,
        "time": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": resources,
        "detail": dict(detail),
    }


def publish(message: Event) -> None:
    """Give an event of an AWS service to the rules of the default bus in its account and Region."""
    backend = events_backends[message["account"]][message["region"]]
    for rule in list(backend.event_buses["default"].rules.values()):
        rule.send_to_targets(message)  # type: ignore[arg-type]


def _send_to_targets(rule: Rule, message: Any, transform_input: bool = True) -> None:
    """Replaces moto's method, which passes disabled rules, knows neither Lambda nor SNS, and drops the account."""
    message = {name: value for name, value in message.items() if name != "ingestion-time"}
    if not isinstance(message["time"], str):
        message["time"] = datetime.fromtimestamp(message["time"], timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if not rule.state.startswith("ENABLED") or not rule.event_pattern.matches_event(message):
        return
    for target in list(rule.targets):
        if target["Arn"].split(":")[2] in _CARRIERS:
            _deliver(rule, target, message)
        else:  # log groups, archives and other buses
            alone = copy.copy(rule)
            alone.targets = [target]
            stamped: Any = {**message, "time": clock.epoch(), "ingestion-time": clock.epoch()}
            _deliver_as_moto(alone, stamped, transform_input)


def _deliver(rule: Rule, target: Mapping[str, Any], message: Event) -> None:
    payload = _payload(target, message)
    carry = _CARRIERS[target["Arn"].split(":")[2]]
    if not carry(target["Arn"], payload, rule.arn, target):
        dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
        if dead_letters:
            _to_queue(dead_letters, json.dumps(message), rule.arn, {})


def _payload(target: Mapping[str, Any], message: Event) -> str:
    """What a target gets: the event, a part of it, a text of the target's own, or one made from a template."""
    if "Input" in target:
        return target["Input"]
    if "InputPath" in target:
        return json.dumps(_at(target["InputPath"], message))
    if "InputTransformer" not in target:
        return json.dumps(message)
    transformer = target["InputTransformer"]
    values = {name: _at(path, message) for name, path in transformer.get("InputPathsMap", {}).items()}
    values |= {"aws.events.event.json": message, "aws.events.rule-arn": None}

    def filled(match: re.Match[str]) -> str:
        value = values.get(match[1])
        return value if isinstance(value, str) else json.dumps(value)

    return re.sub(r"<([\w.-]+)>", filled, transformer["InputTemplate"])


def _at(path: str, message: Event) -> Any:
    """The part of an event at a JSON path such as ``$.detail.object.key``."""
    if path == "$":
        return message
    quoted = ".".join(f'"{part}"' for part in path.removeprefix("$.").split("."))
    return jmespath.search(re.sub(r"\[(\d+)\]\"", r'"[\1]', quoted), message)


def _to_function(arn: str, payload: str, rule_arn: str, _target: Mapping[str, Any]) -> bool:
    try:
        function = lambdas.find(arn)
    except Refused:
        return False
    if not lambdas.permits(function, SERVICE, rule_arn):
        return False
    lambdas.invoke_later(function, json.loads(payload))
    return True


def _to_topic(arn: str, payload: str, rule_arn: str, _target: Mapping[str, Any]) -> bool:
    region, account = arn.split(":")[3:5]
    backend = sns_backends[account][region]
    topic = backend.topics.get(arn)
    if topic is None or not permissions.permits(topic._policy_json["Statement"], SERVICE, "sns:Publish", rule_arn):
        return False
    backend.publish(payload, arn=arn)
    return True


def _to_queue(arn: str, payload: str, rule_arn: str, target: Mapping[str, Any]) -> bool:
    region, account, name = arn.split(":")[3:]
    backend = sqs_backends[account][region]
    queue = backend.queues.get(name)
    policy = json.loads(queue.policy) if queue and queue.policy else {"Statement": []}
    if queue is None or not permissions.permits(policy["Statement"], SERVICE, "sqs:SendMessage", rule_arn):
        return False
    backend.send_message(name, payload, group_id=target.get("SqsParameters", {}).get("MessageGroupId"))
    return True


_CARRIERS = {"lambda": _to_function, "sns": _to_topic, "sqs": _to_queue}


def _tell_rotation(name: str, secret: Any) -> None:
    """Secrets Manager reports a rotation as an event of its own, which CloudTrail passes on."""
    detail = {
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": name,
        "eventType": "AwsServiceEvent",
        "awsRegion": secret.region,
        "additionalEventData": {"SecretId": secret.arn},
    }
    publish(event("AWS Service Event via CloudTrail", "aws.secretsmanager", secret.region, [], detail))


def _tell_call(call: calls.Call, request: Mapping[str, Any], response: Mapping[str, Any]) -> None:
    """An API call as CloudTrail records it; calls that only read are not told."""
    if re.match("(Get|List|Describe)", call.operation):
        return
    service = f"{call.service}.amazonaws.com"
    detail = {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "accountId": DEFAULT_ACCOUNT_ID, "accessKeyId": call.access_key},
        "eventTime": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": service,
        "eventName": call.operation,
        "awsRegion": call.region,
        "requestParameters": _as_recorded(request),
        "responseElements": _as_recorded(response) or None,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
    }
    publish(event("AWS API Call via CloudTrail", f"aws.{call.service}", call.region, [], detail))


def _as_recorded(members: Mapping[str, Any]) -> dict[str, Any]:
    """Members as CloudTrail writes them: names begin in lower case, binary data is a Java buffer."""
    return {name[0].lower() + name[1:]: _recorded(name, value) for name, value in members.items()}


def _recorded(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _as_recorded(value)
    if name == "Csr" and isinstance(value, str):
        raw = base64.b64decode(value)
        sizes = dict.fromkeys(("capacity", "limit"), len(raw))
        return {"hb": list(raw), "offset": 0, "isReadOnly": False, "bigEndian": True, "position": 0, **sizes}
    return value


def install() -> None:
    """Have moto deliver in this way, and listen to the services that tell events."""
    Rule.send_to_targets = _send_to_targets  # type: ignore[method-assign]
    sources: list[tuple[list[Any], Any]] = [(private_ca_listeners, publish), (rotation.on_event, _tell_rotation)]
    sources += [(calls.listeners.setdefault(service, []), _tell_call) for service in TRACED_SERVICES]
    for listeners, listener in sources:
        if listener not in listeners:
            listeners.append(listener)
