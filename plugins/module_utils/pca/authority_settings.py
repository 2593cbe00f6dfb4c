# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wanted of a CA, in the API's terms, and how that differs from what there is. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from .authority import check_signing_algorithm, signing_algorithms_for
from .requests import TOKEN_LENGTH
from .validity import Validity

NAME_TAG = "Name"
DEFAULT_KEY_ALGORITHM = "RSA_2048"
DEFAULT_VALIDITY = {"ROOT": Validity("YEARS", 10), "SUBORDINATE": Validity("YEARS", 5)}

# Options of the module and members of the API's structures.
SUBJECT_MEMBERS = {
    "common_name": "CommonName",
    "organization": "Organization",
    "organizational_unit": "OrganizationalUnit",
    "country": "Country",
    "state": "State",
    "locality": "Locality",
    "distinguished_name_qualifier": "DistinguishedNameQualifier",
    "serial_number": "SerialNumber",
    "title": "Title",
    "surname": "Surname",
    "given_name": "GivenName",
    "initials": "Initials",
    "pseudonym": "Pseudonym",
    "generation_qualifier": "GenerationQualifier",
}
CRL_MEMBERS = {
    "enabled": "Enabled",
    "s3_bucket_name": "S3BucketName",
    "custom_path": "CustomPath",
    "expiration_in_days": "ExpirationInDays",
    "custom_cname": "CustomCname",
    "s3_object_acl": "S3ObjectAcl",
    "crl_type": "CrlType",
}
OCSP_MEMBERS = {"enabled": "Enabled", "custom_cname": "OcspCustomCname"}


@dataclass(frozen=True)
class AuthoritySettings:
    """What is wanted of a CA; None leaves it as it is, or to AWS's default when the CA is created.

    ``subject``, ``crl`` and ``ocsp`` have the names of the module's options. An empty ``policy`` removes it.
    """

    name: str | None = None
    type: str | None = None
    key_algorithm: str | None = None
    signing_algorithm: str | None = None
    usage_mode: str | None = None
    key_storage_security_standard: str | None = None
    subject: Mapping[str, str] | None = None
    validity: Validity | None = None
    path_length: int = 0
    parent_arn: str | None = None
    certificate: str | None = None
    chain: str | None = None
    crl: Mapping[str, Any] | None = None
    ocsp: Mapping[str, Any] | None = None
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True
    acm_permission: bool | None = None
    policy: Mapping[str, Any] | None = None

    def immutable(self) -> dict[str, Any]:
        """What is wanted of the things that cannot be changed once there is a CA."""
        names = ("type", "key_algorithm", "signing_algorithm", "usage_mode", "key_storage_security_standard", "subject")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def wanted_tags(self, held: Mapping[str, str]) -> dict[str, str]:
        """The tags that the CA is to have, given those that it has. The name is a tag and is never purged."""
        tags = dict(held)
        if self.tags is not None:
            kept = {key: value for key, value in held.items() if not self.purge_tags or key.startswith("aws:")}
            tags = {**kept, **self.tags}
            if NAME_TAG in held and NAME_TAG not in tags:
                tags[NAME_TAG] = held[NAME_TAG]
        if self.name is not None:
            tags[NAME_TAG] = self.name
        return tags


def check_settings(settings: AuthoritySettings) -> None:
    """Check what can be checked without AWS.

    :raises InputError: what is asked for contradicts itself
    """
    if settings.tags is not None and settings.name is not None:
        named = settings.tags.get(NAME_TAG, settings.name)
        if named != settings.name:
            raise InputError(
                f"tags: the tag {NAME_TAG} is the CA's name, {settings.name!r}, and cannot be {named!r} too"
            )
    if settings.signing_algorithm and settings.key_algorithm:
        check_signing_algorithm(settings.signing_algorithm, settings.key_algorithm)
    if settings.type == "ROOT" and (settings.parent_arn or settings.certificate or settings.chain):
        raise InputError("a ROOT CA signs itself: parent_authority_arn, certificate and certificate_chain do not apply")
    if settings.parent_arn and settings.certificate:
        raise InputError("give either parent_authority_arn or a certificate that an outside CA signed, not both")
    _check_crl(settings.crl)


def _check_crl(crl: Mapping[str, Any] | None) -> None:
    if crl is None or not crl["enabled"]:
        return
    missing = [name for name in ("s3_bucket_name", "expiration_in_days") if not crl.get(name)]
    if missing:
        raise InputError(f"crl: an enabled CRL needs {' and '.join(missing)}")
    if crl.get("custom_cname") and crl.get("omit_extension"):
        raise InputError("crl: omit_extension cannot be combined with custom_cname")
    if not 1 <= crl["expiration_in_days"] <= 5000:
        raise InputError(f"crl: expiration_in_days is {crl['expiration_in_days']}; AWS takes 1 to 5000")


