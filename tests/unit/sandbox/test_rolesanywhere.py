# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's IAM Roles Anywhere. CreateSession is judged by a real client, ``iam-rolesanywhere-session``."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from iam_rolesanywhere_session import CredentialsRetrievalError, IAMRolesAnywhereSession

from tests import pki
from tests.sandbox.client import Sandbox

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "rolesanywhere.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        }
    ],
}


@pytest.fixture(scope="module", autouse=True)
def _fresh(sandbox: Sandbox) -> None:
    """An account may have 50 trust anchors."""
    sandbox.reset()


@pytest.fixture(scope="module")
def ra(sandbox: Sandbox) -> Any:
    return client(sandbox, "rolesanywhere")


@pytest.fixture(scope="module")
def authority() -> pki.Entity:
    return pki.authority("Sandbox test CA", key=pki.rsa_key())


@cache
def client(sandbox: Sandbox, service: str) -> Any:
    return sandbox.client(service)


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def bundle(*authorities: pki.Entity) -> dict[str, Any]:
    pem = "".join(entity.pem for entity in authorities)
    return {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem}}


def anchor_of(ra: Any, *authorities: pki.Entity, **settings: Any) -> dict[str, Any]:
    request = {"name": unique("anchor"), "source": bundle(*authorities), "enabled": True, **settings}
    return ra.create_trust_anchor(**request)["trustAnchor"]


def refused(code: str, message: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\).*{message}")


class Workload:
    """What a program outside of AWS has: a certificate, its key, and three ARNs."""

    def __init__(self, sandbox: Sandbox, authority: pki.Entity, trust: Any = None, **profile: Any) -> None:
        self._sandbox = sandbox
        iam, self.ra = client(sandbox, "iam"), client(sandbox, "rolesanywhere")
        role = iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=json.dumps(trust or TRUST))["Role"]
        self.role_arn = role["Arn"]
        settings = {"name": unique("profile"), "roleArns": [self.role_arn], "enabled": True, **profile}
        self.profile = self.ra.create_profile(**settings)["profile"]
        self.anchor = anchor_of(self.ra, authority)

    def credentials(self, entity: pki.Entity, chain: str | None = None, **settings: Any) -> Any:
        session = IAMRolesAnywhereSession(
            profile_arn=settings.pop("profile_arn", self.profile["profileArn"]),
            role_arn=settings.pop("role_arn", self.role_arn),
            trust_anchor_arn=settings.pop("trust_anchor_arn", self.anchor["trustAnchorArn"]),
            certificate=entity.pem.encode(),
            private_key=settings.pop("key", entity.key_pem.encode()),
            certificate_chain=chain.encode() if chain else None,
            endpoint=self._sandbox.tls_url.removeprefix("https://"),
            verify=self._sandbox.env()["AWS_CA_BUNDLE"],
            region="us-east-1",
            **settings,
        )
        return session.get_refreshable_credentials().get_frozen_credentials()

    def refused(self, message: str) -> Any:
        return pytest.raises(CredentialsRetrievalError, match=message)


@pytest.fixture(scope="module")
def workload(sandbox: Sandbox, authority: pki.Entity) -> Workload:
    return Workload(sandbox, authority)


@pytest.mark.parametrize("key", [pki.ec_key(), pki.rsa_key()], ids=["ECDSA", "RSA"])
def test_a_certificate_buys_credentials_that_sts_recognises(
    sandbox: Sandbox, workload: Workload, authority: pki.Entity, key: Any
) -> None:
    leaf = authority.issue("web1", key=key)
    credentials = workload.credentials(leaf)
    sts = sandbox.client(
        "sts",
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
    )
    role = workload.role_arn.rpartition("/")[2]
    assert sts.get_caller_identity()["Arn"].endswith(f":assumed-role/{role}/{leaf.serial:x}")
    assert sandbox.calls()["rolesanywhere:CreateSession"] >= 1


def test_a_chain_through_an_intermediate_is_followed(workload: Workload, authority: pki.Entity) -> None:
    intermediate = authority.issue("Intermediate", authority=True, path_length=0)
    leaf = intermediate.issue("web2")
    assert workload.credentials(leaf, chain=intermediate.pem)
    with workload.refused("Untrusted signing certificate"):
        workload.credentials(leaf)


