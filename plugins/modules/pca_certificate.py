#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pca_certificate
short_description: Issue and revoke certificates with AWS Private CA
version_added: 0.1.0
description:
  - Has a private CA issue certificates for certificate signing requests (CSR), one with O(csr) or many at the CA's rate
    with O(requests).
  - A certificate that is held already is kept until it is due. One that an earlier run had issued and did not fetch is
    fetched by its ARN, not issued again.
  - Everything is checked before anything is issued, against the CA too. A request that fails stops no other.
  - With O(state=revoked) it revokes certificates, one or many with O(revocations). One that is revoked already is no
    failure and no change.
  - In check mode the CA is asked for nothing but what it is and what it has issued. AWS does not tell whether a
    certificate is revoked, so in check mode each one is told as one that would be.
options:
  state:
    description:
      - V(present) issues, fetches or keeps what O(csr) or O(requests) ask for.
      - V(revoked) revokes the certificate that O(certificate_arn), O(serial) or O(certificate) names, or those of
        O(revocations).
    type: str
    choices: [present, revoked]
    default: present
  certificate_authority_arn:
    description:
      - ARN of the private CA that issues, or that issued what is to be revoked.
      - With O(state=present) it must be given here or in each element of O(requests).
      - With O(state=revoked) it must be given for a certificate that is not named by its ARN.
    type: str
  csr:
    description:
      - The certificate signing request in PEM.
      - With O(state=present) exactly one of O(csr) and O(requests) must be given.
    type: str
  requests:
    description: The certificates that are wanted, when there are many.
    type: list
    elements: dict
    suboptions:
      id:
        description: A name for the request, under which its result is returned.
        type: str
        required: true
        aliases: [host_id]
      csr:
        description: The certificate signing request in PEM.
        type: str
        required: true
      certificate_authority_arn:
        description: ARN of the private CA that issues this one, in place of O(certificate_authority_arn).
        type: str
      validity:
        description: How long this one is to be valid, in place of O(validity).
        type: dict
        suboptions:
          type:
            description: As O(validity.type).
            type: str
            choices: [DAYS, MONTHS, YEARS, ABSOLUTE, END_DATE]
            default: DAYS
          value:
            description: As O(validity.value).
            type: int
            required: true
      validity_days:
        description: Short for O(requests[].validity) in days.
        type: int
      template_arn:
        description: ARN of the certificate template of this one, in place of O(template_arn).
        type: str
      signing_algorithm:
        description: How the CA signs this one, in place of O(signing_algorithm).
        type: str
      certificate:
        description: As O(certificate).
        type: str
      certificate_arn:
        description: As O(certificate_arn).
        type: str
      pending_certificate_arn:
        description:
          - ARN of a certificate that an earlier run had issued for this request and did not fetch.
          - It is fetched instead of issuing again, if it is of this CA, for the key that
            O(requests[].pending_public_key_sha256) names and that the CSR holds, and not expired.
        type: str
      pending_public_key_sha256:
        description: SHA-256 of the public key for which O(requests[].pending_certificate_arn) was issued, in hexadecimal.
        type: str
        aliases: [pending_public_key]
  validity:
    description:
      - How long certificates are to be valid.
      - The end may not lie after that of the CA's own certificate. A CA in short-lived mode issues for at most seven days.
    type: dict
    default: {type: DAYS, value: 7}
    suboptions:
      type:
        description:
          - V(DAYS), V(MONTHS) and V(YEARS) count from the moment of issuing.
          - V(ABSOLUTE) is the end in seconds since 1970, V(END_DATE) the end as C(YYYYMMDDHHMMSS).
        type: str
        choices: [DAYS, MONTHS, YEARS, ABSOLUTE, END_DATE]
        default: DAYS
      value:
        description: The number of days, months or years, or the end.
        type: int
        required: true
  template_arn:
    description:
      - ARN of the certificate template, which decides about key usage and the like.
      - Subject and subject alternative names come from the CSR.
    type: str
    default: arn:aws:acm-pca:::template/EndEntityCertificate/V1
  signing_algorithm:
    description:
      - How the CA signs, for example V(SHA256WITHRSA). It must be of the family of the CA's key.
      - By default the CA signs with the algorithm that it was created with.
    type: str
  certificate:
    description:
      - The certificate in use, in PEM. It is kept unless it is due, or is for another key, subject or alternative name
        than the CSR.
      - With O(state=revoked) the certificate to revoke. It must be one that the CA has issued.
    type: str
  certificate_arn:
    description:
      - ARN of the certificate in use, of which the same is true as of O(certificate).
      - One that the CA does not know is taken for none.
      - With O(state=revoked) ARN of the certificate to revoke.
    type: str
  serial:
    description: Serial number of the certificate to revoke, hexadecimal, with or without colons.
    type: str
  revocation_reason:
    description: Why it is revoked. It is told in revocation lists.
    type: str
    choices:
      - UNSPECIFIED
      - KEY_COMPROMISE
      - CERTIFICATE_AUTHORITY_COMPROMISE
      - AFFILIATION_CHANGED
      - SUPERSEDED
      - CESSATION_OF_OPERATION
      - PRIVILEGE_WITHDRAWN
      - A_A_COMPROMISE
    default: UNSPECIFIED
  revocations:
    description: The certificates to revoke, when there are many.
    type: list
    elements: dict
    suboptions:
      id:
        description: A name for it, under which its result is returned.
        type: str
        required: true
        aliases: [host_id]
      certificate_authority_arn:
        description: ARN of the private CA that issued this one, in place of O(certificate_authority_arn).
        type: str
      certificate_arn:
        description: ARN of the certificate.
        type: str
      serial:
        description: Serial number of the certificate.
        type: str
      certificate:
        description: The certificate in PEM.
        type: str
      revocation_reason:
        description: Why this one is revoked, in place of O(revocation_reason).
        type: str
        choices:
          - UNSPECIFIED
          - KEY_COMPROMISE
          - CERTIFICATE_AUTHORITY_COMPROMISE
          - AFFILIATION_CHANGED
          - SUPERSEDED
          - CESSATION_OF_OPERATION
          - PRIVILEGE_WITHDRAWN
          - A_A_COMPROMISE
  renew_before:
    description:
      - How long before its end a certificate in use is due, for example V(48h) or V(2d).
      - By default it is due in the last third of its lifetime.
    type: str
  wait_timeout:
    description: How many seconds to wait for the CA to issue a certificate before giving up. The next run fetches it then.
    type: int
    default: 60
  issue_rate:
    description:
      - How many certificates to ask for in a second. AWS allows 25 unless your quota was raised.
    type: float
    default: 25
  inventory_table:
    description:
      - Name of the host table, where the ARN of each certificate is noted as soon as the CA has given it, before
        anything else can go wrong. The id of a request is then the id of a record.
      - A certificate that could not be noted has failed, since nobody would know of it, or another run may have taken the
        record over.
    type: str
  lease_owner:
    description: Who holds the lease on the records of O(inventory_table); nothing is noted in a record that somebody else holds.
    type: str