def check_immutable(settings: AuthoritySettings, held: Mapping[str, Any], arn: str) -> None:
    """Refuse to change what cannot be changed.

    :param held: what the CA was created with, by the same names; of a subject only the parts that are given count
    :raises InputError: with each difference
    """
    differences = []
    for name, wanted in settings.immutable().items():
        pairs = (
            {f"subject.{part}": (value, held["subject"].get(part)) for part, value in wanted.items()}
            if (name == "subject")
            else {name: (wanted, held[name])}
        )
        differences += [f"{what} is {is_} and not {want}" for what, (want, is_) in pairs.items() if want != is_]
    if differences:
        raise InputError(
            f"the CA {arn} was created otherwise, and this cannot be changed: {'; '.join(differences)}. "
            "Ask for what it is, or create a CA with another name"
        )


def creation_request(settings: AuthoritySettings) -> dict[str, Any]:
    """The CreateCertificateAuthority request.

    :raises InputError: something that only creation needs is missing
    """
    missing = [name for name in ("name", "type", "subject") if not getattr(settings, name)]
    if missing:
        raise InputError(f"there is no such CA, and to create one {', '.join(missing)} must be given")
    key_algorithm = settings.key_algorithm or DEFAULT_KEY_ALGORITHM
    signing_algorithm = settings.signing_algorithm or signing_algorithms_for(key_algorithm)[0]
    check_signing_algorithm(signing_algorithm, key_algorithm)
    return {
        "CertificateAuthorityConfiguration": {
            "KeyAlgorithm": key_algorithm,
            "SigningAlgorithm": signing_algorithm,
            "Subject": api_members(settings.subject or {}, SUBJECT_MEMBERS),
        },
        "CertificateAuthorityType": settings.type,
        "UsageMode": settings.usage_mode,
        "KeyStorageSecurityStandard": settings.key_storage_security_standard,
        "RevocationConfiguration": revocation_request(settings) or None,
        "Tags": [{"Key": key, "Value": value} for key, value in settings.wanted_tags({}).items()],
        "IdempotencyToken": creation_token(settings.name or ""),
    }


def creation_token(name: str) -> str:
    """The idempotency token of a CA's creation: a repeated or concurrent creation of one name makes one CA."""
    return hashlib.sha256(name.encode()).hexdigest()[:TOKEN_LENGTH]


def revocation_request(settings: AuthoritySettings) -> dict[str, Any]:
    """The API's RevocationConfiguration with the parts that are wanted. A disabled part has nothing but Enabled."""
    request: dict[str, Any] = {}
    if settings.crl is not None:
        request["CrlConfiguration"] = _crl_request(settings.crl)
    if settings.ocsp is not None:
        members = api_members(settings.ocsp, OCSP_MEMBERS)
        request["OcspConfiguration"] = members if settings.ocsp["enabled"] else {"Enabled": False}
    return request


def _crl_request(crl: Mapping[str, Any]) -> dict[str, Any]:
    if not crl["enabled"]:
        return {"Enabled": False}
    request = api_members(crl, CRL_MEMBERS)
    if crl.get("omit_extension"):
        request["CrlDistributionPointExtensionConfiguration"] = {"OmitExtension": True}
    return request


def revocation_result(described: Mapping[str, Any]) -> dict[str, Any]:
    """A CA's revocation configuration by the names of the module's options."""
    revocation = described.get("RevocationConfiguration") or {}
    crl = revocation.get("CrlConfiguration") or {"Enabled": False}
    extension = crl.get("CrlDistributionPointExtensionConfiguration") or {}
    result: dict[str, Any] = {"crl": option_names(crl, CRL_MEMBERS)}
    if crl["Enabled"]:
        result["crl"]["omit_extension"] = bool(extension.get("OmitExtension"))
        result["crl"].setdefault("crl_type", "COMPLETE")
    result["ocsp"] = option_names(revocation.get("OcspConfiguration") or {"Enabled": False}, OCSP_MEMBERS)
    return result


def revocation_after(settings: AuthoritySettings, held: Mapping[str, Any]) -> dict[str, Any]:
    """The revocation configuration that the CA is to have, in the form of :func:`revocation_result`."""
    request = revocation_request(settings)
    wanted = revocation_result({"RevocationConfiguration": request})
    return {
        "crl": wanted["crl"] if "CrlConfiguration" in request else held["crl"],
        "ocsp": wanted["ocsp"] if "OcspConfiguration" in request else held["ocsp"],
    }


def api_members(options: Mapping[str, Any], members: Mapping[str, str]) -> dict[str, Any]:
    """Options that are set, by the names of the API."""
    return {member: options[name] for name, member in members.items() if options.get(name) is not None}


def option_names(structure: Mapping[str, Any], members: Mapping[str, str]) -> dict[str, Any]:
    """A structure of the API by the names of the options."""
    return {name: structure[member] for name, member in members.items() if member in structure}


def same_policy(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two policies say the same: AWS may write a list of one as the element, and lists in another order."""
    return _canonical(one or {}) == _canonical(other or {})


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _canonical(element) for key, element in value.items()}
    if isinstance(value, list):
        elements = sorted((_canonical(element) for element in value), key=lambda item: json.dumps(item, sort_keys=True))
        return elements[0] if len(elements) == 1 else elements
    return value
