# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Having certificates issued: kept when they are not due, fetched when they were issued before, issued else."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import AwsError, CertwrightError, NotAttempted, StateError
from ..renewal import Verdict, renewal_verdict
from ..scheduler import Outcome, RateLimit, run_each
from ..x509 import Certificate, parse_certificate
from . import api
from .fetching import Fetched, Fetcher, Patience
from .journal import IssuedEntry, Journal, OnIssued
from .requests import CertificateRequest, Plan, check_ids, check_requests

if TYPE_CHECKING:
    from botocore.client import BaseClient


@dataclass(frozen=True)
class CertificateResult:
    """What became of one request.

    ``action`` is ``issued``, ``resumed`` (issued by an earlier run, fetched now), ``kept`` or ``failed``; ``reason``
    says why. In check mode ``issued`` means would be issued, without a certificate.
    """

    id: str
    action: str
    reason: str
    certificate_arn: str | None = None
    certificate: Certificate | None = None
    chain: str = ""
    details: dict[str, str] = field(default_factory=dict)

    def as_result(self) -> dict[str, Any]:
        """The element of ``results`` that modules return."""
        result: dict[str, Any] = {
            "id": self.id,
            "changed": self.action in ("issued", "resumed"),
            "failed": self.action == "failed",
            "action": self.action,
            "reason": self.reason,
            "certificate_arn": self.certificate_arn,
            **self.details,
        }
        if self.certificate is not None:
            result |= self.certificate.as_result() | {"chain": self.chain}
        return result


@dataclass(frozen=True)
class IssueOptions:
    """How requests are carried out, beside what they ask for.

    :param renew_before: how long before its end a held certificate is due; None is a third of its lifetime
    :param issue_rate: IssueCertificate calls a second
    """

    renew_before: timedelta | None = None
    issue_rate: float | None = 25
    patience: Patience = field(default_factory=Patience)


class _Run:
    """One run over a list of requests; each gets its result in ``results`` by its id."""

    def __init__(self, pca: BaseClient, now: datetime, options: IssueOptions) -> None:
        self.pca = pca
        self.now = now
        self.options = options
        self.fetcher = Fetcher(pca, options.patience)
        self.results: dict[str, CertificateResult] = {}
        self.verdicts: dict[str, Verdict] = {}

    def fail(self, request: CertificateRequest, error: CertwrightError, arn: str | None = None) -> None:
        self.results[request.id] = CertificateResult(
            request.id, "failed", str(error), certificate_arn=arn, details=error.as_result()
        )

    def settle(self, plan: Plan, action: str, fetched: Fetched) -> None:
        """Take a fetched certificate, unless it is for another key than the CSR's."""
        if fetched.certificate.public_key_sha256 != plan.csr.public_key_sha256:
            self.fail(plan.request, _wrong_key(fetched.arn), fetched.arn)
            return
        reason = self.verdicts[plan.request.id].reason
        self.results[plan.request.id] = CertificateResult(
            plan.request.id, action, reason, fetched.arn, fetched.certificate, fetched.chain
        )

    def verdict(self, plan: Plan, held: Certificate | None) -> Verdict:
        """Whether a certificate that the caller holds is due, and why; remembered as the reason of what follows."""
        drifted = held is not None and _differs(held, plan)
        verdict = certificate_verdict(held, self.now, self.options.renew_before, drifted=drifted)
        self.verdicts[plan.request.id] = verdict
        return verdict


def certificate_verdict(
    held: Certificate | None, now: datetime, renew_before: timedelta | None, *, drifted: bool = False
) -> Verdict:
    """Whether a certificate is due; without ``renew_before`` it is in the last third of its lifetime."""
    if held is None:
        return renewal_verdict(expiry=None, now=now, renew_before=timedelta(0))
    window = (held.not_after - held.not_before) / 3 if renew_before is None else renew_before
    return renewal_verdict(expiry=held.not_after, now=now, renew_before=window, drifted=drifted)


def issue_certificates(
    pca: BaseClient,
    requests: Sequence[CertificateRequest],
    *,
    now: datetime,
    options: IssueOptions,
    on_issued: OnIssued | None = None,
    check_mode: bool = False,
) -> list[CertificateResult]:
    """Carry out requests and return their results in order. One that fails stops no other.

    Everything is checked before anything is issued. A certificate that is held and not due is kept; one that an
    earlier run had issued for the same key is fetched; the others are issued, each with a token by which a repeated
    call gives the same certificate.

    :param on_issued: called in this thread with the ARNs of issued certificates, in groups, as soon as they are known
        and before they are fetched. What it does not take is offered once more at the end; what it never took has
        failed: a certificate that nobody knows of must not come into use, and may be another run's affair by now.
    :raises InputError: an id occurs twice
    """
    check_ids(requests)
    run = _Run(pca, now, options)
    plans = _checked(run, requests)
    plans = _without_held(run, plans)
    plans = _without_resumed(run, plans)
    if check_mode:
        for plan in plans:
            reason = run.verdicts[plan.request.id].reason
            run.results[plan.request.id] = CertificateResult(plan.request.id, "issued", reason)
    else:
        _issue(run, plans, Journal(on_issued))
    return [run.results[request.id] for request in requests]