author:
  - certwright.aws contributors (@certwright)
seealso:
  - module: certwright.aws.pca_certificate_info
extends_documentation_fragment:
  - certwright.aws.attributes
  - certwright.aws.batch
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Issue a certificate for thirty days, or keep the one in use until its last ten days
  certwright.aws.pca_certificate:
    certificate_authority_arn: "{{ authority_arn }}"
    csr: "{{ lookup('ansible.builtin.file', 'www.csr') }}"
    certificate: "{{ lookup('ansible.builtin.file', 'www.crt', errors='ignore') }}"
    validity: {type: DAYS, value: 30}
    renew_before: 10d
  register: www

- name: Issue for a wave of nodes, and note each certificate in the host table at once
  certwright.aws.pca_certificate:
    certificate_authority_arn: "{{ authority_arn }}"
    requests: "{{ leased.records | certwright.aws.with_results(staged.results, ['csr'], keep=wanted) }}"
    inventory_table: certificates
    lease_owner: "{{ leased.lease_owner }}"
    on_failure: report
  vars:
    wanted:
      - host_id
      - certificate_authority_arn
      - template_arn
      - signing_algorithm
      - validity_days
      - pending_certificate_arn
      - pending_public_key_sha256
  register: issued

- name: Revoke a certificate whose key has leaked
  certwright.aws.pca_certificate:
    state: revoked
    certificate_arn: "{{ www.results[0].certificate_arn }}"
    revocation_reason: KEY_COMPROMISE

