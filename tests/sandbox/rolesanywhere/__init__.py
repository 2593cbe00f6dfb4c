# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM Roles Anywhere, which moto lacks: trust anchors, profiles, CRLs, and CreateSession, which no SDK models."""

from __future__ import annotations

import re
import sys
from types import ModuleType

import moto
from moto import backend_index

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
