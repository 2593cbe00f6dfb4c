# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delays and limits as data: what takes AWS how long, and what it refuses.

``fast`` is for tests, ``realistic`` for benchmarks. All durations are seconds of real time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Profile:
    """What differs between a fast and a realistic AWS."""

    # Systems Manager
    invocation_visible_s: float = 0.02
    """From SendCommand until its invocations can be seen."""
    delivery_s: float = 0.01
    """From SendCommand until an online node begins the command."""
    ssm_time_scale: float = 1.0
    """Factor on the timeouts of commands and steps, so that a test need not wait for AWS's minimum of 30 s."""

    # Private CA
    issue_delay_s: float = 0.02
    """From IssueCertificate until GetCertificate gives the certificate; before that RequestInProgressException."""
    crl_delay_s: float = 0.05
    """From RevokeCertificate until the CRL is written to S3."""

    # CloudFront and WAF
    cloudfront_deploy_s: float = 0.1
    """From UpdateDistribution until the distribution is Deployed."""
    waf_propagation_s: float = 0.05
    """From UpdateWebACL until a request meets the new rules."""


FAST = Profile()
REALISTIC = Profile(
    invocation_visible_s=0.5,
    delivery_s=0.3,
    issue_delay_s=0.5,
    crl_delay_s=5.0,
    cloudfront_deploy_s=60.0,
    waf_propagation_s=30.0,
)
NAMED = {"fast": FAST, "realistic": REALISTIC}

_started_as = FAST
_current = FAST


def current() -> Profile:
    """The profile in force."""
    return _current


def use(name: str) -> None:
    """Put the named profile in force, and make it the one that :func:`restore` goes back to."""
    global _started_as, _current  # noqa: PLW0603 - one profile for the whole server
    _started_as = _current = NAMED[name]


def change(values: Mapping[str, Any]) -> Profile:
    """Change some values of the profile in force.

    :raises ValueError: a name that the profile does not have
    """
    global _current  # noqa: PLW0603
    unknown = set(values) - {field.name for field in fields(Profile)}
    if unknown:
        raise ValueError(f"the profile has no {', '.join(sorted(unknown))}")
    _current = replace(_current, **values)
    return _current


def restore() -> None:
    """Go back to the profile that the server was started with."""
    global _current  # noqa: PLW0603
    _current = _started_as