def test_a_path_longer_than_a_certificate_allows_is_refused(workload: Workload, authority: pki.Entity) -> None:
    first = authority.issue("First", authority=True, path_length=0)
    second = first.issue("Second", authority=True)
    with workload.refused("Untrusted signing certificate"):
        workload.credentials(second.issue("web3"), chain=second.pem + first.pem)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"not_after": timedelta(minutes=-1)}, "not valid at this time"),
        ({"not_before": timedelta(hours=1)}, "not valid at this time"),
        ({"authority": True}, "CA:false"),
        ({"usage": ["key_encipherment"]}, "digital signature"),
    ],
)
def test_a_certificate_that_is_not_good_for_it_is_refused(
    workload: Workload, authority: pki.Entity, settings: dict[str, Any], message: str
) -> None:
    with workload.refused(message):
        workload.credentials(authority.issue("web4", **settings))


def test_a_certificate_of_another_authority_is_refused(workload: Workload) -> None:
    namesake = pki.authority("Sandbox test CA")
    with workload.refused("Untrusted signing certificate"):
        workload.credentials(namesake.issue("web5"))


def test_another_key_than_the_certificates_is_refused(workload: Workload, authority: pki.Entity) -> None:
    with workload.refused("signature does not match"):
        workload.credentials(authority.issue("web6"), key=pki.entity("other").key_pem.encode())


def test_only_sha_256_signatures_are_known(workload: Workload, authority: pki.Entity) -> None:
    with workload.refused("AWS4-X509-RSA-SHA256"):
        workload.credentials(authority.issue("web7", algorithm=hashes.SHA384()))


def test_validity_follows_the_clock_of_aws(sandbox: Sandbox, workload: Workload, authority: pki.Entity) -> None:
    leaf = authority.issue("web8")
    sandbox.control("POST", "/clock", {"offset_seconds": 3 * 86400})
    try:
        with workload.refused("not valid at this time"):
            workload.credentials(leaf)
    finally:
        sandbox.control("POST", "/clock", {"offset_seconds": 0})
    assert workload.credentials(leaf)


def test_what_is_disabled_or_not_there_gives_nothing(sandbox: Sandbox, authority: pki.Entity) -> None:
    workload = Workload(sandbox, authority)
    leaf, ra = authority.issue("web9"), workload.ra
    anchor_id, profile_id = workload.anchor["trustAnchorId"], workload.profile["profileId"]
    ra.disable_profile(profileId=profile_id)
    with workload.refused("profile is disabled"):
        workload.credentials(leaf)
    ra.enable_profile(profileId=profile_id)
    ra.disable_trust_anchor(trustAnchorId=anchor_id)
    with workload.refused("trust anchor is disabled"):
        workload.credentials(leaf)
    ra.enable_trust_anchor(trustAnchorId=anchor_id)
    assert workload.credentials(leaf)
    with workload.refused("not in the profile"):
        workload.credentials(leaf, role_arn=workload.role_arn + "x")
    with workload.refused("no profile"):
        workload.credentials(leaf, profile_arn=workload.profile["profileArn"][:-1] + "x")
    with workload.refused("set roleSessionName"):
        workload.credentials(leaf, role_session_name="me")


def test_a_session_name_is_taken_where_the_profile_accepts_it(sandbox: Sandbox, authority: pki.Entity) -> None:
    workload = Workload(sandbox, authority, acceptRoleSessionName=True)
    assert workload.credentials(authority.issue("web10"), role_session_name="me-and-mine")


@pytest.mark.parametrize(
    ("condition", "good"),
    [
        ({"StringEquals": {"aws:PrincipalTag/x509Subject/CN": "web11"}}, True),
        ({"StringLike": {"aws:PrincipalTag/x509Subject/CN": ["db*", "web*"]}}, True),
        ({"StringEquals": {"aws:PrincipalTag/x509Subject/CN": "web12"}}, False),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/other"}}, False),
        ({"StringEquals": {"aws:PrincipalTag/x509Subject/OU": "web"}}, False),
    ],
)
def test_conditions_of_the_roles_trust_policy_count(
    sandbox: Sandbox, authority: pki.Entity, condition: dict[str, Any], good: bool
) -> None:
    policy = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Condition": condition}]}
    workload, leaf = Workload(sandbox, authority, policy), authority.issue("web11")
    if good:
        assert workload.credentials(leaf)
        return
    with workload.refused("Unable to assume role"):
        workload.credentials(leaf)


