# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of the acm-pca API, in the place of moto's backend."""

from __future__ import annotations

import base64
import secrets
import time
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from moto.core.base_backend import BaseBackend

from .. import clock, profile
from . import audit, policies, templates
from .algorithms import check_family
from .authority import Authority, Issued, path_length, pem, pem_bundle, whole_second
from .crl import Publisher, check_configuration
from .emit import emit
from .errors import not_found, refusal, wrong_state
from .importing import import_certificate
from .issuance import build, parse_request
from .names import subject_name
from .validity import end_of, start_of

TOKEN_LIFE_S = 5 * 60
SHORT_LIVED = timedelta(days=7)
MAX_TAGS = 50
MAX_AUTHORITIES = 200
Parameters = dict[str, Any]


class PrivateCaBackend(BaseBackend):
    """Private CA in one account and Region. Each public method is an operation: its parameters in, its reply out."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.authorities: dict[str, Authority] = {}
        self.publishers: dict[str, Publisher] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, tuple[float, str]] = {}

    @property
    def _url_module(self) -> Any:
        from . import responses

        return responses

    def reset(self) -> None:
        for publisher in self.publishers.values():
            publisher.stop()
        super().reset()

    # Life of a CA

    def create_certificate_authority(self, parameters: Parameters) -> Parameters:
        earlier = _remembered(self._tokens, parameters.get("IdempotencyToken"))
        if earlier:
            return {"CertificateAuthorityArn": earlier}
        configuration = parameters["CertificateAuthorityConfiguration"]
        check_family(configuration["KeyAlgorithm"], configuration["SigningAlgorithm"])
        subject_name(configuration["Subject"])
        tags = _checked_tags(parameters.get("Tags", []))
        if len(self.authorities) >= MAX_AUTHORITIES:
            raise refusal("LimitExceededException", f"The account has {MAX_AUTHORITIES} private CAs.")
        authority = Authority.create(
            account_id=self.account_id,
            region=self.region_name,
            configuration=configuration,
            type=parameters["CertificateAuthorityType"],
            usage_mode=parameters.get("UsageMode", "GENERAL_PURPOSE"),
            key_standard=parameters.get("KeyStorageSecurityStandard", "FIPS_140_2_LEVEL_3_OR_HIGHER"),
            revocation={},
        )
        authority.revocation = check_configuration(
            parameters.get("RevocationConfiguration", {}), self.account_id, authority.arn
        )
        self.authorities[authority.arn] = authority
        self.publishers[authority.arn] = Publisher(authority)
        self.tags[authority.arn] = tags
        _remember(self._tokens, parameters.get("IdempotencyToken"), authority.arn)
        emit("Creation", authority.arn)
        return {"CertificateAuthorityArn": authority.arn}

    def describe_certificate_authority(self, parameters: Parameters) -> Parameters:
        return {"CertificateAuthority": self._authority(parameters).describe()}

    def list_certificate_authorities(self, parameters: Parameters) -> Parameters:
        own = [] if parameters.get("ResourceOwner") == "OTHER_ACCOUNTS" else list(self.authorities.values())
        present = [authority.describe() for authority in own if not authority.gone_for_good]
        return _page(present, parameters, "CertificateAuthorities")

    def update_certificate_authority(self, parameters: Parameters) -> Parameters:
        authority = self._authority(parameters)
        authority.require("ACTIVE", "DISABLED")
        status = parameters.get("Status")
        if status not in (None, "ACTIVE", "DISABLED"):
            raise refusal("InvalidArgsException", f"The status cannot be set to {status}.")
        if "RevocationConfiguration" in parameters:
            checked = check_configuration(parameters["RevocationConfiguration"], self.account_id, authority.arn)
            for name in parameters["RevocationConfiguration"]:
                authority.revocation[name] = checked[name]
        authority.change_status(status or authority.stored_status)
        return {}

    def delete_certificate_authority(self, parameters: Parameters) -> Parameters:
        self._authority(parameters).delete(parameters.get("PermanentDeletionTimeInDays"))
        return {}

    def restore_certificate_authority(self, parameters: Parameters) -> Parameters:
        self._authority(parameters).restore()
        return {}

    # Its own certificate

    def get_certificate_authority_csr(self, parameters: Parameters) -> Parameters:
        return {"Csr": self._authority(parameters).get_csr()}

    def get_certificate_authority_certificate(self, parameters: Parameters) -> Parameters:
        authority = self._authority(parameters)
        authority.refuse_deleted()
        if authority.certificate is None:
            raise wrong_state(authority.arn, authority.status)
        chain = {"CertificateChain": pem_bundle(authority.chain)} if authority.chain else {}
        return {"Certificate": pem(authority.certificate), **chain}

    def import_certificate_authority_certificate(self, parameters: Parameters) -> Parameters:
        chain = parameters.get("CertificateChain")
        import_certificate(
            self._authority(parameters),
            base64.b64decode(parameters["Certificate"]),
            base64.b64decode(chain) if chain else None,
        )
        return {}

    # Certificates

    def issue_certificate(self, parameters: Parameters) -> Parameters:
        authority = self._authority(parameters)
        earlier = _remembered(authority.tokens, parameters.get("IdempotencyToken"))
        if earlier:
            return {"CertificateArn": earlier}
        template = templates.find(parameters.get("TemplateArn"))
        request = parse_request(base64.b64decode(parameters["Csr"]))
        _check_state(authority, template, request)
        check_family(authority.configuration["KeyAlgorithm"], parameters["SigningAlgorithm"])
        now = whole_second(clock.now())
        not_after = end_of(parameters["Validity"], now)
        _check_limits(authority, template, not_after - now, not_after)
        publisher = self.publishers[authority.arn]
        crl_url = None if template.is_root else publisher.next_url()
        serial = secrets.randbits(127)
        certificate = build(
            authority.issuer(publisher.in_certificate(crl_url)),
            request,
            template,
            parameters.get("ApiPassthrough", {}),
            serial=serial,
            not_before=start_of(parameters.get("ValidityNotBefore"), now),
            not_after=not_after,
            signing_algorithm=parameters["SigningAlgorithm"],
        )
        issued = Issued(
            arn=f"{authority.arn}/certificate/{serial:032x}",
            certificate=certificate,
            chain="" if template.is_root else authority.chain_above_issued(),
            template_arn=template.arn,
            issued_at=now,
            ready_at=time.monotonic() + profile.current().issue_delay_s,
            crl_url=crl_url,
        )
        with authority.lock:
            first_of_list = publisher.refers_to_unpublished(crl_url)
            authority.issued[serial] = issued
            _remember(authority.tokens, parameters.get("IdempotencyToken"), issued.arn)
        if first_of_list:
            publisher.publish_soon(crl_url)
        emit("Certificate Issuance", authority.arn, issued.arn)
        return {"CertificateArn": issued.arn}

    def get_certificate(self, parameters: Parameters) -> Parameters:
        authority = self._authority(parameters)
        authority.refuse_deleted()
        arn = parameters["CertificateArn"]
        issued = next((item for item in [authority.issued.get(_serial_of(arn))] if item and item.arn == arn), None)
        if issued is None:
            raise not_found(arn)
        if time.monotonic() < issued.ready_at:
            raise refusal("RequestInProgressException", f"The request to issue certificate {arn} is still in progress.")
        chain = {"CertificateChain": issued.chain} if issued.chain else {}
        return {"Certificate": pem(issued.certificate), **chain}

    def revoke_certificate(self, parameters: Parameters) -> Parameters:
        authority = self._authority(parameters)
        authority.require("ACTIVE", "DISABLED")
        text = parameters["CertificateSerial"]
        try:
            serial = int(text.replace(":", ""), 16)
        except ValueError:
            raise refusal("InvalidRequestException", f"The serial {text!r} is not hexadecimal.") from None
        issued = authority.issued.get(serial)
        if issued is None:
            raise refusal("ResourceNotFoundException", f"Could not find certificate with serial {text}.")
        if issued.self_signed:
            raise refusal("InvalidRequestException", "Self-signed certificate can not be revoked")
        with authority.lock:
            if time.monotonic() < issued.ready_at:
                raise refusal("RequestInProgressException", "The certificate is still being issued.")
            if issued.revoked_at is not None:
                raise refusal("RequestAlreadyProcessedException", "Your request has already been completed.")
            issued.revoked_at, issued.reason = clock.now(), parameters["RevocationReason"]
        self.publishers[authority.arn].publish_soon(issued.crl_url)
        emit("Certificate Revocation", authority.arn, issued.arn)
        return {}

    # Audit reports

    def create_certificate_authority_audit_report(self, parameters: Parameters) -> Parameters:
        authority = self._authority(parameters)
        return audit.create(authority, parameters["S3BucketName"], parameters["AuditReportResponseFormat"])

    def describe_certificate_authority_audit_report(self, parameters: Parameters) -> Parameters:
        report = self._authority(parameters).audits.get(parameters["AuditReportId"])
        if report is None:
            raise not_found(parameters["AuditReportId"])
        return report

    # Permissions, policy, tags

    def create_permission(self, parameters: Parameters) -> Parameters:
        authority = self._authority(parameters)
        authority.require("ACTIVE")
        principal = parameters["Principal"]
        if principal != "acm.amazonaws.com":
            raise refusal("InvalidArgsException", f"{principal} is not a valid principal: only acm.amazonaws.com is.")
        if parameters.get("SourceAccount", self.account_id) != self.account_id:
            raise refusal("InvalidArgsException", "The source account must be the CA's own.")
        if principal in authority.permissions:
            raise refusal("PermissionAlreadyExistsException", "The designated permission has already been given.")
        authority.permissions[principal] = {
            "CertificateAuthorityArn": authority.arn,
            "CreatedAt": clock.epoch(),
            "Principal": principal,
            "SourceAccount": self.account_id,
            "Actions": parameters["Actions"],
        }
        return {}

    def delete_permission(self, parameters: Parameters) -> Parameters:
        authority = self._authority(parameters)
        if authority.permissions.pop(parameters["Principal"], None) is None:
            raise not_found(parameters["Principal"])
        return {}

    def list_permissions(self, parameters: Parameters) -> Parameters:
        return _page(list(self._authority(parameters).permissions.values()), parameters, "Permissions")

    def put_policy(self, parameters: Parameters) -> Parameters:
        authority = self._authority(parameters, "ResourceArn")
        authority.require("ACTIVE")
        policies.check(parameters["Policy"], authority.arn, self.account_id)
        authority.policy = parameters["Policy"]
        return {}

    def get_policy(self, parameters: Parameters) -> Parameters:
        authority = self._authority(parameters, "ResourceArn")
        if authority.policy is None:
            raise not_found(authority.arn)
        return {"Policy": authority.policy}

    def delete_policy(self, parameters: Parameters) -> Parameters:
        self._authority(parameters, "ResourceArn").policy = None
        return {}

    def tag_certificate_authority(self, parameters: Parameters) -> Parameters:
        arn = self._authority(parameters).arn
        merged = {**self.tags[arn], **_checked_tags(parameters["Tags"])}
        if len(merged) > MAX_TAGS:
            raise refusal("TooManyTagsException", f"A private CA can have at most {MAX_TAGS} tags.")
        self.tags[arn] = merged
        return {}

    def untag_certificate_authority(self, parameters: Parameters) -> Parameters:
        tags = self.tags[self._authority(parameters).arn]
        for tag in parameters["Tags"]:
            if tag.get("Value") in (None, tags.get(tag["Key"])):
                tags.pop(tag["Key"], None)
        return {}

    def list_tags(self, parameters: Parameters) -> Parameters:
        tags = self.tags[self._authority(parameters).arn]
        return _page([{"Key": key, "Value": value} for key, value in tags.items()], parameters, "Tags")

    def _authority(self, parameters: Parameters, member: str = "CertificateAuthorityArn") -> Authority:
        arn = parameters[member]
        if not arn.startswith("arn:aws:acm-pca:") or ":certificate-authority/" not in arn:
            raise refusal("InvalidArnException", f"{arn} is not the ARN of a private CA.")
        authority = self.authorities.get(arn)
        if authority is None or authority.gone_for_good:
            raise not_found(arn)
        return authority


def _check_state(authority: Authority, template: templates.Template, request: Any) -> None:
    """A CA issues when it is ACTIVE; a root CA also signs its own first certificate, and nothing else by that template."""
    if not template.is_root:
        authority.require("ACTIVE")
        return
    authority.require("PENDING_CERTIFICATE", "ACTIVE", "EXPIRED")
    if authority.type != "ROOT":
        raise refusal("InvalidArgsException", "The template RootCACertificate is only for root CAs.")
    own, asked = (
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for key in (authority.key.public_key(), request.public_key())
    )
    if own != asked:
        raise refusal("InvalidArgsException", "The template RootCACertificate is only for the CA's own CSR.")


def _check_limits(authority: Authority, template: templates.Template, lifetime: timedelta, not_after: Any) -> None:
    if template.is_root:
        return
    if not_after > authority.certificate.not_valid_after_utc:
        raise refusal("ValidationException", "The certificate validity exceeds the certificate authority validity.")
    if authority.usage_mode == "SHORT_LIVED_CERTIFICATE" and lifetime > SHORT_LIVED:
        raise refusal("ValidationException", "A CA in short-lived mode issues certificates of at most 7 days.")
    limit = path_length(authority.certificate)
    if template.is_ca and limit is not None and template.path_length >= limit:
        raise refusal("ValidationException", f"The path length of the template exceeds the CA's, which is {limit}.")


def _serial_of(certificate_arn: str) -> int:
    suffix = certificate_arn.rpartition("/certificate/")[2]
    try:
        return int(suffix, 16)
    except ValueError:
        raise refusal("InvalidArnException", f"{certificate_arn} is not the ARN of a certificate.") from None


def _checked_tags(tags: list[dict[str, str]]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        raise refusal("TooManyTagsException", f"A private CA can have at most {MAX_TAGS} tags.")
    if any(tag["Key"].lower().startswith("aws:") for tag in tags):
        raise refusal("InvalidTagException", "Tag keys that begin with aws: are reserved.")
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def _remembered(tokens: dict[str, tuple[float, str]], token: str | None) -> str | None:
    """What an idempotency token stands for, while it is alive."""
    at, arn = tokens.get(token or "", (0.0, ""))
    return arn if arn and 0 <= clock.epoch() - at < TOKEN_LIFE_S else None


def _remember(tokens: dict[str, tuple[float, str]], token: str | None, arn: str) -> None:
    if token:
        tokens[token] = (clock.epoch(), arn)


def _page(items: list[Any], parameters: Parameters, name: str) -> Parameters:
    token = parameters.get("NextToken", "0")
    if not token.isdigit() or int(token) > len(items):
        raise refusal("InvalidNextTokenException", "The token specified in the NextToken argument is not valid.")
    start, size = int(token), parameters.get("MaxResults", 100)
    following = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return {name: items[start : start + size], **following}
