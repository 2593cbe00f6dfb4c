# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private CA in the sandbox: the life of a CA, and issuing."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta, timezone
from threading import Thread

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from tests.private_ca import (
    TEMPLATE,
    active_root,
    code_of,
    create_ca,
    csr_of,
    fetch,
    issue,
    load,
    make_csr,
)
from tests.sandbox import clock, profile


@pytest.fixture
def root(pca):
    return active_root(pca)


def test_a_new_ca_is_creating_then_wants_its_certificate(pca):
    profile.change({"issue_delay_s": 5})
    arn = create_ca(pca)
    assert _describe(pca, arn)["Status"] == "CREATING"
    with pytest.raises(ClientError) as caught:
        pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)
    assert code_of(caught) == "RequestInProgressException"


def test_activating_a_root(pca):
    arn = active_root(pca, years=3, UsageMode="SHORT_LIVED_CERTIFICATE")
    described = _describe(pca, arn)
    assert (described["Status"], described["UsageMode"]) == ("ACTIVE", "SHORT_LIVED_CERTIFICATE")
    answer = pca.get_certificate_authority_certificate(CertificateAuthorityArn=arn)
    root = load(answer["Certificate"])
    assert "CertificateChain" not in answer
    assert root.issuer == root.subject
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).critical
    assert abs(root.not_valid_after_utc - datetime.now(timezone.utc) - timedelta(days=3 * 365)) < timedelta(days=2)


@pytest.mark.parametrize(
    ("key", "signing"), [("RSA_2048", "SHA256WITHECDSA"), ("EC_secp384r1", "SHA512WITHRSA"), ("SM2", "SM3WITHSM2")]
)
def test_key_and_signing_algorithm_must_be_of_one_family(pca, key, signing):
    with pytest.raises(ClientError) as caught:
        create_ca(
            pca,
            CertificateAuthorityConfiguration={
                "KeyAlgorithm": key,
                "SigningAlgorithm": signing,
                "Subject": {"CommonName": "x"},
            },
        )
    assert code_of(caught) == "InvalidArgsException"


def test_creating_twice_with_a_token_gives_one_ca_for_five_minutes(pca):
    first = create_ca(pca, IdempotencyToken="once")
    assert create_ca(pca, IdempotencyToken="once") == first
    clock.set_offset(301)
    assert create_ca(pca, IdempotencyToken="once") != first
    assert len(pca.list_certificate_authorities()["CertificateAuthorities"]) == 2


def test_requests_are_checked_against_the_model(pca):
    with pytest.raises(ClientError, match="less than or equal to 36") as caught:
        create_ca(pca, IdempotencyToken="x" * 37)
    assert code_of(caught) == "ValidationException"


@pytest.mark.parametrize(
    ("template", "uses", "key_usages"),
    [
        (None, {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}, {"signature", "encipherment"}),
        ("EndEntityClientAuthCertificate", {ExtendedKeyUsageOID.CLIENT_AUTH}, {"signature", "encipherment"}),
        ("EndEntityServerAuthCertificate", {ExtendedKeyUsageOID.SERVER_AUTH}, {"signature", "encipherment"}),
        ("CodeSigningCertificate", {ExtendedKeyUsageOID.CODE_SIGNING}, {"signature"}),
        ("OCSPSigningCertificate_APIPassthrough", {ExtendedKeyUsageOID.OCSP_SIGNING}, {"signature"}),
    ],
)
def test_leaf_templates(pca, root, template, uses, key_usages):
    given = {"TemplateArn": TEMPLATE.format(template)} if template else {}
    certificate = load(fetch(pca, root, issue(pca, root, make_csr(), **given))["Certificate"])
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(extended) == uses
    assert usage.critical
    assert usage.value.key_encipherment is ("encipherment" in key_usages)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_issued_certificate(pca, root, tmp_path):
    name = x509.SubjectAlternativeName([x509.DNSName("a.example")])
    before = datetime.now(timezone.utc)
    arn = issue(pca, root, make_csr("leaf", name))
    answer = fetch(pca, root, arn)
    certificate = load(answer["Certificate"])
    assert arn == f"{root}/certificate/{certificate.serial_number:032x}"
    assert certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value == name
    assert certificate.not_valid_before_utc <= before - timedelta(minutes=59)
    assert timedelta(days=7) <= certificate.not_valid_after_utc - before + timedelta(seconds=1) < timedelta(days=7.01)
    (tmp_path / "leaf").write_text(answer["Certificate"])
    (tmp_path / "chain").write_text(answer["CertificateChain"])
    verify = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "chain", "leaf"]
    assert subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True, text=True).stdout == "leaf: OK\n"


def test_certificate_is_in_progress_at_first(pca, root):
    profile.change({"issue_delay_s": 30})
    arn = issue(pca, root, make_csr())
    with pytest.raises(ClientError) as caught:
        pca.get_certificate(CertificateAuthorityArn=root, CertificateArn=arn)
    assert code_of(caught) == "RequestInProgressException"


