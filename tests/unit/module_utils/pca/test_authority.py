# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of CAs through the core, against the sandbox's Private CA in this process."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509

from ansible_collections.certwright.aws.plugins.module_utils.errors import AwsError, InputError, StateError
from ansible_collections.certwright.aws.plugins.module_utils.pca.authority_flows import (
    NEW_CERTIFICATE,
    Handling,
    ensure_absent,
    ensure_authority,
)
from ansible_collections.certwright.aws.plugins.module_utils.pca.authority_settings import (
    AuthoritySettings,
    same_policy,
)
from ansible_collections.certwright.aws.plugins.module_utils.pca.fetching import Patience
from ansible_collections.certwright.aws.plugins.module_utils.pca.validity import Validity
from tests import pki
from tests.private_ca import client
from tests.sandbox import clock, profile

BUCKET = "crl-of-the-core"
READS = ("Describe", "List", "Get")
SUBJECT = {"common_name": "Root", "organization": "Example"}


def crl_options(**changes):
    """The module's option crl, with its defaults."""
    defaults = {
        "enabled": True,
        "s3_bucket_name": BUCKET,
        "expiration_in_days": 7,
        "s3_object_acl": "BUCKET_OWNER_FULL_CONTROL",
        "crl_type": "COMPLETE",
        "omit_extension": False,
    }
    return defaults | changes


@pytest.fixture(autouse=True)
def _at_once(pca):
    profile.change({"issue_delay_s": 0})


@pytest.fixture
def bucket(pca):
    """A bucket to which Private CA may write."""
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "acm-pca.amazonaws.com"},
        "Action": ["s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation"],
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    }
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return BUCKET


@pytest.fixture
def writes(pca):
    """Counts of the calls that change something."""
    counted = Counter()

    def count(model, **_):
        if not model.name.startswith(READS):
            counted[model.name] += 1

    pca.meta.events.register("before-call.acm-pca", count)
    yield counted
    pca.meta.events.unregister("before-call.acm-pca", count)


def ensure(pca, status="ACTIVE", arn=None, check_mode=False, wait=True, **settings):
    handling = Handling(
        now=datetime.now(timezone.utc),
        patience=Patience(first_s=0, longest_s=0.05, timeout_s=2),
        wait=wait,
        check_mode=check_mode,
    )
    return ensure_authority(pca, arn=arn, settings=AuthoritySettings(**settings), status=status, handling=handling)


def root(pca, name="root", **settings):
    wanted = {"type": "ROOT", "key_algorithm": "EC_prime256v1", "subject": SUBJECT, **settings}
    return ensure(pca, name=name, **wanted)


def outside(csr, parent, *, not_after=timedelta(days=100), path_length=0):
    """What an outside CA makes of a CSR, PEM."""
    request = x509.load_pem_x509_csr(csr.encode())
    return pki.entity(
        "Sub", issuer=parent, key=request, authority=True, path_length=path_length, not_after=not_after
    ).pem


def test_a_root_is_created_and_active_at_once(pca, writes):
    outcome = root(pca, validity=Validity("YEARS", 3), tags={"team": "pki"}, usage_mode="SHORT_LIVED_CERTIFICATE")
    result = outcome.state.as_result()
    assert (outcome.action, outcome.before, result["status"]) == ("created", None, "ACTIVE")
    assert (result["signing_algorithm"], result["usage_mode"]) == ("SHA256WITHECDSA", "SHORT_LIVED_CERTIFICATE")
    assert result["tags"] == {"team": "pki", "Name": "root"}
    assert result["not_after"].startswith(str(datetime.now(timezone.utc).year + 3))
    assert writes == {
        "CreateCertificateAuthority": 1,
        "IssueCertificate": 1,
        "ImportCertificateAuthorityCertificate": 1,
    }


def test_again_changes_nothing(pca, writes):
    first = root(pca, tags={"team": "pki"}, acm_permission=True)
    writes.clear()
    again = root(pca, tags={"team": "pki"}, acm_permission=True)
    assert (again.changed, again.action, again.state.arn) == (False, "kept", first.state.arn)
    assert again.before == again.after
    by_arn = ensure(pca, arn=first.state.arn)
    assert not by_arn.changed
    assert not writes