@pytest.mark.parametrize("action", ["sts:TagSession", "sts:SetSourceIdentity"])
def test_a_role_has_to_allow_all_three_actions(sandbox: Sandbox, authority: pki.Entity, action: str) -> None:
    actions = [other for other in TRUST["Statement"][0]["Action"] if other != action]
    workload = Workload(sandbox, authority, {**TRUST, "Statement": [{**TRUST["Statement"][0], "Action": actions}]})
    with workload.refused("Unable to assume role"):
        workload.credentials(authority.issue("web13"))


def test_revoked_once_the_list_is_imported_and_enabled(sandbox: Sandbox, authority: pki.Entity) -> None:
    workload = Workload(sandbox, authority)
    ra, leaf, other = workload.ra, authority.issue("web14"), authority.issue("web15")
    imported = ra.import_crl(
        name="crl", crlData=authority.crl([leaf.serial]), trustAnchorArn=workload.anchor["trustAnchorArn"]
    )["crl"]
    assert imported["enabled"] is False
    assert workload.credentials(leaf)
    ra.enable_crl(crlId=imported["crlId"])
    with workload.refused("revoked"):
        workload.credentials(leaf)
    assert workload.credentials(other)
    ra.update_crl(crlId=imported["crlId"], crlData=authority.crl([other.serial], number=2))
    assert workload.credentials(leaf)
    with workload.refused("revoked"):
        workload.credentials(other)


def test_an_anchor_may_look_at_the_distribution_point(sandbox: Sandbox, authority: pki.Entity) -> None:
    bucket, s3 = unique("crl"), client(sandbox, "s3")
    s3.create_bucket(Bucket=bucket)
    address = x509.UniformResourceIdentifier(f"http://{bucket}.s3.us-east-1.amazonaws.com/crl/1.crl")
    point = x509.CRLDistributionPoints([x509.DistributionPoint([address], None, None, None)])
    workload, leaf = Workload(sandbox, authority), authority.issue("web16", extensions=[point])
    s3.put_object(Bucket=bucket, Key="crl/1.crl", Body=authority.crl([leaf.serial], der=True))
    assert workload.credentials(leaf)
    workload.ra.update_trust_anchor(trustAnchorId=workload.anchor["trustAnchorId"], crlDpRevocationEnabled=True)
    with workload.refused("revoked"):
        workload.credentials(leaf)


def test_a_node_trades_its_files_for_credentials(sandbox: Sandbox, workload: Workload, authority: pki.Entity) -> None:
    node, leaf = sandbox.control("POST", "/nodes", {"count": 1, "kind": "real"})[0], authority.issue("node")
    directory = sandbox.control("POST", f"/nodes/{node}/signing-helper", {})["path"]
    for name, text in (("cert.pem", leaf.pem), ("key.pem", leaf.key_pem)):
        (sandbox.nodes_dir / node / "etc/pki" / name).write_text(text)
    command = (
        f"$CERTWRIGHT_ROOT{directory}/aws_signing_helper credential-process "
        "--certificate $CERTWRIGHT_ROOT/etc/pki/cert.pem --private-key $CERTWRIGHT_ROOT/etc/pki/key.pem "
        f"--trust-anchor-arn {workload.anchor['trustAnchorArn']} --profile-arn {workload.profile['profileArn']} "
        f"--role-arn {workload.role_arn}"
    )
    told = json.loads(sandbox.control("POST", f"/nodes/{node}/run", {"command": command})["stdout"])
    assert (told["Version"], told["Expiration"][-1]) == (1, "Z")
    assert told["AccessKeyId"].startswith("ASIA")
    refused = sandbox.control("POST", f"/nodes/{node}/run", {"command": f"{command}x"})
    assert refused["exit_code"] == 1
    assert "The role is not in the profile" in refused["stderr"]