def test_idempotency_token_gives_the_first_certificate_whatever_the_csr(pca, root):
    first = issue(pca, root, make_csr(), IdempotencyToken="t")
    assert issue(pca, root, make_csr("other"), IdempotencyToken="t") == first
    clock.set_offset(299)
    assert issue(pca, root, make_csr(), IdempotencyToken="t") == first
    clock.set_offset(301)
    assert issue(pca, root, make_csr(), IdempotencyToken="t") != first


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Csr": b"nonsense"}, "MalformedCSRException"),
        ({"Csr": b"x" * 32769}, "ValidationException"),
        ({"Csr": make_csr(None)}, "MalformedCSRException"),
        ({"Csr": make_csr(key=rsa.generate_private_key(65537, 1024))}, "MalformedCSRException"),
        ({"Csr": make_csr(key=ec.generate_private_key(ec.SECP256K1()))}, "MalformedCSRException"),
        ({"SigningAlgorithm": "SHA256WITHRSA"}, "InvalidArgsException"),
        ({"Validity": {"Type": "YEARS", "Value": 11}}, "ValidationException"),
        ({"Validity": {"Type": "ABSOLUTE", "Value": 1000}}, "ValidationException"),
        ({"Validity": {"Type": "END_DATE", "Value": 491340000000}}, "ValidationException"),
        ({"TemplateArn": TEMPLATE.format("NoSuchCertificate")}, "InvalidArgsException"),
        ({"TemplateArn": TEMPLATE.format("BlankEndEntityCertificate")}, "InvalidArgsException"),
        ({"TemplateArn": TEMPLATE.format("RootCACertificate")}, "InvalidArgsException"),
        ({"ValidityNotBefore": {"Type": "DAYS", "Value": 1}}, "InvalidArgsException"),
    ],
)
def test_issue_refuses(pca, root, changes, code):
    with pytest.raises(ClientError) as caught:
        issue(pca, root, changes.pop("Csr", make_csr()), **changes)
    assert code_of(caught) == code


def test_short_lived_ca_refuses_more_than_seven_days(pca):
    arn = active_root(pca, UsageMode="SHORT_LIVED_CERTIFICATE")
    assert issue(pca, arn, make_csr())
    with pytest.raises(ClientError, match="7 days"):
        issue(pca, arn, make_csr(), Validity={"Type": "DAYS", "Value": 8})


@pytest.mark.parametrize(
    ("validity", "end"),
    [
        ({"Type": "MONTHS", "Value": 1}, None),
        ({"Type": "END_DATE", "Value": 20300102030405}, datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)),
        ({"Type": "END_DATE", "Value": 300102030405}, datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)),
        ({"Type": "ABSOLUTE", "Value": 1893553445}, datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)),
    ],
)
def test_validity_types(pca, root, validity, end):
    certificate = load(fetch(pca, root, issue(pca, root, make_csr(), Validity=validity))["Certificate"])
    left = certificate.not_valid_after_utc - datetime.now(timezone.utc)
    assert certificate.not_valid_after_utc == end if end else timedelta(days=27) < left < timedelta(days=32)


def test_api_passthrough_counts_only_in_its_templates(pca, root):
    passthrough = {
        "Subject": {"CommonName": "from-api"},
        "Extensions": {
            "SubjectAlternativeNames": [{"DnsName": "api.example"}, {"IpAddress": "10.0.0.1"}],
            "ExtendedKeyUsage": [{"ExtendedKeyUsageType": "TIME_STAMPING"}],
            "CertificatePolicies": [{"CertPolicyId": "2.5.29.32.0"}],
            "CustomExtensions": [{"ObjectIdentifier": "1.2.3.4", "Value": "BAA="}],
        },
    }
    plain = issue(pca, root, make_csr("from-csr"), ApiPassthrough=passthrough)
    assert load(fetch(pca, root, plain)["Certificate"]).subject.rfc4514_string() == "CN=from-csr"
    chosen = TEMPLATE.format("BlankEndEntityCertificate_APIPassthrough")
    certificate = load(
        fetch(pca, root, issue(pca, root, make_csr("c"), TemplateArn=chosen, ApiPassthrough=passthrough))["Certificate"]
    )
    assert certificate.subject.rfc4514_string() == "CN=from-api"
    by_oid = {extension.oid: extension.value for extension in certificate.extensions}
    assert by_oid[ExtensionOID.SUBJECT_ALTERNATIVE_NAME].get_values_for_type(x509.DNSName) == ["api.example"]
    assert list(by_oid[ExtensionOID.EXTENDED_KEY_USAGE]) == [ExtendedKeyUsageOID.TIME_STAMPING]
    assert x509.ObjectIdentifier("1.2.3.4") in by_oid
    assert ExtensionOID.KEY_USAGE not in by_oid


