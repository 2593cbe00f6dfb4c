# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private CA in the sandbox: revocation, the lists in S3, audit reports."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import time

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.private_ca import active_root, client, code_of, create_ca, fetch, issue, load, make_csr
from tests.sandbox import clock, control, profile
from tests.sandbox.acmpca import listeners

BUCKET = "crl-bucket"
ACTIONS = ("s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation")


@pytest.fixture
def s3(pca):
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    allow(s3)
    return s3


def allow(s3, actions=ACTIONS, **statement):
    policy = {
        "Effect": "Allow",
        "Principal": {"Service": "acm-pca.amazonaws.com"},
        "Action": actions,
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        **statement,
    }
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [policy]}))


def crl(**changes):
    settings = {
        "Enabled": True,
        "ExpirationInDays": 7,
        "S3BucketName": BUCKET,
        "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
        **changes,
    }
    return {"RevocationConfiguration": {"CrlConfiguration": settings}}


def keys(s3):
    return sorted(item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()))


def eventually(ask, wanted):
    for _attempt in range(200):
        found = ask()
        if wanted(found):
            return found
        time.sleep(0.01)
    raise AssertionError(f"still {found}")


def read_crl(s3, key):
    return x509.load_der_x509_crl(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def serial_of(pca, root, arn):
    return load(fetch(pca, root, arn)["Certificate"]).serial_number


def revoke(pca, root, serial, reason="KEY_COMPROMISE"):
    text = serial if isinstance(serial, str) else f"{serial:x}"
    pca.revoke_certificate(CertificateAuthorityArn=root, CertificateSerial=text, RevocationReason=reason)


def test_revoking_twice_and_unknown(pca):
    root = active_root(pca)
    serial = serial_of(pca, root, issue(pca, root, make_csr()))
    revoke(pca, root, ":".join(f"{serial:032x}"[i : i + 2] for i in range(0, 32, 2)).upper())
    for attempt, code in [
        (serial, "RequestAlreadyProcessedException"),
        (12345, "ResourceNotFoundException"),
        ("nonsense", "InvalidRequestException"),
    ]:
        with pytest.raises(ClientError) as caught:
            revoke(pca, root, attempt)
        assert code_of(caught) == code


def test_a_root_certificate_cannot_be_revoked(pca):
    root = active_root(pca)
    own = load(pca.get_certificate_authority_certificate(CertificateAuthorityArn=root)["Certificate"])
    with pytest.raises(ClientError, match="Self-signed") as caught:
        revoke(pca, root, own.serial_number)
    assert code_of(caught) == "InvalidRequestException"


def test_crl_is_written_once_something_refers_to_it_and_after_each_revocation(pca, s3, tmp_path):
    root = active_root(pca, **crl())
    key = f"crl/{root.rpartition('/')[2]}.crl"
    assert keys(s3) == ["acm-pca-permission-test-key"]
    answer = fetch(pca, root, issue(pca, root, make_csr()))
    leaf = load(answer["Certificate"])
    [point] = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert point.full_name[0].value == f"http://{BUCKET}.s3.us-east-1.amazonaws.com/{key}"
    eventually(lambda: keys(s3), lambda found: key in found)
    assert not list(read_crl(s3, key))
    revoke(pca, root, leaf.serial_number, "SUPERSEDED")
    found = eventually(lambda: read_crl(s3, key), lambda crl: len(list(crl)) == 1)
    [entry] = found
    assert entry.serial_number == leaf.serial_number
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.superseded
    assert (found.next_update_utc - found.last_update_utc).days == 7
    (tmp_path / "leaf").write_text(answer["Certificate"])
    (tmp_path / "ca").write_text(answer["CertificateChain"])
    (tmp_path / "crl").write_bytes(found.public_bytes(Encoding.PEM))
    verify = ["openssl", "verify", "-crl_check", "-CRLfile", "crl", "-CAfile", "ca", "leaf"]
    told = subprocess.run(verify, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert "certificate revoked" in told.stdout + told.stderr


def test_partitions_are_separate_lists(pca, s3):
    profile.change({"crl_partition_certificates": 2})
    root = active_root(pca, **crl(CrlType="PARTITIONED"))
    arns = [issue(pca, root, make_csr()) for _certificate in range(3)]
    leaves = [load(fetch(pca, root, arn)["Certificate"]) for arn in arns]
    urls = [
        leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value[0].full_name[0].value
        for leaf in leaves
    ]
    assert urls[0] == urls[1] != urls[2]
    revoke(pca, root, leaves[2].serial_number)
    key = urls[2].partition(".amazonaws.com/")[2]
    found = eventually(lambda: keys(s3), lambda found: key in found) and eventually(
        lambda: read_crl(s3, key), lambda crl: len(list(crl)) == 1
    )
    idp = found.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert idp.critical
    assert idp.value.full_name[0].value == urls[2]


def test_cname_path_and_omission(pca, s3):
    root = active_root(pca, **crl(CustomCname="crl.example", CustomPath="lists/a"))
    leaf = load(fetch(pca, root, issue(pca, root, make_csr()))["Certificate"])
    point = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value[0]
    assert point.full_name[0].value == f"http://crl.example/lists/a/{root.rpartition('/')[2]}.crl"
    omitting = crl(CrlDistributionPointExtensionConfiguration={"OmitExtension": True})
    root = active_root(pca, **omitting)
    leaf = load(fetch(pca, root, issue(pca, root, make_csr()))["Certificate"])
    with pytest.raises(x509.ExtensionNotFound):
        leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Enabled": False}, "InvalidArgsException"),
        ({"CustomCname": "http://crl.example"}, "InvalidArgsException"),
        (
            {"CustomCname": "c.example", "CrlDistributionPointExtensionConfiguration": {"OmitExtension": True}},
            "InvalidArgsException",
        ),
        ({"ExpirationInDays": 5001}, "ValidationException"),
        ({"S3BucketName": "no-such-bucket"}, "ValidationException"),
    ],
)
def test_crl_configuration_refused(pca, s3, changes, code):
    with pytest.raises(ClientError) as caught:
        create_ca(pca, **crl(**changes))
    assert code_of(caught) == code