- name: Revoke what a retired CA client held, by serial
  certwright.aws.pca_certificate:
    state: revoked
    certificate_authority_arn: "{{ authority_arn }}"
    revocation_reason: CESSATION_OF_OPERATION
    revocations:
      - id: build-1
        serial: 67:07:44:76:83:a9:b7:f4:05:56:27:ff:d5:5c:eb:cc
      - id: build-2
        serial: 2BAE9A75D71B42B4E41E36F8B4B488FC
"""

RETURN = r"""
results:
  description: What became of each request, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The request's id; V(csr) or V(certificate) when there was but one to issue or to revoke.
      returned: always
      type: str
      sample: i-0123456789abcdef0
    changed:
      description: Whether a certificate was issued or revoked, or fetched that an earlier run had issued.
      returned: always
      type: bool
      sample: true
    failed:
      description: Whether it failed.
      returned: always
      type: bool
      sample: false
    action:
      description:
        - V(issued), V(resumed) (issued by an earlier run and fetched now), V(kept) or V(failed).
        - With O(state=revoked) V(revoked), V(already_revoked) or V(failed).
      returned: always
      type: str
      sample: issued
    reason:
      description: Why.
      returned: always
      type: str
      sample: expires in 9 h, renewal window 24 h
    certificate_arn:
      description: ARN of the certificate; also of one that was issued and could not be fetched or noted.
      returned: always
      type: str
      sample: arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555/certificate/6707447683a9b7f4055627ffd55cebcc
    error_code:
      description: AWS's error code.
      returned: when AWS refused
      type: str
      sample: InvalidStateException
    certificate:
      description: The certificate in PEM.
      returned: when there is one
      type: str
      sample: "-----BEGIN CERTIFICATE-----..."
    chain:
      description: The certificates above it, in PEM, the issuing CA's first. Empty when it was kept and given as PEM.
      returned: when there is a certificate
      type: str
      sample: "-----BEGIN CERTIFICATE-----..."
    revocation_reason:
      description: Why it is revoked.
      returned: when O(state=revoked)
      type: str
      sample: KEY_COMPROMISE
    serial:
      description: The serial number, upper-case hexadecimal.
      returned: when there is a certificate, and when O(state=revoked)
      type: str
      sample: 6707447683A9B7F4055627FFD55CEBCC
    subject:
      description: The subject.
      returned: when there is a certificate
      type: str
      sample: CN=www.example.com,O=Example
    common_name:
      description: The subject's common name.
      returned: when there is a certificate
      type: str
      sample: www.example.com
    issuer:
      description: The issuer's subject.
      returned: when there is a certificate
      type: str
      sample: CN=Example Root
    subject_alt_names:
      description: The subject alternative names.
      returned: when there is a certificate
      type: list
      elements: str
      sample: ["DNS:www.example.com"]
    not_before:
      description: From when it is valid.
      returned: when there is a certificate
      type: str
      sample: "2026-01-10T11:00:00Z"
    not_after:
      description: Until when it is valid.
      returned: when there is a certificate
      type: str
      sample: "2026-01-17T12:00:00Z"
    key_algorithm:
      description: The algorithm of its key.
      returned: when there is a certificate
      type: str
      sample: RSA_2048
    fingerprint_sha256:
      description: SHA-256 of the certificate.
      returned: when there is a certificate
      type: str
      sample: 8a4cd59ad7a2a1a8d1e9ac7ba2fbd0b6bd9cf6d4e91a5a8b8e0a0c2a1fa0b7f1
    public_key_sha256:
      description: SHA-256 of the public key.
      returned: when there is a certificate
      type: str
      sample: 5b1d4c2e9ad7a2a1a8d1e9ac7ba2fbd0b6bd9cf6d4e91a5a8b8e0a0c2a1fa0b7
