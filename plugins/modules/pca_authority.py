#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pca_authority
short_description: Create and manage CAs of AWS Private CA
version_added: 0.1.0
description:
  - Creates a private CA and activates it with a certificate that it signs itself, or that another private CA or an
    outside CA signs; changes its revocation lists, OCSP, permission for ACM, sharing policy and tags; disables, deletes
    and restores it.
  - A CA is found by O(certificate_authority_arn), or by O(name), which is its tag C(Name).
  - A CA costs money each month from its creation to its deletion, a CA in short-lived mode less than others.
notes:
  - What a CA was created with cannot be changed. Asking for something else is an error, not a new CA.
options:
  certificate_authority_arn:
    description: ARN of the CA that is meant.
    type: str
  name:
    description:
      - The name of the CA that is meant, which is its tag C(Name).
      - It must be given to create a CA. A repeated or concurrent creation of the same name makes one CA.
    type: str
  state:
    description:
      - V(present) has the CA, and has it ACTIVE. One that is disabled is enabled, one that was deleted is restored while
        that is possible, one that waits for its certificate or whose certificate has expired gets one.
      - V(disabled) has it issue nothing for the time being.
      - V(absent) deletes it. AWS deletes no CA that is ACTIVE, set V(disabled) first.
    type: str
    choices: [present, disabled, absent]
    default: present
  type:
    description: Whether it is a root CA. It must be given to create a CA.
    type: str
    choices: [ROOT, SUBORDINATE]
  key_algorithm:
    description: The algorithm of the CA's key. On creation V(RSA_2048) when it is not given.
    type: str
    choices:
      - RSA_2048
      - RSA_3072
      - RSA_4096
      - EC_prime256v1
      - EC_secp384r1
      - EC_secp521r1
      - ML_DSA_44
      - ML_DSA_65
      - ML_DSA_87
      - SM2
  signing_algorithm:
    description:
      - How the CA signs. It must be of the family of O(key_algorithm).
      - On creation the first of the family when it is not given, for example V(SHA256WITHRSA).
    type: str
  usage_mode:
    description:
      - What the CA is for. One in the mode V(SHORT_LIVED_CERTIFICATE) issues for at most seven days and costs less.
      - On creation V(GENERAL_PURPOSE) when it is not given.
    type: str
    choices: [GENERAL_PURPOSE, SHORT_LIVED_CERTIFICATE]
  key_storage_security_standard:
    description: How AWS protects the CA's key. On creation what AWS takes in the Region when it is not given.
    type: str
    choices: [FIPS_140_2_LEVEL_2_OR_HIGHER, FIPS_140_2_LEVEL_3_OR_HIGHER, CCPC_LEVEL_1_OR_HIGHER]
  subject:
    description: The CA's name in certificates. It must be given to create a CA.
    type: dict
    suboptions:
      common_name:
        description: Common name.
        type: str
      organization:
        description: Organization.
        type: str
      organizational_unit:
        description: Organizational unit.
        type: str
      country:
        description: Country, two letters.
        type: str
      state:
        description: State or province.
        type: str
      locality:
        description: Locality.
        type: str
      distinguished_name_qualifier:
        description: Distinguished name qualifier.
        type: str
      serial_number:
        description: Serial number.
        type: str
      title:
        description: Title.
        type: str
      surname:
        description: Surname.
        type: str
      given_name:
        description: Given name.
        type: str
      initials:
        description: Initials.
        type: str
      pseudonym:
        description: Pseudonym.
        type: str
      generation_qualifier:
        description: Generation qualifier.
        type: str
  validity:
    description:
      - How long the CA's own certificate is to be valid, when one is made.
      - By default ten years for a root, five for a CA that O(parent_authority_arn) signs.
    type: dict
    suboptions:
      type:
        description: As in M(certwright.aws.pca_certificate).
        type: str
        choices: [DAYS, MONTHS, YEARS, ABSOLUTE, END_DATE]
        default: YEARS
      value:
        description: As in M(certwright.aws.pca_certificate).
        type: int
        required: true
  parent_authority_arn:
    description:
      - ARN of the private CA that signs the certificate of a subordinate CA.
      - A subordinate CA without it waits, PENDING_CERTIFICATE, until O(certificate) is given.
    type: str
  path_length:
    description: How many CAs may stand below a subordinate CA that O(parent_authority_arn) signs.
    type: int
    choices: [0, 1, 2, 3]
    default: 0
  certificate:
    description: The certificate, in PEM, that an outside CA made from RV(authority.csr).
    type: str
  certificate_chain:
    description: The certificates above O(certificate) in PEM, its issuer's first, the root's last.
    type: str
  crl:
    description: Whether and where the CA writes certificate revocation lists.
    type: dict
    suboptions:
      enabled:
        description: Whether it writes any.
        type: bool
        default: true
      s3_bucket_name:
        description:
          - The bucket. Its policy must allow C(acm-pca.amazonaws.com) the actions C(s3:PutObject), C(s3:PutObjectAcl),
            C(s3:GetBucketAcl) and C(s3:GetBucketLocation).
          - In another bucket, revocations are no longer seen for certificates that name the former one.
        type: str
      custom_path:
        description: The folder in the bucket, in place of C(crl).
        type: str
      expiration_in_days:
        description: For how many days a list is valid, 1 to 5000.
        type: int
        default: 7
      custom_cname:
        description: The host, without C(http://), that certificates name in place of the bucket.
        type: str
      s3_object_acl:
        description:
          - Who may read the lists in S3.
          - V(PUBLIC_READ) needs a bucket, and an account, that do not block public access.
        type: str
        choices: [BUCKET_OWNER_FULL_CONTROL, PUBLIC_READ]
        default: BUCKET_OWNER_FULL_CONTROL
      crl_type:
        description: V(COMPLETE) is one list for everything. V(PARTITIONED) is many, for more than a million certificates.
        type: str
        choices: [COMPLETE, PARTITIONED]
        default: COMPLETE
      omit_extension:
        description: Whether certificates do not name the list. It cannot be combined with O(crl.custom_cname).
        type: bool
        default: false
  ocsp:
    description: Whether AWS answers OCSP requests about the CA's certificates.
    type: dict
    suboptions:
      enabled:
        description: Whether it does.
        type: bool
        default: true
      custom_cname:
        description: The host, without C(http://), that certificates name in place of AWS's.
        type: str
  acm_permission:
    description: Whether AWS Certificate Manager may issue and renew certificates of this account with the CA.
    type: bool
  policy:
    description:
      - The resource policy that shares the CA with other accounts.
      - An empty one removes it.
    type: dict
  permanent_deletion_time_in_days:
    description: For how many days after O(state=absent) the CA can be restored, 7 to 30.
    type: int
    default: 30
  wait:
    description:
      - Whether to wait until AWS has made a new CA's key, which activation needs.
      - With V(false) the next run activates it.
    type: bool
    default: true
  wait_timeout:
    description: How many seconds to wait for each of AWS's steps.
    type: int
    default: 180
author:
  - certwright.aws contributors (@certwright)
seealso:
  - module: certwright.aws.pca_authority_info
  - module: certwright.aws.pca_certificate
extends_documentation_fragment:
  - certwright.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - amazon.aws.tags
"""

EXAMPLES = r"""
- name: Have a root CA for short-lived certificates
  certwright.aws.pca_authority:
    name: hosts
    type: ROOT
    key_algorithm: EC_prime256v1
    usage_mode: SHORT_LIVED_CERTIFICATE
    subject:
      common_name: Example Hosts
      organization: Example
      country: DE
    validity: {type: YEARS, value: 10}
  register: root

- name: Have a subordinate CA that writes revocation lists
  certwright.aws.pca_authority:
    name: web
    type: SUBORDINATE
    subject: {common_name: Example Web}
    parent_authority_arn: "{{ root.authority.certificate_authority_arn }}"
    crl:
      s3_bucket_name: example-crl
      expiration_in_days: 7
    acm_permission: true

- name: Give a subordinate CA the certificate that an outside CA made from its CSR
  certwright.aws.pca_authority:
    name: office
    certificate: "{{ lookup('ansible.builtin.file', 'office.crt') }}"
    certificate_chain: "{{ lookup('ansible.builtin.file', 'corporate-chain.crt') }}"

- name: Stop issuing, before the CA is deleted
  certwright.aws.pca_authority:
    name: web
    state: disabled

- name: Delete the CA, restorable for two weeks
  certwright.aws.pca_authority:
    name: web
    state: absent
    permanent_deletion_time_in_days: 14
"""

RETURN = r"""
action:
  description:
    - V(created), V(activated), V(enabled), V(restored), V(updated), V(disabled), V(deleted), or V(kept) when nothing was
      to be done.
  returned: success
  type: str
  sample: created
authority:
  description: The CA. V(null) when there is none, or in check mode would only then be one.
  returned: success
  type: dict
  contains:
    certificate_authority_arn:
      description: Its ARN.
      returned: always
      type: str
      sample: arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555
    name:
      description: Its tag C(Name).
      returned: always
      type: str
      sample: hosts
    owner_account:
      description: The account that owns it.
      returned: always
      type: str
      sample: "123456789012"
    status:
      description: Its status.
      returned: always
      type: str
      sample: ACTIVE
    failure_reason:
      description: Why AWS could not create it.
      returned: always
      type: str
      sample: null
    type:
      description: V(ROOT) or V(SUBORDINATE).
      returned: always
      type: str
      sample: ROOT
    key_algorithm:
      description: The algorithm of its key.
      returned: always
      type: str
      sample: EC_prime256v1
    signing_algorithm:
      description: How it signs.
      returned: always
      type: str
      sample: SHA256WITHECDSA
    usage_mode:
      description: What it is for.
      returned: always
      type: str
      sample: SHORT_LIVED_CERTIFICATE
    key_storage_security_standard:
      description: How AWS protects its key.
      returned: always
      type: str
      sample: FIPS_140_2_LEVEL_3_OR_HIGHER
    subject:
      description: Its name, by the names of O(subject).
      returned: always
      type: dict
      sample: {common_name: Example Hosts, organization: Example, country: DE}
    serial:
      description: The serial number of its certificate, upper-case hexadecimal.
      returned: always
      type: str
      sample: 6707447683A9B7F4055627FFD55CEBCC
    path_length:
      description: How many CAs may stand below it; V(null) is no limit.
      returned: always
      type: int
      sample: 0
    certificate:
      description: Its certificate in PEM; V(null) while it waits for one.
      returned: always
      type: str
      sample: "-----BEGIN CERTIFICATE-----..."
    certificate_fingerprint_sha256:
      description: SHA-256 of its certificate.
      returned: always
      type: str
      sample: 8a4cd59ad7a2a1a8d1e9ac7ba2fbd0b6bd9cf6d4e91a5a8b8e0a0c2a1fa0b7f1
    certificate_chain:
      description: The certificates above its own in PEM; V(null) for a root.
      returned: always
      type: str
      sample: null
    csr:
      description: The certificate signing request in PEM, while it waits for a certificate or its certificate has expired.
      returned: always
      type: str
      sample: "-----BEGIN CERTIFICATE REQUEST-----..."
    created_at:
      description: When it was created.
      returned: always
      type: str
      sample: "2026-01-10T12:00:00Z"
    not_before:
      description: From when its certificate is valid.
      returned: always
      type: str
      sample: "2026-01-10T11:00:00Z"
    not_after:
      description: Until when its certificate is valid.
      returned: always
      type: str
      sample: "2036-01-10T12:00:00Z"
    restorable_until:
      description: Until when it can be restored, if it was deleted.
      returned: always
      type: str
      sample: null
    crl:
      description: How it writes revocation lists, by the names of O(crl).
      returned: always
      type: dict
      sample: {enabled: false}
    ocsp:
      description: Whether AWS answers OCSP requests, by the names of O(ocsp).
      returned: always
      type: dict
      sample: {enabled: false}
    acm_permission:
      description: Whether ACM may use it.
      returned: always
      type: bool
      sample: false
    policy:
      description: Its resource policy.
      returned: always
      type: dict
      sample: null
    tags:
      description: Its tags.
      returned: always
      type: dict
      sample: {Name: hosts}
"""

from datetime import datetime, timezone

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.modules import CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.pca.authority_flows import (
    AuthorityOutcome,
    Handling,
    ensure_absent,
    ensure_authority,
)
from ansible_collections.certwright.aws.plugins.module_utils.pca.authority_settings import (
    SUBJECT_MEMBERS,
    AuthoritySettings,
)
from ansible_collections.certwright.aws.plugins.module_utils.pca.fetching import Patience
from ansible_collections.certwright.aws.plugins.module_utils.pca.validity import TYPES, Validity

ARGUMENT_SPEC = {
    "certificate_authority_arn": {"type": "str"},
    "name": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "disabled", "absent"], "default": "present"},
    "type": {"type": "str", "choices": ["ROOT", "SUBORDINATE"]},
    "key_algorithm": {
        "type": "str",
        "choices": [
            "RSA_2048",
            "RSA_3072",
            "RSA_4096",
            "EC_prime256v1",
            "EC_secp384r1",
            "EC_secp521r1",
            "ML_DSA_44",
            "ML_DSA_65",
            "ML_DSA_87",
            "SM2",
        ],
        "no_log": False,
    },
    "signing_algorithm": {"type": "str"},
    "usage_mode": {"type": "str", "choices": ["GENERAL_PURPOSE", "SHORT_LIVED_CERTIFICATE"]},
    "key_storage_security_standard": {
        "type": "str",
        "choices": ["FIPS_140_2_LEVEL_2_OR_HIGHER", "FIPS_140_2_LEVEL_3_OR_HIGHER", "CCPC_LEVEL_1_OR_HIGHER"],
        "no_log": False,
    },
    "subject": {"type": "dict", "options": {name: {"type": "str"} for name in SUBJECT_MEMBERS}},
    "validity": {
        "type": "dict",
        "options": {
            "type": {"type": "str", "choices": TYPES, "default": "YEARS"},
            "value": {"type": "int", "required": True},
        },
    },
    "parent_authority_arn": {"type": "str"},
    "path_length": {"type": "int", "choices": [0, 1, 2, 3], "default": 0},
    "certificate": {"type": "str"},
    "certificate_chain": {"type": "str"},
    "crl": {
        "type": "dict",
        "options": {
            "enabled": {"type": "bool", "default": True},
            "s3_bucket_name": {"type": "str"},
            "custom_path": {"type": "str"},
            "expiration_in_days": {"type": "int", "default": 7},
            "custom_cname": {"type": "str"},
            "s3_object_acl": {
                "type": "str",
                "choices": ["BUCKET_OWNER_FULL_CONTROL", "PUBLIC_READ"],
                "default": "BUCKET_OWNER_FULL_CONTROL",
            },
            "crl_type": {"type": "str", "choices": ["COMPLETE", "PARTITIONED"], "default": "COMPLETE"},
            "omit_extension": {"type": "bool", "default": False},
        },
    },
    "ocsp": {
        "type": "dict",
        "options": {"enabled": {"type": "bool", "default": True}, "custom_cname": {"type": "str"}},
    },
    "acm_permission": {"type": "bool"},
    "policy": {"type": "dict"},
    "permanent_deletion_time_in_days": {"type": "int", "default": 30},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 180},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
}


def settings_of(module: CertwrightModule) -> AuthoritySettings:
    """What the module's options want of the CA."""
    options = module.params
    subject = {name: value for name, value in (options["subject"] or {}).items() if value is not None}
    return AuthoritySettings(
        name=options["name"],
        type=options["type"],
        key_algorithm=options["key_algorithm"],
        signing_algorithm=options["signing_algorithm"],
        usage_mode=options["usage_mode"],
        key_storage_security_standard=options["key_storage_security_standard"],
        subject=subject or None,
        validity=Validity.from_options(options["validity"]) if options["validity"] else None,
        path_length=options["path_length"],
        parent_arn=options["parent_authority_arn"],
        certificate=options["certificate"],
        chain=options["certificate_chain"],
        crl=options["crl"],
        ocsp=options["ocsp"],
        tags=options["tags"],
        purge_tags=options["purge_tags"],
        acm_permission=options["acm_permission"],
        policy=options["policy"],
    )


def ensure(module: CertwrightModule) -> AuthorityOutcome:
    """Bring the CA to the state that is asked for."""
    pca = module.client("acm-pca")
    arn, state = module.params["certificate_authority_arn"], module.params["state"]
    if state == "absent":
        days = module.params["permanent_deletion_time_in_days"]
        if not 7 <= days <= 30:
            raise InputError(f"permanent_deletion_time_in_days is {days}; AWS takes 7 to 30")
        return ensure_absent(pca, arn=arn, name=module.params["name"], days=days, check_mode=module.check_mode)
    handling = Handling(
        now=datetime.now(timezone.utc),
        patience=Patience(timeout_s=module.params["wait_timeout"]),
        wait=module.params["wait"],
        check_mode=module.check_mode,
    )
    status = {"present": "ACTIVE", "disabled": "DISABLED"}[state]
    return ensure_authority(pca, arn=arn, settings=settings_of(module), status=status, handling=handling)


def do(module: CertwrightModule) -> None:
    """Bring the CA to the state that is asked for, and tell what it is now."""
    outcome = ensure(module)
    module.exit_json(
        changed=outcome.changed,
        action=outcome.action,
        authority=outcome.state.as_result() if outcome.state else None,
        diff={"before": outcome.before or {}, "after": outcome.after or {}},
    )


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_one_of=[("certificate_authority_arn", "name")],
        required_by={"certificate_chain": "certificate"},
    )


if __name__ == "__main__":
    main()
