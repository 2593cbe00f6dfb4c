# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private CA in the sandbox: what a CA accepts as its own certificate, and who may share it."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from cryptography import x509

from tests.private_ca import TEMPLATE, active_root, code_of, create_ca, csr_of, fetch, issue, make_csr

PATH = "SubordinateCACertificate_PathLen{}"


@pytest.fixture
def root(pca):
    return active_root(pca)


def subordinate(pca, parent, length=0, **changes):
    """A subordinate CA's ARN, and the certificate and chain that the parent made for it."""
    arn = create_ca(pca, CertificateAuthorityType="SUBORDINATE")
    template = TEMPLATE.format(PATH.format(length))
    request = {"TemplateArn": template, "Validity": {"Type": "YEARS", "Value": 5}, **changes}
    return arn, fetch(pca, parent, issue(pca, parent, csr_of(pca, arn), **request))


def bring_in(pca, arn, answer, **changes):
    members = {name: answer[name].encode() for name in ("Certificate", "CertificateChain") if name in answer}
    pca.import_certificate_authority_certificate(**{"CertificateAuthorityArn": arn, **members, **changes})


def test_chain_of_three(pca, root):
    first, answer = subordinate(pca, root, 1)
    bring_in(pca, first, answer)
    second, answer = subordinate(pca, first, 0, Validity={"Type": "YEARS", "Value": 4})
    bring_in(pca, second, answer)
    leaf = fetch(pca, second, issue(pca, second, make_csr()))
    chain = x509.load_pem_x509_certificates(leaf["CertificateChain"].encode())
    lengths = [ca.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length for ca in chain]
    assert lengths == [0, 1, None]
    own = pca.get_certificate_authority_certificate(CertificateAuthorityArn=second)
    assert own["CertificateChain"].count("BEGIN CERTIFICATE") == 2


def test_a_path_length_must_be_shorter_than_the_parents(pca, root):
    first, answer = subordinate(pca, root, 0)
    bring_in(pca, first, answer)
    with pytest.raises(ClientError, match="path length"):
        subordinate(pca, first, 0, Validity={"Type": "YEARS", "Value": 1})


def test_a_subordinate_may_not_outlive_its_parent(pca, root):
    with pytest.raises(ClientError) as caught:
        subordinate(pca, root, Validity={"Type": "YEARS", "Value": 11})
    assert code_of(caught) == "ValidationException"


def test_import_refuses_another_key(pca, root):
    _other, answer = subordinate(pca, root)
    arn = create_ca(pca, CertificateAuthorityType="SUBORDINATE")
    csr_of(pca, arn)
    with pytest.raises(ClientError) as caught:
        bring_in(pca, arn, answer)
    assert code_of(caught) == "CertificateMismatchException"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Certificate": b"nonsense"}, "MalformedCertificateException"),
        ({"CertificateChain": b"nonsense"}, "MalformedCertificateException"),
        ({"Certificate": b"x" * 32769}, "ValidationException"),
    ],
)
def test_import_refuses_what_is_malformed(pca, root, changes, code):
    arn, answer = subordinate(pca, root)
    with pytest.raises(ClientError) as caught:
        bring_in(pca, arn, answer, **changes)
    assert code_of(caught) == code
    assert pca.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]["Status"] == (
        "PENDING_CERTIFICATE"
    )


def test_import_wants_the_chain_in_order(pca, root):
    arn, answer = subordinate(pca, root)
    with pytest.raises(ClientError) as caught:
        bring_in(pca, arn, {"Certificate": answer["Certificate"]})
    assert code_of(caught) == "InvalidRequestException"
    stranger = pca.get_certificate_authority_certificate(CertificateAuthorityArn=active_root(pca))["Certificate"]
    with pytest.raises(ClientError) as caught:
        bring_in(pca, arn, answer, CertificateChain=stranger.encode())
    assert code_of(caught) == "CertificateMismatchException"


def test_a_leaf_certificate_makes_no_ca(pca, root):
    arn = create_ca(pca, CertificateAuthorityType="SUBORDINATE")
    leaf = fetch(pca, root, issue(pca, root, csr_of(pca, arn)))
    with pytest.raises(ClientError, match="basic constraints"):
        bring_in(pca, arn, leaf)


def test_a_disabled_ca_takes_no_certificate(pca, root):
    pca.update_certificate_authority(CertificateAuthorityArn=root, Status="DISABLED")
    own = pca.get_certificate_authority_certificate(CertificateAuthorityArn=root)
    with pytest.raises(ClientError) as caught:
        bring_in(pca, root, own)
    assert code_of(caught) == "InvalidStateException"


def policy_for(arn, **changes):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "210987654321"},
        "Action": ["acm-pca:IssueCertificate", "acm-pca:GetCertificate"],
        "Resource": arn,
        **changes,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_policy(pca, root):
    with pytest.raises(ClientError) as caught:
        pca.get_policy(ResourceArn=root)
    assert code_of(caught) == "ResourceNotFoundException"
    pca.put_policy(ResourceArn=root, Policy=policy_for(root))
    assert json.loads(pca.get_policy(ResourceArn=root)["Policy"])["Statement"][0]["Resource"] == root
    pca.delete_policy(ResourceArn=root)
    pca.delete_policy(ResourceArn=root)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Action": "acm-pca:*"}, "InvalidPolicyException"),
        ({"Resource": "*"}, "InvalidPolicyException"),
        ({"Principal": None}, "InvalidPolicyException"),
        ({"Effect": "Deny", "Principal": "*"}, "LockoutPreventedException"),
    ],
)
def test_policy_refused(pca, root, changes, code):
    with pytest.raises(ClientError) as caught:
        pca.put_policy(ResourceArn=root, Policy=policy_for(root, **changes))
    assert code_of(caught) == code
