# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private CA as the API describes it, and which signing algorithms its key can make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..errors import InputError

SHORT_LIVED = "SHORT_LIVED_CERTIFICATE"

_SIGNING_ALGORITHMS = {
    "RSA": [f"SHA{bits}WITHRSA{padding}" for padding in ("", "_PSS") for bits in (256, 384, 512)],
    "EC": [f"SHA{bits}WITHECDSA" for bits in (256, 384, 512)],
    "SM2": ["SM3WITHSM2"],
}


@dataclass(frozen=True)
class Authority:
    """The facts about a CA that decide what it can issue. ``not_after`` is None until it has a certificate."""

    arn: str
    type: str
    status: str
    key_algorithm: str
    signing_algorithm: str
    usage_mode: str
    not_after: datetime | None

    @classmethod
    def from_description(cls, described: Mapping[str, Any]) -> Authority:
        """Read the API's CertificateAuthority structure."""
        configuration = described["CertificateAuthorityConfiguration"]
        return cls(
            arn=described["Arn"],
            type=described["Type"],
            status=described["Status"],
            key_algorithm=configuration["KeyAlgorithm"],
            signing_algorithm=configuration["SigningAlgorithm"],
            usage_mode=described.get("UsageMode", "GENERAL_PURPOSE"),
            not_after=described.get("NotAfter"),
        )


def signing_algorithms_for(key_algorithm: str) -> list[str]:
    """The signing algorithms that a CA key of this algorithm can make."""
    if key_algorithm.startswith("ML_DSA_"):
        return [key_algorithm]
    return _SIGNING_ALGORITHMS.get(key_algorithm.partition("_")[0], [])


def check_signing_algorithm(signing_algorithm: str, key_algorithm: str) -> None:
    """Refuse a signing algorithm that does not fit a CA's key.

    :raises InputError: it does not; the message names those that do
    """
    fitting = signing_algorithms_for(key_algorithm)
    if signing_algorithm not in fitting:
        raise InputError(
            f"signing algorithm {signing_algorithm} does not fit the CA's key, which is {key_algorithm}: "
            f"use one of {', '.join(fitting)}"
        )