def _checked(run: _Run, requests: Iterable[CertificateRequest]) -> list[Plan]:
    plans = []
    checked = check_requests(run.pca, requests, now=run.now, renew_before=run.options.renew_before)
    for request, plan in zip(requests, checked, strict=True):
        if isinstance(plan, CertwrightError):
            run.fail(request, plan)
        else:
            plans.append(plan)
    return plans


def _without_held(run: _Run, plans: Iterable[Plan]) -> list[Plan]:
    """Keep the held certificates that are not due; return the plans of the others."""
    left = []
    known, fetched = _held_certificates(run, plans)
    for plan in known:
        held = fetched.get(plan.request.id)
        verdict = run.verdict(plan, held.certificate if held else None)
        if held is None or verdict.due:
            left.append(plan)
        else:
            run.results[plan.request.id] = CertificateResult(
                plan.request.id, "kept", verdict.reason, held.arn or None, held.certificate, held.chain
            )
    return left


def _held_certificates(run: _Run, plans: Iterable[Plan]) -> tuple[list[Plan], dict[str, Fetched]]:
    """The certificates in use by the id of their request, given as PEM or by ARN, and the plans that did not fail."""
    held: dict[str, Fetched] = {}
    by_arn, ready = [], []
    for plan in plans:
        try:
            if plan.request.held_pem:
                held[plan.request.id] = Fetched(
                    plan.request.held_arn or "", parse_certificate(plan.request.held_pem), ""
                )
            elif plan.request.held_arn:
                by_arn.append(plan)
                continue
        except CertwrightError as error:
            run.fail(plan.request, error)
            continue
        ready.append(plan)
    for outcome in run_each(by_arn, lambda plan: run.fetcher.fetch(plan.request.held_arn or "")):
        if _nothing_to_fetch(outcome):
            ready.append(outcome.item)
        elif outcome.error is not None:
            run.fail(outcome.item.request, outcome.error)
        else:
            ready.append(outcome.item)
            held[outcome.item.request.id] = outcome.result()
    return ready, held


def _without_resumed(run: _Run, plans: Iterable[Plan]) -> list[Plan]:
    """Fetch what an earlier run had issued; return the plans of what must be issued."""
    left = [plan for plan in plans if plan.resumable_arn is None]
    pending = [plan for plan in plans if plan.resumable_arn is not None]
    for outcome in run_each(pending, lambda plan: run.fetcher.fetch(plan.resumable_arn or "")):
        plan = outcome.item
        if _nothing_to_fetch(outcome) or (outcome.value is not None and outcome.value.certificate.not_after <= run.now):
            left.append(plan)
        elif outcome.error is not None:
            run.fail(plan.request, outcome.error, plan.resumable_arn)
        else:
            run.settle(plan, "resumed", outcome.result())
    return left


def _issue(run: _Run, plans: Sequence[Plan], journal: Journal) -> None:
    """Issue, tell the journal of each ARN, then fetch."""
    issued: list[tuple[Plan, str, float]] = []

    def note(outcome: Outcome[Plan, str]) -> None:
        plan = outcome.item
        if outcome.error is not None:
            run.fail(plan.request, outcome.error)
            return
        arn = outcome.result()
        issued.append((plan, arn, time.monotonic()))
        journal.add(IssuedEntry(plan.request.id, arn, plan.csr.public_key_sha256))

    outcomes = run_each(
        plans, lambda plan: _issue_one(run.pca, plan), rate=RateLimit(run.options.issue_rate), on_outcome=note
    )
    journal.flush()
    if any(isinstance(outcome.error, NotAttempted) for outcome in outcomes):
        for plan, arn, _issued_at in issued:
            run.fail(plan.request, NotAttempted("interrupted after it was issued; run again to fetch it"), arn)
    else:
        for fetched in run_each(issued, lambda item: run.fetcher.fetch(item[1], issued_at=item[2])):
            plan, arn, _issued_at = fetched.item
            if fetched.error is not None:
                run.fail(plan.request, fetched.error, arn)
            else:
                run.settle(plan, "issued", fetched.result())
    journal.close()
    for plan, arn, _issued_at in issued:
        if plan.request.id in journal.refused:
            why = journal.refused[plan.request.id]
            run.fail(plan.request, StateError(f"issued, but not used, because it could not be noted: {why}"), arn)


def _issue_one(pca: BaseClient, plan: Plan) -> str:
    return api.issue_certificate(
        pca,
        authority_arn=plan.request.authority_arn,
        csr=plan.csr.pem,
        signing_algorithm=plan.signing_algorithm,
        validity=plan.request.validity.as_request(),
        template_arn=plan.request.template_arn,
        token=plan.token,
    )


def _nothing_to_fetch(outcome: Outcome[Plan, Fetched]) -> bool:
    """Whether the CA does not know the ARN, or could not issue it."""
    return isinstance(outcome.error, AwsError) and outcome.error.code in (api.NOT_FOUND, api.REQUEST_FAILED)


def _differs(held: Certificate, plan: Plan) -> bool:
    """Whether a certificate is for another key, subject or alternative names than the CSR."""
    return (held.public_key_sha256, held.subject, sorted(held.subject_alt_names)) != (
        plan.csr.public_key_sha256,
        plan.csr.subject,
        sorted(plan.csr.subject_alt_names),
    )


def _wrong_key(arn: str) -> StateError:
    return StateError(
        f"the CA answered with the certificate {arn}, which is for another key than the CSR's: it was not used"
    )