def test_check_mode_creates_nothing_and_tells_what_it_would(pca, writes):
    predicted = root(pca, acm_permission=True, check_mode=True)
    assert (predicted.action, predicted.state) == ("created", None)
    assert not writes
    made = root(pca, acm_permission=True)
    assert {**made.after, "certificate_fingerprint_sha256": NEW_CERTIFICATE} == predicted.after


def test_what_cannot_be_changed_is_an_error(pca, writes):
    root(pca)
    writes.clear()
    with pytest.raises(InputError, match="key_algorithm is EC_prime256v1 and not RSA_2048"):
        root(pca, key_algorithm="RSA_2048")
    with pytest.raises(InputError, match=r"subject\.common_name is Root and not Other"):
        root(pca, subject={"common_name": "Other"})
    assert not writes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "x"}, "type, subject must be given"),
        ({"name": "x", "type": "ROOT", "subject": SUBJECT, "signing_algorithm": "SHA256WITHECDSA"}, "does not fit"),
        ({"name": "x", "type": "ROOT", "parent_arn": "arn"}, "signs itself"),
        ({"name": "x", "parent_arn": "arn", "certificate": "pem"}, "not both"),
        ({"name": "x", "tags": {"Name": "y"}}, "is the CA's name"),
        ({"name": "x", "crl": {"enabled": True, "expiration_in_days": 7}}, "needs s3_bucket_name"),
        ({"name": "x", "crl": crl_options(expiration_in_days=9999)}, "1 to 5000"),
        ({"name": "x", "crl": crl_options(custom_cname="c", omit_extension=True)}, "cannot be combined"),
        ({}, "certificate_authority_arn or name"),
    ],
)
def test_bad_settings(pca, writes, settings, message):
    with pytest.raises(InputError, match=message):
        ensure(pca, **settings)
    assert not writes


def test_an_unknown_arn_creates_nothing(pca, writes):
    arn = f"arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/{'0' * 8}-1111-2222-3333-444444444444"
    with pytest.raises(InputError, match="there is no CA"):
        ensure(pca, arn=arn, type="ROOT", subject=SUBJECT)
    assert not writes


def test_a_lost_reply_to_the_creation_makes_no_second_ca(pca):
    root(pca)
    arn = root(pca).state.arn
    pca.untag_certificate_authority(CertificateAuthorityArn=arn, Tags=[{"Key": "Name"}])
    assert ensure(pca, name="root", type="ROOT", subject=SUBJECT, key_algorithm="EC_prime256v1").state.arn == arn


def test_without_waiting_the_next_run_activates(pca):
    profile.change({"issue_delay_s": 0.1})
    wanted = {"type": "ROOT", "key_algorithm": "EC_prime256v1", "subject": SUBJECT}
    first = ensure(pca, name="root", wait=False, **wanted)
    assert (first.action, first.state.status) == ("created", "CREATING")
    assert not ensure(pca, name="root", wait=False).changed
    second = ensure(pca, name="root")
    assert (second.action, second.state.status) == ("activated", "ACTIVE")


def test_two_cas_of_one_name_are_told_apart_by_arn(pca):
    first = root(pca).state.arn
    second = root(pca, name="other").state.arn
    pca.tag_certificate_authority(CertificateAuthorityArn=second, Tags=[{"Key": "Name", "Value": "root"}])
    with pytest.raises(InputError, match="2 CAs have the name root"):
        ensure(pca, name="root")
    assert ensure(pca, arn=first).state.arn == first


def test_disable_enable_delete_restore(pca, writes):
    arn = root(pca).state.arn
    with pytest.raises(StateError, match="state=disabled first"):
        ensure_absent(pca, arn=None, name="root", days=7)
    assert ensure(pca, status="DISABLED", name="root", check_mode=True).action == "disabled"
    assert ensure(pca, status="DISABLED", name="root").action == "disabled"
    assert not ensure(pca, status="DISABLED", name="root").changed
    assert ensure(pca, name="root").action == "enabled"
    ensure(pca, status="DISABLED", name="root")
    assert ensure_absent(pca, arn=None, name="root", days=7, check_mode=True).after["status"] == "DELETED"
    assert ensure_absent(pca, arn=None, name="root", days=7).state.status == "DELETED"
    assert not ensure_absent(pca, arn=None, name="root", days=7).changed
    writes.clear()
    predicted = ensure(pca, name="root", check_mode=True)
    restored = ensure(pca, name="root")
    assert (predicted.action, restored.action, restored.state.arn) == ("restored", "restored", arn)
    assert restored.state.status == predicted.after["status"] == "ACTIVE"
    assert not ensure_absent(pca, arn=None, name="nothing", days=7).changed


