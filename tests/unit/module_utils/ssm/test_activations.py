# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hybrid activations are made once for each description, and their code stays out of sight."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.ssm.activations import (
    ActivationRequest,
    Outcome,
    ensure_activation,
    ensure_no_activation,
)
from tests.sandbox.client import Sandbox


@pytest.fixture(scope="module")
def ssm(sandbox: Sandbox) -> Any:
    return sandbox.client("ssm")


@pytest.fixture
def wanted() -> ActivationRequest:
    return ActivationRequest(description=f"dc7 {uuid.uuid4()}", iam_role="SSMServiceRole", tags={"site": "dc7"})


def ensure(ssm: Any, request: ActivationRequest, check_mode: bool = False) -> Outcome:
    return ensure_activation(ssm, request, now=datetime.now(timezone.utc), check_mode=check_mode)


def register(sandbox: Sandbox, made: Outcome) -> str:
    assert made.activation
    path = f"/activations/{made.activation['activation_id']}/register"
    return sandbox.control("POST", path, {"code": made.code, "kind": "simulated"})["id"]


def test_an_activation_is_made_once_and_its_code_told_once(
    sandbox: Sandbox, ssm: Any, wanted: ActivationRequest
) -> None:
    checked = ensure(ssm, wanted, check_mode=True)
    assert (checked.changed, checked.code) == (True, None)
    made, again = ensure(ssm, wanted), ensure(ssm, wanted)
    assert (made.changed, again.changed, again.code) == (True, False, None)
    assert made.code
    assert made.code not in repr(made)
    assert made.activation == again.activation
    assert register(sandbox, made).startswith("mi-")


def test_one_that_is_used_up_or_expired_is_followed_by_another(
    sandbox: Sandbox, ssm: Any, wanted: ActivationRequest
) -> None:
    first = ensure(ssm, wanted)
    register(sandbox, first)
    second = ensure(ssm, wanted)
    assert second.changed
    later = timedelta(hours=25)
    sandbox.control("POST", "/clock", {"offset_seconds": later.total_seconds()})
    try:
        third = ensure_activation(ssm, wanted, now=datetime.now(timezone.utc) + later, check_mode=False)
    finally:
        sandbox.control("POST", "/clock", {"offset_seconds": 0})
    assert len({outcome.activation["activation_id"] for outcome in (first, second, third)}) == 3


def test_other_settings_under_the_same_description_are_an_error(ssm: Any, wanted: ActivationRequest) -> None:
    made = ensure(ssm, wanted)
    with pytest.raises(
        InputError, match=rf"{made.activation['activation_id']} .* iam_role 'SSMServiceRole'; AWS cannot"
    ):
        ensure(ssm, replace(wanted, iam_role="Other"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"registration_limit": 0}, "registration_limit is 0, and has to be 1 to 1,000"),
        ({"registration_limit": 1001}, "registration_limit is 1001"),
        ({"valid_for": timedelta(days=31)}, "at most 30 days"),
        ({"valid_for": timedelta(0)}, "more than nothing"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(
    wanted: ActivationRequest, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ensure(None, replace(wanted, **changes))


def test_an_activation_is_deleted_by_id_or_description(ssm: Any, wanted: ActivationRequest) -> None:
    for by_id in (True, False):
        made = ensure(ssm, wanted)
        names = {
            "activation_id": made.activation["activation_id"] if by_id else None,
            "description": wanted.description,
        }
        assert ensure_no_activation(ssm, **names, check_mode=True).changed
        assert ensure_no_activation(ssm, **names, check_mode=False).action == "deleted"
        assert not ensure_no_activation(ssm, **names, check_mode=False).changed
