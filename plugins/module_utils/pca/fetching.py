# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetching issued certificates: the CA takes a moment, and each question counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ..errors import AwsError, InputError, WaitTimeout
from ..scheduler import QUOTAS, RateLimit, run_each
from ..x509 import Certificate, parse_certificate
from . import api

if TYPE_CHECKING:
    from botocore.client import BaseClient


Value = TypeVar("Value")


@dataclass(frozen=True)
class Patience:
    """How to wait for the CA. All in seconds.

    ``first_s`` is waited after IssueCertificate before the first question, long enough that it is normally the last;
    each further pause is half as long again, up to ``longest_s``; after ``timeout_s`` in all it is given up.
    """

    first_s: float = 0.7
    longest_s: float = 5.0
    timeout_s: float = 60.0

    def pauses(self, already_waited_s: float) -> list[float]:
        """The pauses from the first question on, after so much of the first one has passed."""
        pauses, total, pause = [max(0.0, self.first_s - already_waited_s)], self.first_s, self.first_s
        while total < self.timeout_s:
            pause = min(max(pause * 1.5, 0.05), self.longest_s, self.timeout_s - total)
            pauses.append(pause)
            total += pause
        return pauses


@dataclass(frozen=True)
class Fetched:
    """A certificate with its ARN and the chain above it, PEM, its issuer first; empty for a root's own."""

    arn: str
    certificate: Certificate
    chain: str


def ask_until_ready(
    ask: Callable[[], Value],
    patience: Patience,
    what: str,
    *,
    already_waited_s: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Value:
    """Ask the CA again and again while it answers that the request is in progress.

    :raises WaitTimeout: it still was after the patience's time
    :raises AwsError: the call failed for another reason
    """
    for pause in patience.pauses(already_waited_s):
        sleep(pause)
        try:
            return ask()
        except AwsError as error:
            if error.code != api.IN_PROGRESS:
                raise
    raise WaitTimeout(
        f"{what} was not ready after {patience.timeout_s:g} s; run again to continue where this run ended"
    )


class Fetcher:
    """Fetches certificates within AWS's rate, for many threads."""

    def __init__(self, pca: BaseClient, patience: Patience, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._pca = pca
        self._patience = patience
        self._sleep = sleep
        self._rate = RateLimit(QUOTAS["acm-pca:GetCertificate"])

    def fetch(self, certificate_arn: str, issued_at: float | None = None) -> Fetched:
        """Fetch a certificate, waiting for the CA to issue it.

        :param issued_at: when it was asked for, on the monotonic clock; None when that is long ago
        :raises WaitTimeout: it was still in progress after the patience's time
        :raises AwsError: the call failed, for example because the CA does not know the ARN
        :raises InputError: the ARN is not that of a certificate
        """
        waited = time.monotonic() - issued_at if issued_at is not None else self._patience.first_s

        def ask() -> Fetched:
            self._rate.wait()
            pem, chain = api.get_certificate(self._pca, authority_of(certificate_arn), certificate_arn)
            return Fetched(certificate_arn, parse_certificate(pem), chain)

        what = f"certificate {certificate_arn}"
        return ask_until_ready(ask, self._patience, what, already_waited_s=waited, sleep=self._sleep)


def fetch_known(pca: BaseClient, certificate_arns: Sequence[str], patience: Patience) -> list[Fetched]:
    """Fetch certificates at once, in order, without those that the CA does not know.

    :raises InputError: one is not the ARN of a private certificate; nothing was fetched
    :raises AwsError: a call failed
    :raises WaitTimeout: one is still being issued
    """
    for arn in certificate_arns:
        authority_of(arn)
    fetcher = Fetcher(pca, patience)
    outcomes = run_each(certificate_arns, fetcher.fetch)
    return [
        outcome.result()
        for outcome in outcomes
        if not (isinstance(outcome.error, AwsError) and outcome.error.code == api.NOT_FOUND)
    ]


def authority_of(certificate_arn: str) -> str:
    """The ARN of the CA that issued a certificate, which is part of the certificate's.

    :raises InputError: it is not the ARN of a private certificate
    """
    authority, slash, suffix = certificate_arn.partition("/certificate/")
    if not slash or not suffix or ":certificate-authority/" not in authority:
        raise InputError(
            f"{certificate_arn!r} is not the ARN of a certificate of AWS Private CA: expected "
            "arn:aws:acm-pca:<region>:<account>:certificate-authority/<id>/certificate/<id>"
        )
    return authority