failures:
  description: The elements of RV(results) that failed.
  returned: always
  type: list
  elements: dict
  sample: []
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.certwright.aws.plugins.module_utils.errors import CertwrightError, InputError
from ansible_collections.certwright.aws.plugins.module_utils.host_table.flows import record_pending
from ansible_collections.certwright.aws.plugins.module_utils.modules import ON_FAILURE, CertwrightModule
from ansible_collections.certwright.aws.plugins.module_utils.pca.fetching import Patience
from ansible_collections.certwright.aws.plugins.module_utils.pca.flows import IssueOptions, issue_certificates
from ansible_collections.certwright.aws.plugins.module_utils.pca.journal import IssuedEntry
from ansible_collections.certwright.aws.plugins.module_utils.pca.requests import DEFAULT_TEMPLATE, CertificateRequest
from ansible_collections.certwright.aws.plugins.module_utils.pca.revocation import (
    REASONS,
    Revocation,
    revoke_certificates,
)
from ansible_collections.certwright.aws.plugins.module_utils.pca.validity import TYPES, Validity
from ansible_collections.certwright.aws.plugins.module_utils.renewal import parse_duration

VALIDITY = {
    "type": {"type": "str", "choices": TYPES, "default": "DAYS"},
    "value": {"type": "int", "required": True},
}
REQUEST = {
    "id": {"type": "str", "required": True, "aliases": ["host_id"]},
    "csr": {"type": "str", "required": True},
    "certificate_authority_arn": {"type": "str"},
    "validity": {"type": "dict", "options": VALIDITY},
    "validity_days": {"type": "int"},
    "template_arn": {"type": "str"},
    "signing_algorithm": {"type": "str"},
    "certificate": {"type": "str"},
    "certificate_arn": {"type": "str"},
    "pending_certificate_arn": {"type": "str"},
    "pending_public_key_sha256": {"type": "str", "no_log": False, "aliases": ["pending_public_key"]},
}
REVOCATION = {
    "id": {"type": "str", "required": True, "aliases": ["host_id"]},
    "certificate_authority_arn": {"type": "str"},
    "certificate_arn": {"type": "str"},
    "serial": {"type": "str"},
    "certificate": {"type": "str"},
    "revocation_reason": {"type": "str", "choices": REASONS},
}
NAMES = ("certificate_arn", "serial", "certificate")
ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["present", "revoked"], "default": "present"},
    "certificate_authority_arn": {"type": "str"},
    "csr": {"type": "str"},
    "requests": {
        "type": "list",
        "elements": "dict",
        "options": REQUEST,
        "mutually_exclusive": [("validity", "validity_days"), ("certificate", "certificate_arn")],
    },
    "validity": {"type": "dict", "default": {"type": "DAYS", "value": 7}, "options": VALIDITY},
    "template_arn": {"type": "str", "default": DEFAULT_TEMPLATE},
    "signing_algorithm": {"type": "str"},
    "certificate": {"type": "str"},
    "certificate_arn": {"type": "str"},
    "serial": {"type": "str"},
    "revocation_reason": {"type": "str", "choices": REASONS, "default": "UNSPECIFIED"},
    "revocations": {
        "type": "list",
        "elements": "dict",
        "options": REVOCATION,
        "mutually_exclusive": [NAMES],
        "required_one_of": [NAMES],
    },
    "renew_before": {"type": "str"},
    "wait_timeout": {"type": "int", "default": 60},
    "issue_rate": {"type": "float", "default": 25},
    "inventory_table": {"type": "str"},
    "lease_owner": {"type": "str"},
    "on_failure": ON_FAILURE,
}