def test_crls_are_checked_as_they_come(ra: Any, authority: pki.Entity) -> None:
    anchor = anchor_of(ra, authority, aliasName=unique("a"))
    request = {"name": "crl", "trustAnchorArn": anchor["trustAnchorArn"]}
    with refused("ValidationException", "not PEM"):
        ra.import_crl(crlData=authority.crl(der=True), **request)
    with refused("ValidationException", "not signed by"):
        ra.import_crl(crlData=pki.authority("Sandbox test CA").crl(), **request)
    with refused("ValidationException", "less than or equal to 300000"):
        ra.import_crl(crlData=b"x" * 300_001, **request)
    with refused("ResourceNotFoundException"):
        ra.import_crl(crlData=authority.crl(), name="crl", trustAnchorArn=anchor["aliasArn"])
    first = ra.import_crl(crlData=authority.crl(), **request)["crl"]
    ra.import_crl(crlData=authority.crl(), **request)
    with refused("ValidationException", "limit of 2"):
        ra.import_crl(crlData=authority.crl(), **request)
    with refused("ValidationException", "not signed by"):
        ra.update_crl(crlId=first["crlId"], crlData=pki.authority("other").crl())
    ra.delete_crl(crlId=first["crlArn"])
    assert ra.import_crl(crlData=authority.crl(), **request)["crl"]["name"] == "crl"


def test_anchors_are_checked_as_they_come(ra: Any, authority: pki.Entity) -> None:
    def create(source: dict[str, Any], **settings: Any) -> Any:
        return ra.create_trust_anchor(name="anchor", source=source, **settings)

    with refused("ValidationException", "not PEM"):
        create({"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": "certificate"}})
    with refused("ValidationException", "CA:true"):
        create(bundle(authority.issue("leaf")))
    with refused("ValidationException", "keyCertSign"):
        create(bundle(pki.authority(usage=["digital_signature"])))
    with refused("ValidationException", "2 certificates, not 3"):
        create(bundle(authority, pki.authority("b"), pki.authority("c")))
    with refused("ValidationException", "no certificate authority"):
        create({"sourceType": "AWS_ACM_PCA", "sourceData": {"acmPcaArn": "arn:aws:acm-pca:us-east-1:1:x"}})
    with refused("ValidationException", "SELF_SIGNED_REPOSITORY"):
        create({"sourceType": "SELF_SIGNED_REPOSITORY", "sourceData": {"x509CertificateData": authority.pem}})
    with refused("ValidationException", "aws/"):
        create(bundle(authority), aliasName="AWS/mine")


def test_a_private_ca_is_an_anchor_once_it_has_a_certificate(sandbox: Sandbox, ra: Any) -> None:
    pca = client(sandbox, "acm-pca")
    configuration = {
        "KeyAlgorithm": "EC_prime256v1",
        "SigningAlgorithm": "SHA256WITHECDSA",
        "Subject": {"CommonName": "r"},
    }
    arn = pca.create_certificate_authority(
        CertificateAuthorityConfiguration=configuration, CertificateAuthorityType="ROOT"
    )["CertificateAuthorityArn"]
    source = {"sourceType": "AWS_ACM_PCA", "sourceData": {"acmPcaArn": arn}}
    with refused("ValidationException", "has to have a certificate"):
        ra.create_trust_anchor(name="anchor", source=source)
    pca.get_waiter("certificate_authority_csr_created").wait(CertificateAuthorityArn=arn, WaiterConfig={"Delay": 0})
    root = pca.issue_certificate(
        CertificateAuthorityArn=arn,
        Csr=pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"],
        SigningAlgorithm="SHA256WITHECDSA",
        TemplateArn="arn:aws:acm-pca:::template/RootCACertificate/V1",
        Validity={"Type": "DAYS", "Value": 30},
    )["CertificateArn"]
    issued = {"CertificateAuthorityArn": arn, "CertificateArn": root}
    pca.get_waiter("certificate_issued").wait(**issued, WaiterConfig={"Delay": 0})
    certificate = pca.get_certificate(**issued)["Certificate"]
    pca.import_certificate_authority_certificate(CertificateAuthorityArn=arn, Certificate=certificate)
    assert ra.create_trust_anchor(name="anchor", source=source)["trustAnchor"]["source"] == source


