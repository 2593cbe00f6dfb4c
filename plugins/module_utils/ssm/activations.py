# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hybrid activations: what lets machines outside EC2 register with Systems Manager.

AWS tells an activation's code once, when it is made, and cannot change an activation afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..aws import call, pages
from ..errors import AwsError, InputError
from ..x509 import iso

if TYPE_CHECKING:
    from botocore.client import BaseClient

LIMIT = range(1, 1001)
"""How many machines one activation can register."""
LONGEST_VALIDITY = timedelta(days=30)


@dataclass(frozen=True)
class ActivationRequest:
    """The activation that is wanted. It is found again by ``description``.

    :param iam_role: name of the role that the registered machines have
    :param default_instance_name: the machines' name in Systems Manager; None for none
    """

    description: str
    iam_role: str
    registration_limit: int = 1
    valid_for: timedelta = timedelta(hours=24)
    default_instance_name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What was done, or would be in check mode.

    :ivar action: ``created``, ``deleted`` or ``kept``
    :ivar activation: the activation as a module returns it, None where there is none
    :ivar code: the activation's code, a secret; None unless it was made just now
    """

    action: str
    reason: str
    before: dict[str, Any] | None
    activation: dict[str, Any] | None
    code: str | None = field(default=None, repr=False)

    @property
    def changed(self) -> bool:
        return self.action != "kept"


def ensure_activation(ssm: BaseClient, request: ActivationRequest, *, now: datetime, check_mode: bool) -> Outcome:
    """Make an activation, unless there is one with the description that machines can still register with.

    :raises InputError: the request cannot be, or the activation that is there is another than the one wanted
    :raises AwsError: AWS refused
    """
    _check(request)
    held = _usable(ssm, request.description)
    if held:
        _check_same(held, request)
        return Outcome("kept", "has registrations left and has not expired", held, held)
    expires = now + request.valid_for
    wanted = {
        "activation_id": None,
        "description": request.description,
        "iam_role": request.iam_role,
        "default_instance_name": request.default_instance_name,
        "registration_limit": request.registration_limit,
        "registrations_count": 0,
        "expiration_date": iso(expires),
        "tags": dict(request.tags),
    }
    reason = "there is none with this description that machines can register with"
    if check_mode:
        return Outcome("created", reason, None, wanted)
    made = call(
        ssm,
        "create_activation",
        Description=request.description,
        IamRole=request.iam_role,
        DefaultInstanceName=request.default_instance_name,
        RegistrationLimit=request.registration_limit,
        ExpirationDate=expires,
        Tags=[{"Key": key, "Value": value} for key, value in request.tags.items()] or None,
    )
    return Outcome("created", reason, None, {**wanted, "activation_id": made["ActivationId"]}, made["ActivationCode"])


def ensure_no_activation(
    ssm: BaseClient, *, activation_id: str | None, description: str | None, check_mode: bool
) -> Outcome:
    """Delete the activation with the id, or the usable one with the description. Registered machines stay registered.

    :raises AwsError: AWS refused
    """
    held = _by_id(ssm, activation_id) if activation_id else _usable(ssm, str(description))
    if held is None:
        return Outcome("kept", "does not exist", None, None)
    if not check_mode:
        try:
            call(ssm, "delete_activation", ActivationId=held["activation_id"])
        except AwsError as error:
            if error.code not in ("InvalidActivationId", "InvalidActivation"):
                raise
    return Outcome("deleted", "exists, and should not", held, None)


def _usable(ssm: BaseClient, description: str) -> dict[str, Any] | None:
    """The activation with the description with which machines can still register."""
    for page in pages(ssm, "describe_activations"):
        for item in page.get("ActivationList", []):
            left = item["RegistrationLimit"] - item.get("RegistrationsCount", 0)
            if item.get("Description") == description and not item.get("Expired") and left > 0:
                return _result(item)
    return None


def _by_id(ssm: BaseClient, activation_id: str) -> dict[str, Any] | None:
    only = [{"FilterKey": "ActivationIds", "FilterValues": [activation_id]}]
    for page in pages(ssm, "describe_activations", Filters=only):
        for item in page.get("ActivationList", []):
            return _result(item)
    return None


def _result(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "activation_id": item["ActivationId"],
        "description": item.get("Description"),
        "iam_role": item["IamRole"],
        "default_instance_name": item.get("DefaultInstanceName") or None,
        "registration_limit": item["RegistrationLimit"],
        "registrations_count": item.get("RegistrationsCount", 0),
        "expiration_date": iso(item["ExpirationDate"]),
        "tags": {tag["Key"]: tag["Value"] for tag in item.get("Tags", [])},
    }


def _check(request: ActivationRequest) -> None:
    if request.registration_limit not in LIMIT:
        raise InputError(f"registration_limit is {request.registration_limit}, and has to be 1 to {LIMIT[-1]:,}")
    if not timedelta(0) < request.valid_for <= LONGEST_VALIDITY:
        raise InputError(f"valid_for has to be more than nothing and at most {LONGEST_VALIDITY.days} days")


def _check_same(held: Mapping[str, Any], request: ActivationRequest) -> None:
    wanted = {
        "iam_role": request.iam_role,
        "default_instance_name": request.default_instance_name,
        "registration_limit": request.registration_limit,
    }
    differences = [f"{name} {held[name]!r}" for name, value in wanted.items() if held[name] != value]
    if differences:
        raise InputError(
            f"activation {held['activation_id']} has the description {request.description!r} and {', '.join(differences)}; "
            "AWS cannot change an activation: delete it, or give another description"
        )
