# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Issuing through the core, against the sandbox's Private CA in this process."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.certwright.aws.plugins.module_utils.errors import CertwrightError, InputError
from ansible_collections.certwright.aws.plugins.module_utils.pca import flows
from ansible_collections.certwright.aws.plugins.module_utils.pca.fetching import Patience
from ansible_collections.certwright.aws.plugins.module_utils.pca.flows import IssueOptions, issue_certificates
from ansible_collections.certwright.aws.plugins.module_utils.pca.requests import CertificateRequest
from ansible_collections.certwright.aws.plugins.module_utils.pca.validity import Validity
from ansible_collections.certwright.aws.plugins.module_utils.x509 import parse_signing_request
from tests.private_ca import active_root, create_ca, csr_of, issue, make_csr
from tests.sandbox import clock, profile

QUICK = IssueOptions(issue_rate=None, patience=Patience(first_s=0.03, longest_s=0.05, timeout_s=1))


@pytest.fixture
def calls(pca):
    """Counts of the calls that reach AWS."""
    counted = Counter()
    events = pca.meta.events

    def count(model, **_):
        counted[model.name] += 1

    events.register("before-call.acm-pca", count)
    yield counted
    events.unregister("before-call.acm-pca", count)


@pytest.fixture
def root(pca, calls):
    arn = active_root(pca)
    calls.clear()
    return arn


def request(root, id="a", **changes):
    values = {"csr": make_csr(id).decode(), "authority_arn": root, "validity": Validity("DAYS", 7), **changes}
    return CertificateRequest(id=id, **values)


def run(pca, *requests, options=QUICK, **changes):
    return issue_certificates(pca, requests, now=datetime.now(timezone.utc), options=options, **changes)


def test_one_issue_and_one_get_for_each_certificate(pca, root, calls):
    results = run(pca, *(request(root, f"host-{n}") for n in range(20)))
    assert {result.action for result in results} == {"issued"}
    assert [result.certificate.common_name for result in results] == [f"host-{n}" for n in range(20)]
    assert all(result.chain.count("BEGIN CERTIFICATE") == 1 for result in results)
    assert calls == {"DescribeCertificateAuthority": 1, "IssueCertificate": 20, "GetCertificate": 20}


def test_signing_algorithm_is_that_of_the_ca(pca, root):
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(run(pca, request(root))[0].certificate.pem.encode())
    assert certificate.signature_hash_algorithm.name == "sha256"
    chosen = run(pca, request(root, "b", signing_algorithm="SHA384WITHECDSA"))[0].certificate.pem
    assert x509.load_pem_x509_certificate(chosen.encode()).signature_hash_algorithm.name == "sha384"


def test_arns_are_journaled_in_groups_before_they_are_fetched(pca, root, calls):
    groups = []

    def on_issued(entries):
        groups.append([entry.id for entry in entries])
        assert calls["GetCertificate"] == 0
        return {}

    results = run(pca, *(request(root, f"h{n}") for n in range(30)), on_issued=on_issued)
    assert [len(group) for group in groups] == [25, 5]
    assert {id for group in groups for id in group} == {result.id for result in results}


def test_a_certificate_that_was_not_noted_is_not_used(pca, root):
    def broken(_entries):
        raise CertwrightError("the table is gone")

    results = run(pca, *(request(root, f"h{n}") for n in range(3)), on_issued=broken)
    assert all(result.action == "failed" and result.certificate_arn for result in results)
    assert all(result.reason.endswith("could not be noted: the table is gone") for result in results)


def test_a_journal_that_recovers_gets_everything(pca, root):
    taken, attempts = [], []

    def flaky(entries):
        attempts.append(len(entries))
        if len(attempts) == 1:
            raise CertwrightError("throttled")
        taken.extend(entries)
        return {}

    results = run(pca, *(request(root, f"h{n}") for n in range(27)), on_issued=flaky)
    assert len(taken) == 27
    assert {result.action for result in results} == {"issued"}


def test_a_refused_entry_is_named_and_offered_once_more(pca, root):
    offered = []

    def partly(entries):
        offered.append([entry.id for entry in entries])
        return {entry.id: CertwrightError("the lease was lost") for entry in entries if entry.id == "b"}

    results = run(pca, request(root, "a"), request(root, "b"), on_issued=partly)
    assert [(result.id, result.action) for result in results] == [("a", "issued"), ("b", "failed")]
    assert results[1].reason.endswith("the lease was lost")
    assert sorted(offered[0]) == ["a", "b"]
    assert offered[1] == ["b"]


def test_a_pending_certificate_is_fetched_not_issued_again(pca, root, calls):
    csr = make_csr("a")
    arn = issue(pca, root, csr)
    calls.clear()
    key = parse_signing_request(csr).public_key_sha256
    [result] = run(pca, request(root, csr=csr.decode(), pending_arn=arn, pending_public_key=key))
    assert (result.action, result.certificate_arn) == ("resumed", arn)
    assert calls["IssueCertificate"] == 0


@pytest.mark.parametrize("why", ["other key", "unknown", "other ca", "expired"])
def test_a_pending_certificate_that_does_not_serve_is_issued_anew(pca, root, why):
    csr = make_csr("a")
    key = parse_signing_request(csr).public_key_sha256
    if why == "expired":
        clock.set_offset(-8 * 86400)
        old_root = active_root(pca)
        arn = issue(pca, old_root, csr, Validity={"Type": "DAYS", "Value": 7})
        clock.set_offset(0)
        root = old_root
    else:
        arn = issue(pca, root, csr)
    if why == "unknown":
        arn = arn[:-8] + "0" * 8
    elif why == "other ca":
        root = active_root(pca)
    elif why == "other key":
        key = "0" * 64
    [result] = run(pca, request(root, csr=csr.decode(), pending_arn=arn, pending_public_key=key))
    assert result.action == "issued"
    assert result.certificate_arn != arn