def test_nothing_that_could_be_disabled(pca):
    with pytest.raises(InputError, match="no CA named root that could be disabled"):
        ensure(pca, status="DISABLED", name="root")


def test_tags_and_permission_and_policy(pca, writes):
    arn = root(pca, tags={"a": "1", "b": "2"}).state.arn
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "210987654321"},
                "Action": ["acm-pca:IssueCertificate"],
                "Resource": arn,
            }
        ],
    }
    changed = ensure(pca, name="root", tags={"a": "3"}, acm_permission=True, policy=policy)
    assert changed.action == "updated"
    assert changed.after["tags"] == {"a": "3", "Name": "root"}
    assert (changed.after["acm_permission"], changed.after["policy"]) == (True, policy)
    writes.clear()
    assert not ensure(pca, name="root", tags={"a": "3"}, acm_permission=True, policy=policy).changed
    assert not ensure(pca, name="root").changed
    kept = ensure(pca, name="root", tags={"c": "4"}, purge_tags=False)
    assert kept.after["tags"] == {"a": "3", "c": "4", "Name": "root"}
    removed = ensure(pca, name="root", acm_permission=False, policy={})
    assert (removed.after["acm_permission"], removed.after["policy"]) == (False, None)
    assert writes == {"TagCertificateAuthority": 1, "DeletePermission": 1, "DeletePolicy": 1}


def test_same_policy_sees_through_lists_of_one_and_order():
    one = {"Statement": [{"Action": "a", "Principal": {"AWS": ["1", "2"]}}]}
    other = {"Statement": {"Action": ["a"], "Principal": {"AWS": ["2", "1"]}}}
    assert same_policy(one, other)
    assert not same_policy(one, {"Statement": [{"Action": "b", "Principal": {"AWS": ["1", "2"]}}]})


def test_crl_settings(pca, bucket, writes):
    root(pca)
    writes.clear()
    on = ensure(pca, name="root", crl=crl_options(), ocsp={"enabled": True})
    assert on.after["crl"] == {
        "enabled": True,
        "s3_bucket_name": bucket,
        "expiration_in_days": 7,
        "s3_object_acl": "BUCKET_OWNER_FULL_CONTROL",
        "crl_type": "COMPLETE",
        "omit_extension": False,
    }
    assert on.after["ocsp"] == {"enabled": True}
    assert not ensure(pca, name="root", crl=crl_options(), ocsp={"enabled": True}).changed
    assert ensure(pca, name="root", crl=crl_options(omit_extension=True)).after["crl"]["omit_extension"]
    off = ensure(pca, name="root", crl={"enabled": False, "s3_bucket_name": bucket})
    assert (off.after["crl"], off.after["ocsp"]) == ({"enabled": False}, {"enabled": True})
    assert writes == {"UpdateCertificateAuthority": 3}


def test_public_lists_under_block_public_access(pca, bucket, writes):
    root(pca)
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    client("s3").put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    public = crl_options(s3_object_acl="PUBLIC_READ")
    with pytest.raises(InputError, match="use BUCKET_OWNER_FULL_CONTROL"):
        ensure(pca, name="root", crl=public, tags={"a": "b"})
    assert ensure(pca, name="root").after["tags"] == {"Name": "root"}
    with pytest.raises(InputError, match="use BUCKET_OWNER_FULL_CONTROL"):
        root(pca, name="second", crl=public)
    with pytest.raises(InputError, match="to create one"):
        ensure(pca, name="second")


def test_a_subordinate_signed_by_another_private_ca(pca):
    parent = root(pca).state.arn
    outcome = sub(pca, parent, path_length=1, validity=Validity("YEARS", 2))
    result = outcome.state.as_result()
    assert (outcome.action, result["status"], result["path_length"]) == ("created", "ACTIVE", 1)
    assert result["certificate_chain"].count("BEGIN CERTIFICATE") == 1
    assert not sub(pca, parent, path_length=1).changed


