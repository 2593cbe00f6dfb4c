# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Revoking through the core, against the sandbox's Private CA in this process."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.pca.fetching import Patience
from ansible_collections.certwright.aws.plugins.module_utils.pca.revocation import (
    REASONS,
    Revocation,
    colon_form,
    revoke_certificates,
)
from tests import pki
from tests.private_ca import active_root, fetch, issue, load, make_csr
from tests.sandbox import profile

QUICK = Patience(first_s=0, longest_s=0.05, timeout_s=1)


@pytest.fixture
def root(pca):
    profile.change({"issue_delay_s": 0})
    return active_root(pca)


@pytest.fixture
def revoked(pca):
    """Counts of RevokeCertificate calls by reason."""
    counted = Counter()

    def count(params, **_rest):
        counted[params["RevocationReason"]] += 1

    pca.meta.events.register("provide-client-params.acm-pca.RevokeCertificate", count)
    yield counted
    pca.meta.events.unregister("provide-client-params.acm-pca.RevokeCertificate", count)


def run(pca, *revocations, **changes):
    return revoke_certificates(pca, revocations, patience=QUICK, **changes)


def issued(pca, root):
    arn = issue(pca, root, make_csr())
    return arn, fetch(pca, root, arn)["Certificate"]


def test_by_arn_serial_and_pem_and_again(pca, root, revoked):
    (first, _arn), (_pem, second), (_pem, third) = (issued(pca, root) for _certificate in range(3))
    revocations = [
        Revocation("arn", "KEY_COMPROMISE", certificate_arn=first),
        Revocation("serial", "SUPERSEDED", root, serial=f"{load(second).serial_number:x}"),
        Revocation("pem", "UNSPECIFIED", root, pem=third),
    ]
    assert [result.action for result in run(pca, *revocations)] == ["revoked"] * 3
    again = run(pca, *revocations)
    assert [(result.action, result.as_result()["changed"]) for result in again] == [("already_revoked", False)] * 3
    assert revoked == {"KEY_COMPROMISE": 2, "SUPERSEDED": 2, "UNSPECIFIED": 2}


def test_every_reason(pca, root, revoked):
    run(pca, *(Revocation(reason, reason, certificate_arn=issued(pca, root)[0]) for reason in REASONS))
    assert revoked == dict.fromkeys(REASONS, 1)


def test_check_mode_revokes_nothing(pca, root, revoked):
    arn, _pem = issued(pca, root)
    [result] = run(pca, Revocation("a", certificate_arn=arn), check_mode=True)
    assert result.as_result()["changed"]
    assert not revoked


def test_what_cannot_be_revoked_stops_no_other(pca, root, revoked):
    arn, _pem = issued(pca, root)
    other = active_root(pca)
    own = pca.get_certificate_authority_certificate(CertificateAuthorityArn=root)["Certificate"]
    results = run(
        pca,
        Revocation("unknown", authority_arn=root, serial="12:34"),
        Revocation("no-serial", authority_arn=root, serial="not hexadecimal"),
        Revocation("own", authority_arn=root, pem=own),
        Revocation("own-serial", authority_arn=root, serial=f"{load(own).serial_number:x}"),
        Revocation("other-ca", authority_arn=other, certificate_arn=arn),
        Revocation("stranger", authority_arn=root, pem=pki.authority().issue("leaf").pem),
        Revocation("no-pem", authority_arn=root, pem="nonsense"),
        Revocation("no-ca", serial="12"),
        Revocation("no-arn", certificate_arn="arn:aws:acm:us-east-1:123456789012:certificate/x"),
        Revocation("good", certificate_arn=arn),
    )
    reasons = {result.revocation.id: result.reason for result in results if result.action == "failed"}
    assert [result.revocation.id for result in results if result.action == "revoked"] == ["good"]
    assert "has issued no certificate with the serial 1234" in reasons["unknown"]
    assert "not a hexadecimal number" in reasons["no-serial"]
    assert "itself, which cannot revoke it" in reasons["own"]
    assert "Self-signed certificate can not be revoked" in reasons["own-serial"]
    assert "of another CA" in reasons["other-ca"]
    assert "was not issued by the CA" in reasons["stranger"]
    assert "not a PEM certificate" in reasons["no-pem"]
    assert "certificate_authority_arn is needed" in reasons["no-ca"]
    assert "not the ARN of a certificate of AWS Private CA" in reasons["no-arn"]
    assert sum(revoked.values()) == 3


@given(st.integers(1, 2**127))
def test_colon_form_is_the_same_number(serial):
    text = colon_form(f"{serial:X}")
    assert int(text.replace(":", ""), 16) == serial
    assert all(len(pair) == 2 for pair in text.split(":"))