def test_aliases_are_unique_and_stand_in_for_ids(ra: Any, authority: pki.Entity) -> None:
    alias = unique("alias")
    anchor = anchor_of(ra, authority, aliasName=alias)
    assert ra.get_trust_anchor(trustAnchorId=anchor["aliasArn"])["trustAnchor"]["name"] == anchor["name"]
    with refused("ValidationException", alias):
        anchor_of(ra, authority, aliasName=alias)
    updated = ra.update_trust_anchor(trustAnchorId=anchor["trustAnchorId"], aliasName="")["trustAnchor"]
    assert updated["previousAliasName"] == alias
    assert "aliasArn" not in ra.get_trust_anchor(trustAnchorId=anchor["trustAnchorId"])["trustAnchor"]


def test_notification_settings_go_back_to_awss_own(ra: Any, authority: pki.Entity) -> None:
    anchor = anchor_of(ra, authority)
    assert {setting["configuredBy"] for setting in anchor["notificationSettings"]} == {"rolesanywhere.amazonaws.com"}
    identifier, event = anchor["trustAnchorId"], "CA_CERTIFICATE_EXPIRY"
    with refused("ValidationException", "threshold"):
        ra.put_notification_settings(trustAnchorId=identifier, notificationSettings=[{"enabled": True, "event": event}])
    changed = ra.put_notification_settings(
        trustAnchorId=identifier, notificationSettings=[{"enabled": True, "event": event, "threshold": 90}]
    )["trustAnchor"]
    settings = {setting["event"]: setting for setting in changed["notificationSettings"]}
    assert settings[event] == {
        "enabled": True,
        "event": event,
        "threshold": 90,
        "channel": "ALL",
        "configuredBy": "123456789012",
    }
    restored = ra.reset_notification_settings(trustAnchorId=identifier, notificationSettingKeys=[{"event": event}])
    assert restored["trustAnchor"]["notificationSettings"] == anchor["notificationSettings"]
    with refused("ValidationException", "36"):
        ra.put_notification_settings(trustAnchorId=anchor["trustAnchorArn"], notificationSettings=[])


def test_profiles_are_changed_and_checked(ra: Any) -> None:
    role = "arn:aws:iam::123456789012:role/any"
    profile = ra.create_profile(name=unique("profile"), roleArns=[role])["profile"]
    assert (profile["enabled"], profile["durationSeconds"]) == (False, 3600)
    with refused("ValidationException", "43200"):
        ra.update_profile(profileId=profile["profileId"], durationSeconds=43201)
    with refused("ValidationException", "roleArns"):
        ra.create_profile(name="bad", roleArns=["any"])
    updated = ra.update_profile(profileId=profile["profileArn"], durationSeconds=900, name="other")["profile"]
    assert (updated["name"], updated["durationSeconds"], updated["roleArns"]) == ("other", 900, [role])
    ra.delete_profile(profileId=profile["profileId"])
    with refused("ResourceNotFoundException"):
        ra.get_profile(profileId=profile["profileId"])


def test_tags_belong_to_the_resource(ra: Any, authority: pki.Entity) -> None:
    arn = anchor_of(ra, authority, tags=[{"key": "a", "value": "1"}])["trustAnchorArn"]
    ra.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    ra.untag_resource(resourceArn=arn, tagKeys=["a", "none"])
    assert ra.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    with refused("ValidationException", "aws:"):
        ra.tag_resource(resourceArn=arn, tags=[{"key": "aws:x", "value": "1"}])
    with refused("TooManyTagsException"):
        ra.tag_resource(resourceArn=arn, tags=[{"key": f"k{index}", "value": ""} for index in range(200)])
    with refused("ResourceNotFoundException"):
        ra.list_tags_for_resource(resourceArn=arn + "x")


def test_lists_come_in_pages(ra: Any, authority: pki.Entity) -> None:
    made = {anchor_of(ra, authority)["name"] for _anchor in range(3)}
    pages = list(ra.get_paginator("list_trust_anchors").paginate(pageSize=2))
    assert len(pages) > 1
    assert made <= {anchor["name"] for page in pages for anchor in page["trustAnchors"]}
