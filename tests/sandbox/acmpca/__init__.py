# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Private CA, in the place of moto's: keys in memory, and as strict as AWS."""

from __future__ import annotations

from typing import Any

from moto.acmpca.models import acmpca_backends

from .. import control
from . import audit
from .backend import PrivateCaBackend
from .emit import emit, listeners

__all__ = ["PrivateCaBackend", "emit", "install", "listeners"]


def install() -> None:
    """Serve acm-pca from here. Call it before the first request."""
    acmpca_backends.backend = PrivateCaBackend
    control.route("POST", "/crl/publish", _publish_crls)
    control.route("GET", "/certificates", _certificates)


def _publish_crls(_body: dict[str, Any]) -> dict[str, list[str]]:
    """Write the CRLs of every CA now, without waiting for the delay; their URLs."""
    published = [
        url
        for _account, _region, backend in acmpca_backends.iter_backends()
        for publisher in backend.publishers.values()
        for url in publisher.publish_all()
    ]
    return {"published": published}


def _certificates(_body: dict[str, Any]) -> list[dict[str, str]]:
    """Every certificate that any CA has issued, as an audit report lists it."""
    return [
        audit.row(authority, issued)
        for _account, _region, backend in acmpca_backends.iter_backends()
        for authority in backend.authorities.values()
        for issued in list(authority.issued.values())
    ]
