# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate request of a record: as ``openssl req -config`` reads it, and compared with what a node sends."""

from __future__ import annotations

import re

from ..x509 import SigningRequest, distinguished_name
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
        *(f"{name} = {_escaped(value)}" for name, value in _subject(settings)),
    ]
    if settings.subject_alt_names:
        lines += ["[extensions]", "subjectAltName = @names", "[names]"]
        for number, name in enumerate(settings.subject_alt_names, 1):
            kind, _colon, value = name.partition(":")
            lines.append(f"{kind}.{number} = {_escaped(value)}")
    return "\n".join(lines)


def unwanted(settings: RecordSettings, request: SigningRequest) -> list[str]:
    """In what a CSR asks for something else than the record: a node may not choose its name, only its key.

    :returns: for each difference what the CSR has and what it should have; empty when it is as it should be
    """
    compared = {
        "the subject": (request.subject, distinguished_name(_subject(settings))),
        "the subject alternative names": (
            ", ".join(sorted(request.subject_alt_names)),
            ", ".join(sorted(settings.subject_alt_names)),
        ),
        "further extensions": (", ".join(request.other_extensions), ""),
    }
    return [
        f"{what} {found or 'nothing'} in place of {wanted or 'nothing'}"
        for what, (found, wanted) in compared.items()
        if found != wanted
    ]


def _subject(settings: RecordSettings) -> list[tuple[str, str]]:
    """The parts of the subject in their order, by openssl's short names."""
    parts = [(name, settings.subject[part]) for part, name in _ATTRIBUTES.items() if part in settings.subject]
    return [*parts, ("CN", settings.common_name)]


def _escaped(value: str) -> str:
    """Escape what openssl's configuration format gives a meaning to: variables, comments, quotes, backslashes."""
    return re.sub(r"""([\\$#"'`;])""", r"\\\1", value)