def test_template_wins_over_csr_and_passes_the_rest(pca, root):
    wanted = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
    policies = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)])
    csr = make_csr("x", wanted, policies, x509.BasicConstraints(ca=True, path_length=None))
    arn = issue(pca, root, csr, TemplateArn=TEMPLATE.format("EndEntityCertificate_CSRPassthrough"))
    extensions = load(fetch(pca, root, arn)["Certificate"]).extensions
    assert ExtendedKeyUsageOID.CODE_SIGNING not in extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert extensions.get_extension_for_class(x509.CertificatePolicies).value == policies
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_ca_issues_only_while_active(pca, root):
    pca.update_certificate_authority(CertificateAuthorityArn=root, Status="DISABLED")
    with pytest.raises(ClientError) as caught:
        issue(pca, root, make_csr())
    assert code_of(caught) == "InvalidStateException"
    pca.update_certificate_authority(CertificateAuthorityArn=root, Status="ACTIVE")
    assert issue(pca, root, make_csr())
    clock.set_offset(11 * 365 * 86400)
    assert _describe(pca, root)["Status"] == "EXPIRED"


def test_pending_ca_does_not_issue(pca):
    arn = create_ca(pca)
    csr_of(pca, arn)
    with pytest.raises(ClientError) as caught:
        issue(pca, arn, make_csr())
    assert code_of(caught) == "InvalidStateException"


def test_unknown_certificate_and_ca(pca, root):
    with pytest.raises(ClientError) as caught:
        pca.get_certificate(CertificateAuthorityArn=root, CertificateArn=f"{root}/certificate/{'0' * 32}")
    assert code_of(caught) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as caught:
        _describe(pca, root[:-4] + "0000")
    assert code_of(caught) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as caught:
        _describe(pca, "arn:aws:acm-pca:us-east-1:123456789012:thing")
    assert code_of(caught) == "InvalidArnException"


def test_deleting_and_restoring(pca, root):
    with pytest.raises(ClientError) as caught:
        pca.delete_certificate_authority(CertificateAuthorityArn=root)
    assert code_of(caught) == "InvalidStateException"
    pca.update_certificate_authority(CertificateAuthorityArn=root, Status="DISABLED")
    pca.delete_certificate_authority(CertificateAuthorityArn=root, PermanentDeletionTimeInDays=7)
    described = _describe(pca, root)
    assert described["Status"] == "DELETED"
    with pytest.raises(ClientError) as caught:
        pca.get_certificate_authority_certificate(CertificateAuthorityArn=root)
    assert code_of(caught) == "InvalidStateException"
    assert timedelta(days=6.9) < described["RestorableUntil"] - datetime.now(timezone.utc) < timedelta(days=7.1)
    pca.restore_certificate_authority(CertificateAuthorityArn=root)
    assert _describe(pca, root)["Status"] == "DISABLED"
    pca.delete_certificate_authority(CertificateAuthorityArn=root, PermanentDeletionTimeInDays=7)
    clock.set_offset(8 * 86400)
    assert not pca.list_certificate_authorities()["CertificateAuthorities"]


def test_threads_may_issue_at_once(pca, root):
    arns: list[str] = []
    threads = [Thread(target=lambda: arns.append(issue(pca, root, make_csr()))) for _thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(arns)) == 8


def test_tags(pca, root):
    pca.tag_certificate_authority(CertificateAuthorityArn=root, Tags=[{"Key": "Name", "Value": "a"}, {"Key": "b"}])
    pca.untag_certificate_authority(CertificateAuthorityArn=root, Tags=[{"Key": "b"}, {"Key": "Name", "Value": "x"}])
    assert pca.list_tags(CertificateAuthorityArn=root)["Tags"] == [{"Key": "Name", "Value": "a"}]
    with pytest.raises(ClientError) as caught:
        pca.tag_certificate_authority(CertificateAuthorityArn=root, Tags=[{"Key": "aws:x", "Value": "y"}])
    assert code_of(caught) == "InvalidTagException"


def test_permissions(pca, root):
    grant = {
        "CertificateAuthorityArn": root,
        "Principal": "acm.amazonaws.com",
        "Actions": ["IssueCertificate", "GetCertificate", "ListPermissions"],
    }
    pca.create_permission(**grant)
    with pytest.raises(ClientError) as caught:
        pca.create_permission(**grant)
    assert code_of(caught) == "PermissionAlreadyExistsException"
    assert [p["Principal"] for p in pca.list_permissions(CertificateAuthorityArn=root)["Permissions"]] == [
        "acm.amazonaws.com"
    ]
    pca.delete_permission(CertificateAuthorityArn=root, Principal="acm.amazonaws.com")
    assert not pca.list_permissions(CertificateAuthorityArn=root)["Permissions"]
    with pytest.raises(ClientError):
        pca.create_permission(**{**grant, "Principal": "ec2.amazonaws.com"})


def _describe(pca, arn):
    return pca.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]
