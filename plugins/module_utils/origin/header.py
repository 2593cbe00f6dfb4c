# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The custom header in a CloudFront distribution's configuration: pure transformations of what GetDistribution returns.

Nothing but the one header of the chosen origins is touched, because UpdateDistribution replaces everything.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

from ..errors import InputError

Config = dict[str, Any]

MAX_HEADERS = 10
MAX_NAME_LENGTH = 256
MAX_VALUE_LENGTH = 1783
MAX_TOTAL_LENGTH = 10_240

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a field name as RFC 9110 defines it
_FORBIDDEN = {
    *("cache-control", "connection", "content-length", "cookie", "host", "max-forwards", "pragma", "range"),
    *("request-range", "te", "trailer", "transfer-encoding", "upgrade", "via", "x-real-ip"),
}
_FORBIDDEN_PREFIXES = ("if-", "proxy-", "x-amz-", "x-edge-")


def check_header_name(name: str) -> None:
    """Refuse a header that CloudFront does not add to requests for an origin.

    :raises InputError: with the reason
    """
    if not _TOKEN.fullmatch(name):
        raise InputError(f"header name {name!r} is not valid in HTTP: use letters, digits and hyphens")
    if len(name) > MAX_NAME_LENGTH:
        raise InputError(f"header name has {len(name)} characters, CloudFront takes at most {MAX_NAME_LENGTH}")
    if name.lower() in _FORBIDDEN or name.lower().startswith(_FORBIDDEN_PREFIXES):
        raise InputError(
            f"CloudFront does not add the header {name} to origin requests: choose a name of your own, "
            "for example X-Origin-Verify"
        )


def chosen_origins(config: Config, distribution_id: str, wanted: Sequence[str] | None) -> list[str]:
    """The ids of the origins that are to get the header: the wanted ones, or without a wish all custom origins.

    A custom origin is one that is no S3 bucket; a VPC origin is one too.

    :raises InputError: a wanted origin does not exist, or there is no custom origin
    """
    origins = config["Origins"]["Items"]
    if wanted is not None:
        known = [origin["Id"] for origin in origins]
        missing = [origin_id for origin_id in wanted if origin_id not in known]
        if missing or not wanted:
            raise InputError(
                f"distribution {distribution_id} has no origin {', '.join(missing) or '(none was named)'}: "
                f"its origins are {', '.join(known)}"
            )
        return list(wanted)
    custom = [origin["Id"] for origin in origins if "CustomOriginConfig" in origin or "VpcOriginConfig" in origin]
    if not custom:
        raise InputError(f"distribution {distribution_id} has no custom origin that could be sent a header")
    return custom


def header_values(config: Config, origin_ids: Sequence[str], name: str) -> dict[str, str | None]:
    """The value that each chosen origin is sent, None where it is sent no such header."""
    return {origin["Id"]: _value(origin, name) for origin in _chosen(config, origin_ids)}


def with_header(config: Config, origin_ids: Sequence[str], name: str, value: str) -> Config:
    """The configuration with the header set to ``value`` for the chosen origins, and otherwise unchanged."""
    changed = copy.deepcopy(config)
    for origin in _chosen(changed, origin_ids):
        items = list(_items(origin))
        for item in items:
            if _named(item, name):
                item["HeaderValue"] = value
                break
        else:
            items.append({"HeaderName": name, "HeaderValue": value})
        origin["CustomHeaders"] = {"Quantity": len(items), "Items": items}
    return changed


def without_header(config: Config, origin_ids: Sequence[str], name: str) -> Config:
    """The configuration without the header for the chosen origins, and otherwise unchanged."""
    changed = copy.deepcopy(config)
    for origin in _chosen(changed, origin_ids):
        items = [item for item in _items(origin) if not _named(item, name)]
        if len(items) < len(_items(origin)):
            origin["CustomHeaders"] = {"Quantity": len(items), **({"Items": items} if items else {})}
    return changed


def check_header_limits(config: Config, origin_ids: Sequence[str], distribution_id: str) -> None:
    """Refuse a configuration with more or longer custom headers than CloudFront takes.

    :param config: as it would be written
    :raises InputError: naming the origin and the limit
    """
    for origin in _chosen(config, origin_ids):
        items, where = _items(origin), f"origin {origin['Id']} of distribution {distribution_id}"
        if len(items) > MAX_HEADERS:
            raise InputError(
                f"{where} has {MAX_HEADERS} custom headers already, which is CloudFront's limit: remove one first"
            )
        total = sum(len(item["HeaderName"]) + len(item["HeaderValue"]) for item in items)
        if total > MAX_TOTAL_LENGTH:
            raise InputError(
                f"the custom headers of {where} would have {total} characters together, "
                f"CloudFront takes at most {MAX_TOTAL_LENGTH}: shorten or remove others"
            )


def _chosen(config: Config, origin_ids: Sequence[str]) -> list[dict[str, Any]]:
    return [origin for origin in config["Origins"]["Items"] if origin["Id"] in origin_ids]


def _items(origin: dict[str, Any]) -> list[dict[str, str]]:
    return origin.get("CustomHeaders", {}).get("Items", [])


def _named(item: dict[str, str], name: str) -> bool:
    return item["HeaderName"].lower() == name.lower()


def _value(origin: dict[str, Any], name: str) -> str | None:
    return next((item["HeaderValue"] for item in _items(origin) if _named(item, name)), None)
