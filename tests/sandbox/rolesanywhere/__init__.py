# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM Roles Anywhere, which moto lacks: trust anchors, profiles, CRLs, and CreateSession, which no SDK models."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import moto
from moto import backend_index

from .. import control, instance
from ..nodes import fleet, places
from . import signing_helper
from .backend import rolesanywhere_backends
from .urls import url_bases


def install() -> None:
    """Make moto's server know the service: by its host name, and where moto looks for backends."""
    if "moto.rolesanywhere" in sys.modules:
        return
    module = ModuleType("moto.rolesanywhere")
    vars(module)["rolesanywhere_backends"] = rolesanywhere_backends
    sys.modules[module.__name__] = vars(moto)["rolesanywhere"] = module
    backend_index.backend_url_patterns.insert(0, ("rolesanywhere", re.compile(url_bases[0])))
    control.route("POST", "/nodes/<node_id>/signing-helper", _install_signing_helper)


def _install_signing_helper(_body: Any, node_id: str) -> dict[str, str]:
    """Put ``aws_signing_helper`` on a node; the answer names its directory there."""
    node = fleet().get(node_id)
    if node is None or node.root is None:
        raise LookupError(f"real node {node_id}")
    contained = isinstance(node.place, places.Container)
    environment = instance.own_environment
    directory = signing_helper.install(
        node.root,
        interpreter=places.INTERPRETER if contained else sys.executable,
        packages=places.PACKAGES if contained else places.PACKAGES_OF_HOST,
        seen_at="" if contained else str(node.root),
        endpoint=environment["CERTWRIGHT_SANDBOX_TLS_URL"].removeprefix("https://"),
        ca=Path(environment["AWS_CA_BUNDLE"]).read_text(),
    )
    return {"path": directory}