def test_a_repeated_run_within_five_minutes_gets_the_same_certificate(pca, root):
    [first], [again] = run(pca, request(root)), run(pca, request(root))
    assert first.certificate_arn != again.certificate_arn  # make_csr signs anew: another CSR
    csr = make_csr("fixed").decode()
    [first], [again] = run(pca, request(root, csr=csr)), run(pca, request(root, csr=csr))
    assert first.certificate_arn == again.certificate_arn
    [longer] = run(pca, request(root, csr=csr, validity=Validity("DAYS", 6)))
    assert longer.certificate_arn != first.certificate_arn


def test_a_held_certificate_is_kept_until_due(pca, root):
    csr = make_csr("held").decode()
    [first] = run(pca, request(root, csr=csr))
    held = {"csr": csr, "held_pem": first.certificate.pem}
    [kept] = run(pca, request(root, **held))
    assert (kept.action, kept.as_result()["changed"]) == ("kept", False)
    assert kept.reason == "expires in 6 d 23 h, renewal window 56 h"
    [due] = run(
        pca,
        request(root, **held, validity=Validity("DAYS", 9)),
        options=IssueOptions(renew_before=timedelta(days=8), issue_rate=None, patience=QUICK.patience),
    )
    assert (due.action, due.reason) == ("issued", "expires in 6 d 23 h, renewal window 8 d")


def test_a_held_certificate_by_arn_comes_with_its_chain(pca, root):
    csr = make_csr("held")
    arn = issue(pca, root, csr)
    [kept] = run(pca, request(root, csr=csr.decode(), held_arn=arn))
    assert (kept.action, kept.certificate_arn) == ("kept", arn)
    assert "BEGIN CERTIFICATE" in kept.chain


def test_a_held_certificate_for_another_name_is_replaced(pca, root):
    [first] = run(pca, request(root, "old-name"))
    [result] = run(pca, request(root, "new-name", held_pem=first.certificate.pem))
    assert (result.action, result.reason) == ("issued", "differs from what is asked for")


def test_check_mode_issues_nothing(pca, root, calls):
    [result] = run(pca, request(root), check_mode=True)
    assert (result.action, result.certificate, result.as_result()["changed"]) == ("issued", None, True)
    assert calls == {"DescribeCertificateAuthority": 1}


def test_one_bad_request_stops_no_other(pca, root, calls):
    pending_ca = create_ca(pca)
    csr_of(pca, pending_ca)
    short_lived = active_root(pca, UsageMode="SHORT_LIVED_CERTIFICATE")
    calls.clear()
    results = run(
        pca,
        request(root, "good"),
        request(root, "no-csr", csr="nonsense"),
        request(root, "no-name", csr=make_csr(None).decode()),
        request(pending_ca, "pending-ca"),
        request(root[:-4] + "0000", "no-ca"),
        request(root, "too-long", validity=Validity("YEARS", 11)),
        request(short_lived, "short-lived", validity=Validity("DAYS", 8)),
        request(root, "past", validity=Validity("ABSOLUTE", 1000)),
        request(root, "algorithm", signing_algorithm="SHA256WITHRSA"),
        request(root, "no-template", template_arn="arn:aws:acm-pca:::template/Nope/V1"),
        request(root, "held", held_pem="nonsense"),
    )
    reasons = {result.id: result.reason for result in results if result.action == "failed"}
    assert [result.id for result in results if result.action == "issued"] == ["good"]
    assert "not a certificate signing request" in reasons["no-csr"]
    assert "neither a subject nor" in reasons["no-name"]
    assert "is PENDING_CERTIFICATE: only an ACTIVE CA issues" in reasons["pending-ca"]
    assert "ResourceNotFoundException" in reasons["no-ca"]
    assert "after the CA's own certificate" in reasons["too-long"]
    assert "ask for at most" in reasons["too-long"]
    assert "longer than 7 days" in reasons["short-lived"]
    assert "not in the future" in reasons["past"]
    assert "use one of SHA256WITHECDSA" in reasons["algorithm"]
    assert "InvalidArgsException" in reasons["no-template"]
    assert "not a PEM certificate" in reasons["held"]
    assert calls["IssueCertificate"] == 2


def test_a_window_as_long_as_the_validity_is_refused(pca, root):
    options = IssueOptions(renew_before=timedelta(days=7), patience=QUICK.patience)
    [result] = run(pca, request(root), options=options)
    assert "due as soon as it is issued" in result.reason


def test_ids_must_differ(pca, root):
    with pytest.raises(InputError, match="occurs twice"):
        run(pca, request(root), request(root))


def test_waiting_has_an_end_and_the_arn_is_kept(pca, root):
    profile.change({"issue_delay_s": 60})
    options = IssueOptions(patience=Patience(first_s=0.01, longest_s=0.02, timeout_s=0.1))
    [result] = run(pca, request(root), options=options)
    assert result.action == "failed"
    assert "was not ready after 0.1 s" in result.reason
    assert result.certificate_arn


def test_a_certificate_for_another_key_is_not_used(pca, root, monkeypatch):
    monkeypatch.setattr(flows.Plan, "token", "always-the-same")
    run(pca, request(root, "first"))
    other = make_csr("second", key=ec.generate_private_key(ec.SECP256R1())).decode()
    [result] = run(pca, request(root, "second", csr=other))
    assert result.action == "failed"
    assert "another key" in result.reason