def test_public_lists_need_a_bucket_without_public_access_block(pca, s3):
    create_ca(pca, **crl(S3ObjectAcl="PUBLIC_READ"))
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=block)
    with pytest.raises(ClientError, match="Permission error with your S3 bucket") as caught:
        create_ca(pca, **crl(S3ObjectAcl="PUBLIC_READ"))
    assert code_of(caught) == "ValidationException"
    create_ca(pca, **crl())


@pytest.mark.parametrize(
    ("actions", "condition", "allowed"),
    [
        (["s3:*"], {}, True),
        (ACTIONS, {"StringEquals": {"aws:SourceAccount": "123456789012"}}, True),
        (ACTIONS, {"ArnLike": {"aws:SourceArn": "arn:aws:acm-pca:*:123456789012:certificate-authority/*"}}, True),
        (ACTIONS, {"StringEquals": {"aws:SourceAccount": "210987654321"}}, False),
        (ACTIONS, {"Bool": {"aws:SecureTransport": "true"}}, False),
        (ACTIONS[:3], {}, False),
    ],
)
def test_bucket_policies(pca, s3, actions, condition, allowed):
    allow(s3, actions, Condition=condition)
    if allowed:
        create_ca(pca, **crl())
    else:
        with pytest.raises(ClientError, match="Permission error"):
            create_ca(pca, **crl())


def test_a_list_that_could_not_be_written_is_written_later(pca, s3):
    events = []
    listeners.append(events.append)
    root = active_root(pca, **crl())
    allow(s3, ["s3:GetBucketAcl"])
    issue(pca, root, make_csr())
    failed = eventually(lambda: [e for e in events if e["detail-type"].endswith("CRL Generation")], bool)
    assert failed[0]["detail"]["result"] == "failure"
    allow(s3)
    eventually(lambda: keys(s3), lambda found: len(found) == 2)
    listeners.remove(events.append)


def test_lists_are_written_at_once_when_the_control_endpoint_says_so(pca, s3):
    profile.change({"crl_delay_s": 600})
    root = active_root(pca, **crl())
    revoke(pca, root, serial_of(pca, root, issue(pca, root, make_csr())))
    assert len(keys(s3)) == 1
    status, reply = control.answer("POST", "/_sandbox/crl/publish", b"{}")
    key = f"crl/{root.rpartition('/')[2]}.crl"
    assert (status, json.loads(reply)) == (200, {"published": [f"http://{BUCKET}.s3.us-east-1.amazonaws.com/{key}"]})
    assert len(list(read_crl(s3, key))) == 1


def test_ocsp_is_named_in_certificates(pca):
    root = active_root(pca, RevocationConfiguration={"OcspConfiguration": {"Enabled": True}})
    leaf = load(fetch(pca, root, issue(pca, root, make_csr()))["Certificate"])
    [access] = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert access.access_location.value == "http://ocsp.acm-pca.us-east-1.amazonaws.com"


def test_audit_reports(pca, s3):
    root = active_root(pca)
    arn = issue(pca, root, make_csr("audited"))
    revoke(pca, root, serial_of(pca, root, arn), "PRIVILEGE_WITHDRAWN")
    request = {"CertificateAuthorityArn": root, "S3BucketName": BUCKET, "AuditReportResponseFormat": "JSON"}
    answer = pca.create_certificate_authority_audit_report(**request)
    rows = json.loads(s3.get_object(Bucket=BUCKET, Key=answer["S3Key"])["Body"].read())
    [row] = [row for row in rows if row["certificateArn"] == arn]
    assert row["subject"] == "CN=audited"
    assert row["serial"].replace(":", "") == arn.rpartition("/")[2]
    assert (row["revocationReason"], row["revokedAt"][-5:]) == ("PRIVILEGE_WITHDRAWN", "+0000")
    described = pca.describe_certificate_authority_audit_report(
        CertificateAuthorityArn=root, AuditReportId=answer["AuditReportId"]
    )
    assert (described["AuditReportStatus"], described["S3Key"]) == ("SUCCESS", answer["S3Key"])
    with pytest.raises(ClientError) as caught:
        pca.create_certificate_authority_audit_report(**request)
    assert code_of(caught) == "RequestInProgressException"
    clock.set_offset(1801)
    answer = pca.create_certificate_authority_audit_report(**{**request, "AuditReportResponseFormat": "CSV"})
    text = s3.get_object(Bucket=BUCKET, Key=answer["S3Key"])["Body"].read().decode()
    assert [row["templateArn"].split("/")[1] for row in csv.DictReader(io.StringIO(text))] == [
        "RootCACertificate",
        "EndEntityCertificate",
    ]


def test_events(pca):
    events = []
    listeners.append(events.append)
    root = active_root(pca)
    arn = issue(pca, root, make_csr())
    revoke(pca, root, serial_of(pca, root, arn))
    listeners.remove(events.append)
    kinds = [event["detail-type"].removeprefix("ACM Private CA ") for event in events]
    assert kinds == ["Creation", "Certificate Issuance", "Certificate Issuance", "Certificate Revocation"]
    assert events[-1]["resources"] == [root, arn]
    assert events[-1]["detail"] == {"result": "success"}
