# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The function that Secrets Manager calls to rotate an origin header: one step an invocation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InputError, StateError
from .parts import Clients, OriginHeader, connect
from .rotation import Rotation
from .settings import Settings
from .timer import Timer

SPARE_S = 10
"""Seconds of an invocation that are kept for ending it in order."""


def rotate_step(
    event: Mapping[str, Any], *, settings: Mapping[str, Any], clients: Clients, seconds_left: float
) -> dict[str, str]:
    """Do the step that an event of Secrets Manager asks for. Each may be asked for again.

    :param event: ``Step``, ``SecretId``, ``ClientRequestToken`` and perhaps ``RotationToken``
    :param settings: options of waf_origin_secret, those that :class:`Settings` has
    :param seconds_left: until Lambda ends the invocation; no wait outlasts it
    :return: what was done, for the log
    :raises CertwrightError: the step failed; Secrets Manager tries the rotation again
    """
    timer = Timer(deadline_s=seconds_left - SPARE_S)
    origin = connect(Settings.from_options(settings), event["SecretId"], clients, timer)
    step, version_id = event["Step"], event["ClientRequestToken"]
    rotation = Rotation(origin)
    if step == "createSecret":
        _create(origin, rotation, version_id, event.get("RotationToken"))
    elif step == "setSecret":
        rotation.set_secret(version_id)
    elif step == "testSecret":
        rotation.test_secret(version_id)
    elif step == "finishSecret":
        rotation.finish_secret(version_id)
    else:
        raise InputError(f"step {step!r} is none of createSecret, setSecret, testSecret, finishSecret")
    return {"step": step, "version_id": version_id, "secret": origin.secret_id}


def _create(origin: OriginHeader, rotation: Rotation, version_id: str, rotation_token: str | None) -> None:
    secret = origin.read_secret()
    if secret.current.id == version_id:
        return
    if secret.pending_id != version_id:
        raise StateError(f"version {version_id} of secret {secret.name} is not labelled AWSPENDING")
    rotation.create_secret(secret, rotation_token)
