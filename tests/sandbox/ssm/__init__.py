# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Systems Manager: moto's, with documents that are checked and commands that are carried out on nodes."""

from __future__ import annotations

from typing import Any

from moto.ssm.models import ssm_backends

from .. import control
from .backend import Backend


def install() -> None:
    ssm_backends.backend = Backend
    control.route("POST", "/activations/<activation_id>/register", _register)


def _register(body: dict[str, Any], activation_id: str) -> dict[str, Any]:
    """``{"code": "…"}``, and any attribute of a node: what the agent does on a machine outside EC2."""
    from moto.core import DEFAULT_ACCOUNT_ID

    region = body.pop("region", "us-east-1")
    activations = ssm_backends[DEFAULT_ACCOUNT_ID][region].activations
    return activations.register(activation_id, body.pop("code", ""), **body).as_json()
