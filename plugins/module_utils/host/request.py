# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate request of a record, as ``openssl req -config`` reads it."""

from __future__ import annotations

import re

from .settings import RecordSettings

LINE_SEPARATOR = "\x1f"
"""Parts the lines of the request in a payload, whose values are single lines. No setting may hold it."""

_ATTRIBUTES = {
    "country": "C",
    "state": "ST",
    "locality": "L",
    "organization": "O",
    "organizational_unit": "OU",
}


def openssl_config(settings: RecordSettings) -> str:
    """The configuration from which openssl makes the record's CSR, with every value escaped."""
    lines = [
        "[req]",
        "prompt = no",
        "utf8 = yes",
        "string_mask = utf8only",
        "default_md = sha256",
        "distinguished_name = subject",
        *(["req_extensions = extensions"] if settings.subject_alt_names else []),
        "[subject]",
        *(
            f"{_ATTRIBUTES[part]} = {_escaped(settings.subject[part])}"
            for part in _ATTRIBUTES
            if part in settings.subject
        ),
        f"CN = {_escaped(settings.common_name)}",
    ]
    if settings.subject_alt_names:
        lines += ["[extensions]", "subjectAltName = @names", "[names]"]
        for number, name in enumerate(settings.subject_alt_names, 1):
            kind, _colon, value = name.partition(":")
            lines.append(f"{kind}.{number} = {_escaped(value)}")
    return "\n".join(lines)


def _escaped(value: str) -> str:
    """Escape what openssl's configuration format gives a meaning to: variables, comments, quotes, backslashes."""
    return re.sub(r"""([\\$#"'`;])""", r"\\\1", value)
