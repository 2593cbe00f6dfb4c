# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delays and limits as data: what takes AWS how long, and what it refuses.

``fast`` is for tests, ``realistic`` for benchmarks. All durations are seconds of real time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True)
class Profile:
    """What differs between a fast and a realistic AWS."""

    quotas: Mapping[str, float] = field(default_factory=dict)
    """Calls a second by operation, such as ``{"acm-pca:IssueCertificate": 25}``; the others are not limited."""

    # Systems Manager
    invocation_visible_s: float = 0.02
    """From SendCommand until its invocations can be seen."""
    delivery_s: float = 0.01
    """From SendCommand until an online node begins the command."""
    ramp_s: float = 0.002
    """Time in which Systems Manager doubles the number of nodes that it sends a command to at once."""
    document_active_s: float = 0.02
    """From CreateDocument or UpdateDocument until the document is Active; before that no command can use it."""
    ssm_time_scale: float = 1.0
    """Factor on the timeouts of commands and steps, so that a test need not wait for AWS's minimum of 30 s."""

    # Private CA
    issue_delay_s: float = 0.02
    """From IssueCertificate until GetCertificate gives the certificate; before that RequestInProgressException."""
    crl_delay_s: float = 0.05
    """From RevokeCertificate until the CRL is written to S3."""
    crl_retry_s: float = 0.2
    """From a CRL that could not be written until the next attempt."""
    crl_partition_certificates: int = 3
    """Certificates that refer to the same partition, of a CA with partitioned CRLs."""

    # CloudFront, WAF and load balancers. Two numbers are a range from which each write draws its own delay.
    cloudfront_deploy_s: float | Sequence[float] = 0.1
    """From UpdateDistribution until the distribution is Deployed; on the way edge locations disagree."""
    waf_propagation_s: float | Sequence[float] = 0.05
    """From UpdateWebACL or UpdateRuleGroup until every request meets the new rules."""
    elb_propagation_s: float | Sequence[float] = 0.02
    """From a change of a listener's rules until every request meets it."""
    waf_places: int = 1
    """Hosts that enforce a web ACL, each of which gets a write at another moment."""
    waf_web_acl_wcu: int = 5000
    """Capacity units that the rules of one web ACL may need."""
    rotation_attempts: int = 3
    """How often Secrets Manager tries to rotate a secret before it waits for somebody to act."""
    rotation_retry_s: float = 0.3
    """From a failed rotation until the next attempt."""
    lambda_retry_s: float = 0.1
    """From a failed asynchronous invocation until the next attempt."""
    delay_seed: int | None = None
    """Makes the delays that are drawn from ranges repeat."""


FAST = Profile()
REALISTIC = Profile(
    # The documented quotas of Private CA, and of Secrets Manager's writes; Systems Manager's are not published.
    quotas={
        "acm-pca:IssueCertificate": 25,
        "acm-pca:GetCertificate": 75,
        "acm-pca:RevokeCertificate": 20,
        "acm-pca:DescribeCertificateAuthority": 20,
        "acm-pca:DescribeCertificateAuthorityAuditReport": 20,
        "acm-pca:CreateCertificateAuthorityAuditReport": 1,
        "acm-pca:CreateCertificateAuthority": 1,
        "acm-pca:CreatePermission": 1,
        "acm-pca:GetPolicy": 5,
        "acm-pca:PutPolicy": 5,
        "secretsmanager:PutSecretValue": 50,
        "secretsmanager:RotateSecret": 50,
        "secretsmanager:CreateSecret": 50,
        "secretsmanager:GetRandomPassword": 50,
    },
    invocation_visible_s=0.5,
    delivery_s=0.3,
    ramp_s=0.2,
    document_active_s=1.0,
    issue_delay_s=0.5,
    crl_delay_s=5.0,
    crl_retry_s=5.0,
    crl_partition_certificates=10_000,
    cloudfront_deploy_s=60.0,
    waf_propagation_s=30.0,
    elb_propagation_s=5.0,
    waf_places=3,
    rotation_retry_s=60.0,
    lambda_retry_s=60.0,
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