def sub(pca, parent, name="sub", **settings):
    wanted = {"type": "SUBORDINATE", "key_algorithm": "EC_prime256v1", "subject": {"common_name": name}, **settings}
    return ensure(pca, name=name, parent_arn=parent, **wanted)


def test_a_subordinate_beyond_its_parent_creates_nothing(pca, writes):
    parent = root(pca, validity=Validity("YEARS", 2)).state.arn
    middle = sub(pca, parent, "middle", validity=Validity("YEARS", 1)).state.arn
    short = root(pca, name="short", usage_mode="SHORT_LIVED_CERTIFICATE").state.arn
    writes.clear()
    with pytest.raises(InputError, match="after the CA's own certificate"):
        sub(pca, parent, validity=Validity("YEARS", 3))
    with pytest.raises(InputError, match="its own path length is 0, so no CA may stand below it"):
        sub(pca, middle, validity=Validity("DAYS", 3))
    with pytest.raises(InputError, match="longer than 7 days"):
        sub(pca, short)
    ensure(pca, status="DISABLED", name="root")
    writes.clear()
    with pytest.raises(StateError, match="is DISABLED: only an ACTIVE CA"):
        sub(pca, parent, validity=Validity("DAYS", 3))
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        sub(pca, parent[:-4] + "0000", validity=Validity("DAYS", 3))
    assert not writes


def test_a_subordinate_signed_outside(pca, writes):
    corporate = pki.authority("Corporate", not_after=timedelta(days=200))
    waiting = sub(pca, None)
    result = waiting.state.as_result()
    assert (waiting.action, result["status"]) == ("created", "PENDING_CERTIFICATE")
    assert not sub(pca, None).changed
    signed = outside(result["csr"], corporate)
    writes.clear()
    predicted = ensure(pca, name="sub", certificate=signed, chain=corporate.pem, check_mode=True)
    assert (predicted.action, predicted.after["status"]) == ("activated", "ACTIVE")
    assert not writes
    active = ensure(pca, name="sub", certificate=signed, chain=corporate.pem)
    assert (active.action, active.state.status) == ("activated", "ACTIVE")
    assert not ensure(pca, name="sub", certificate=signed, chain=corporate.pem).changed
    renewed = ensure(pca, name="sub", certificate=outside(result["csr"], corporate), chain=corporate.pem)
    assert renewed.action == "updated"


def test_an_outside_certificate_that_does_not_fit_changes_nothing(pca, writes):
    corporate = pki.authority("Corporate", not_after=timedelta(days=200))
    narrow = pki.entity("Narrow", issuer=corporate, authority=True, path_length=0, not_after=timedelta(days=150))
    csr = sub(pca, None).state.csr
    good = outside(csr, corporate)
    writes.clear()
    for certificate, chain, message in [
        (pki.entity("Sub", issuer=corporate, authority=True).pem, corporate.pem, "public key is not that of the CSR"),
        (pki.entity("S", issuer=corporate, key=x509.load_pem_x509_csr(csr.encode())).pem, corporate.pem, "CA:TRUE"),
        (good, None, "certificate_chain"),
        (outside(csr, corporate, not_after=timedelta(days=300)), corporate.pem, "after its issuer's"),
        (outside(csr, narrow), narrow.pem + corporate.pem, "no CA may stand below it"),
        ("nonsense", corporate.pem, "not a PEM certificate"),
    ]:
        with pytest.raises(InputError, match=message):
            ensure(pca, name="sub", certificate=certificate, chain=chain)
    assert not writes
    stranger = pki.authority("Stranger", not_after=timedelta(days=200))
    with pytest.raises(AwsError, match="CertificateMismatchException"):
        ensure(pca, name="sub", certificate=good, chain=stranger.pem)


def test_an_expired_root_signs_itself_anew(pca):
    clock.set_offset(-400 * 86400)
    root(pca, validity=Validity("DAYS", 30))
    clock.set_offset(0)
    renewed = root(pca)
    assert (renewed.action, renewed.before["status"], renewed.state.status) == ("activated", "EXPIRED", "ACTIVE")
