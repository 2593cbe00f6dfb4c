# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The custom headers that CloudFront adds to requests for an origin: which it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .errors import Refused

MOST_HEADERS = 10
NAME_LENGTH = 256
VALUE_LENGTH = 1783
TOTAL_LENGTH = 10240
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_FORBIDDEN_PREFIXES = ("x-amz-", "x-edge-")
_FORBIDDEN = {
    "cache-control",
    "connection",
    "content-length",
    "cookie",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "request-range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-real-ip",
}


def _invalid(message: str) -> Refused:
    return Refused("InvalidArgument", message)


def check_custom_headers(origin: Mapping[str, Any]) -> None:
    """Refuse what CloudFront does not accept as custom headers of an origin. Messages name headers, never values.

    :raises Refused: TooManyOriginCustomHeaders, or InvalidArgument for a name, value or total
    """
    headers = origin["CustomHeaders"].get("Items", [])
    if len(headers) > MOST_HEADERS:
        raise Refused("TooManyOriginCustomHeaders", f"The origin {origin['Id']} has more than {MOST_HEADERS} headers.")
    names = [header["HeaderName"].lower() for header in headers]
    for name, header in zip(names, headers, strict=True):
        if name in _FORBIDDEN or name.startswith(_FORBIDDEN_PREFIXES):
            raise _invalid(f"The parameter HeaderName {header['HeaderName']} is not allowed.")
        if len(name) > NAME_LENGTH or not _TOKEN.match(name):
            raise _invalid("The parameter HeaderName is too long or not a header name.")
        if len(header["HeaderValue"]) > VALUE_LENGTH:
            raise _invalid(f"The value of the header {header['HeaderName']} is too long.")
        if names.count(name) > 1:
            raise _invalid(f"The header {header['HeaderName']} is given twice.")
    if sum(len(header["HeaderName"]) + len(header["HeaderValue"]) for header in headers) > TOTAL_LENGTH:
        raise _invalid(f"The headers of the origin {origin['Id']} are longer than {TOTAL_LENGTH} in total.")
