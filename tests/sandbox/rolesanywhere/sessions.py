# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CreateSession: a signed request with a certificate in, temporary credentials out."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.request import Request
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sts.models import AssumedRole, sts_backends

from .. import clock
from . import role_trust, signature, trust
from .backend import RolesAnywhereBackend, rolesanywhere_backends
from .errors import AccessDeniedException, RolesAnywhereError, ValidationException

REQUIRED = ("profileArn", "roleArn", "trustAnchorArn")
DURATION = range(900, 43201)
JSON = {"Content-Type": "application/json"}
Reply = tuple[int, dict[str, str], str]


def create_session(request: Request, _url: str, _headers: Any) -> Reply:
    """moto's handler of ``POST /sessions``."""
    try:
        body = request.get_data()
        asked = _asked(request, body)
        signer = signature.verified_signer(request, body)
        backend = rolesanywhere_backends[DEFAULT_ACCOUNT_ID][signer.region]
        return 201, JSON, json.dumps(_session(backend, signer, asked))
    except RolesAnywhereError as error:
        return error.status, {**JSON, "x-amzn-ErrorType": error.code}, json.dumps({"message": error.message})


def _asked(request: Request, body: bytes) -> dict[str, Any]:
    """The parameters: ARNs in the query or in the body, the rest in the body."""
    try:
        members = json.loads(body or b"{}")
    except ValueError as error:
        raise ValidationException("The body is not JSON.") from error
    asked = {**members, **request.args.to_dict()}
    missing = [name for name in REQUIRED if not isinstance(asked.get(name), str)]
    if missing:
        raise ValidationException(f"Missing: {', '.join(missing)}.")
    duration = asked.get("durationSeconds", DURATION.start)
    if not isinstance(duration, int) or duration not in DURATION:
        raise ValidationException(f"durationSeconds is between {DURATION.start} and {DURATION.stop - 1}.")
    return asked


def _session(backend: RolesAnywhereBackend, signer: signature.Signer, asked: Mapping[str, Any]) -> dict[str, Any]:
    certificate = signer.certificate
    _authenticate(backend, signer, backend.anchors.by_arn(asked["trustAnchorArn"]))
    profile = backend.profiles.by_arn(asked["profileArn"])
    _authorize(profile, asked)
    context = role_trust.session_context(certificate, asked["trustAnchorArn"], backend.account_id)
    longest = int(_role(asked["roleArn"], context).max_session_duration or 3600)
    duration = min(asked.get("durationSeconds", profile["durationSeconds"]), profile["durationSeconds"], longest)
    role = sts_backends[backend.account_id][backend.partition].assume_role(
        region_name=backend.region_name,
        role_session_name=asked.get("roleSessionName") or f"{certificate.serial_number:x}",
        role_arn=asked["roleArn"],
        policy=profile.get("sessionPolicy"),
        duration=duration,
        external_id=None,
    )
    return _reply(backend, role, certificate, context.get("sts:SourceIdentity"))


def _authenticate(backend: RolesAnywhereBackend, signer: signature.Signer, anchor: Mapping[str, Any]) -> None:
    if not anchor["enabled"]:
        raise AccessDeniedException("The trust anchor is disabled.")
    authorities = trust.anchor_certificates(anchor["source"], backend.account_id, backend.region_name)
    path = trust.trusted_path(signer.certificate, signer.chain, authorities, clock.now())
    imported = [
        trust.parse_crl(crl["crlData"])
        for crl in backend.crls
        if crl["enabled"] and crl["trustAnchorArn"] == anchor["trustAnchorArn"]
    ]
    published = _published_crls(backend, path) if anchor["crlDpRevocationEnabled"] else []
    if trust.revoked(path[:-1], [*imported, *published]):
        raise AccessDeniedException("Certificate revoked")


def _published_crls(
    backend: RolesAnywhereBackend, path: list[x509.Certificate]
) -> Iterator[x509.CertificateRevocationList]:
    """The CRLs at the certificates' distribution points, where those are in S3 and hold one that their issuer signed."""
    buckets = s3_backends[backend.account_id][backend.partition].buckets
    for certificate, issuer in itertools.pairwise(path):
        for uri in trust.distribution_points(certificate):
            address = urlsplit(uri)
            bucket = buckets.get((address.hostname or "").split(".s3.", 1)[0])
            stored = bucket.keys.get(address.path.lstrip("/")) if bucket else None
            if stored is not None:
                crl = x509.load_der_x509_crl(stored.value)
                if trust.signed_by(crl, issuer):
                    yield crl


def _authorize(profile: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    if not profile["enabled"]:
        raise AccessDeniedException("The profile is disabled.")
    if asked["roleArn"] not in profile["roleArns"]:
        raise AccessDeniedException("The role is not in the profile.")
    if asked.get("roleSessionName") and not profile["acceptRoleSessionName"]:
        raise AccessDeniedException("Not authorized to set roleSessionName.")


def _role(arn: str, context: Mapping[str, str]) -> Any:
    role = next((role for role in iam_backends[DEFAULT_ACCOUNT_ID]["aws"].get_roles() if role.arn == arn), None)
    if role is None or not role_trust.allows(role.assume_role_policy_document, context):
        raise AccessDeniedException(f"Unable to assume role: {arn}")
    return role


def _reply(
    backend: RolesAnywhereBackend, role: AssumedRole, certificate: x509.Certificate, source_identity: str | None
) -> dict[str, Any]:
    credential_set = {
        "assumedRoleUser": {"arn": role.arn, "assumedRoleId": role.user_id},
        "credentials": {
            "accessKeyId": role.access_key_id,
            "secretAccessKey": role.secret_access_key,
            "sessionToken": role.session_token,
            "expiration": role.expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "packedPolicySize": 0,
        "roleArn": role.role_arn,
        "sourceIdentity": source_identity,
    }
    subject = f"arn:{backend.partition}:rolesanywhere:{backend.region_name}:{backend.account_id}:subject/"
    return {"credentialSet": [credential_set], "subjectArn": subject + f"{certificate.serial_number:x}"}