def requests_of(options: Mapping[str, Any]) -> list[CertificateRequest]:
    """The requests that the module's options describe.

    :raises InputError: no CA is given for one
    """
    given = options["requests"]
    if given is None:
        given = [{name: options[name] for name in ("csr", "certificate", "certificate_arn")} | {"id": "csr"}]
    return [_request(element, options) for element in given]


def _request(element: Mapping[str, Any], options: Mapping[str, Any]) -> CertificateRequest:
    def chosen(name: str) -> Any:
        return element.get(name) or options[name]

    if not chosen("certificate_authority_arn"):
        raise InputError(
            f"certificate_authority_arn is given neither for the module nor for the request {element['id']}"
        )
    days = element.get("validity_days")
    return CertificateRequest(
        id=element["id"],
        csr=element["csr"],
        authority_arn=chosen("certificate_authority_arn"),
        validity=Validity("DAYS", days) if days is not None else Validity.from_options(chosen("validity")),
        template_arn=chosen("template_arn"),
        signing_algorithm=chosen("signing_algorithm"),
        pending_arn=element.get("pending_certificate_arn"),
        pending_public_key=element.get("pending_public_key_sha256"),
        held_pem=element.get("certificate"),
        held_arn=element.get("certificate_arn"),
    )


def journal_of(
    module: CertwrightModule,
) -> Callable[[Sequence[IssuedEntry]], Mapping[str, CertwrightError]] | None:
    """What notes issued certificates in the host table, where one is given."""
    table = module.params["inventory_table"]
    if not table:
        return None
    dynamodb = module.client("dynamodb")

    def note(entries: Sequence[IssuedEntry]) -> Mapping[str, CertwrightError]:
        issued = [(entry.id, entry.certificate_arn, entry.public_key_sha256) for entry in entries]
        return record_pending(dynamodb, table, issued, module.params["lease_owner"])

    return note


def issue(module: CertwrightModule) -> None:
    """Issue, fetch or keep what is asked for."""
    renew_before = module.params["renew_before"]
    results = issue_certificates(
        module.client("acm-pca"),
        requests_of(module.params),
        now=datetime.now(timezone.utc),
        options=IssueOptions(
            renew_before=parse_duration(renew_before) if renew_before else None,
            issue_rate=module.params["issue_rate"],
            patience=Patience(timeout_s=module.params["wait_timeout"]),
        ),
        on_issued=journal_of(module),
        check_mode=module.check_mode,
    )
    module.exit_batch([result.as_result() for result in results])


def revocations_of(options: Mapping[str, Any]) -> list[Revocation]:
    """The revocations that the module's options describe."""
    given = options["revocations"]
    if given is None:
        given = [{name: options[name] for name in NAMES} | {"id": "certificate"}]
    return [
        Revocation(
            id=element["id"],
            reason=element.get("revocation_reason") or options["revocation_reason"],
            authority_arn=element.get("certificate_authority_arn") or options["certificate_authority_arn"],
            certificate_arn=element["certificate_arn"],
            serial=element["serial"],
            pem=element["certificate"],
        )
        for element in given
    ]


def revoke(module: CertwrightModule) -> None:
    """Revoke what is named."""
    results = revoke_certificates(
        module.client("acm-pca"),
        revocations_of(module.params),
        patience=Patience(timeout_s=module.params["wait_timeout"]),
        check_mode=module.check_mode,
    )
    module.exit_batch([result.as_result() for result in results])


def do(module: CertwrightModule) -> None:
    """Issue or revoke."""
    if module.params["state"] == "present":
        issue(module)
    else:
        revoke(module)


def main() -> None:
    CertwrightModule.run(
        do,
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        mutually_exclusive=[("csr", "requests", "revocations"), NAMES],
        required_if=[
            ("state", "present", ("csr", "requests"), True),
            ("state", "revoked", (*NAMES, "revocations"), True),
        ],
        required_by={"lease_owner": "inventory_table"},
    )


if __name__ == "__main__":
    main()
