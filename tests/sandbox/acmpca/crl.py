# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificate revocation lists: where they are, what is in them, and when they are written to S3."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from moto.core.exceptions import JsonRESTError

from .. import clock, profile
from . import buckets
from .algorithms import signature_parameters
from .authority import Authority, Issued, whole_second
from .emit import emit
from .errors import refusal

_REASONS = {
    "KEY_COMPROMISE": x509.ReasonFlags.key_compromise,
    "CERTIFICATE_AUTHORITY_COMPROMISE": x509.ReasonFlags.ca_compromise,
    "AFFILIATION_CHANGED": x509.ReasonFlags.affiliation_changed,
    "SUPERSEDED": x509.ReasonFlags.superseded,
    "CESSATION_OF_OPERATION": x509.ReasonFlags.cessation_of_operation,
    "PRIVILEGE_WITHDRAWN": x509.ReasonFlags.privilege_withdrawn,
    "A_A_COMPROMISE": x509.ReasonFlags.aa_compromise,
}
_PROTOCOLS = ("http://", "https://")


def check_configuration(revocation: dict[str, Any], account_id: str, authority_arn: str) -> dict[str, Any]:
    """Check a RevocationConfiguration and return it as Describe shows it, with AWS's defaults.

    With CRLs enabled this also writes AWS's permission test object to the bucket.

    :raises JsonRESTError: the API refuses it
    """
    crl = revocation.get("CrlConfiguration") or {"Enabled": False}
    ocsp = revocation.get("OcspConfiguration") or {"Enabled": False}
    for name, settings in (("CRL", crl), ("OCSP", ocsp)):
        if not settings["Enabled"] and len(settings) > 1:
            raise refusal(
                "InvalidArgsException", f"A configuration that disables {name} must have nothing but Enabled."
            )
    for cname in (crl.get("CustomCname", ""), ocsp.get("OcspCustomCname", "")):
        if cname.startswith(_PROTOCOLS):
            raise refusal("InvalidArgsException", "A CNAME must not include a protocol prefix.")
    if not crl["Enabled"]:
        return {"CrlConfiguration": {"Enabled": False}, "OcspConfiguration": ocsp}
    if "ExpirationInDays" not in crl or "S3BucketName" not in crl:
        raise refusal("InvalidArgsException", "An enabled CRL needs ExpirationInDays and S3BucketName.")
    if crl.get("CustomCname") and _omits_extension(crl):
        raise refusal("InvalidArgsException", "OmitExtension cannot be set together with CustomCname.")
    complete = {"S3ObjectAcl": buckets.PUBLIC_READ, "CrlType": "COMPLETE", **crl}
    buckets.check_permissions(account_id, complete["S3BucketName"], authority_arn, complete["S3ObjectAcl"])
    buckets.put(account_id, complete["S3BucketName"], buckets.TEST_KEY, b"")
    return {"CrlConfiguration": complete, "OcspConfiguration": ocsp}


def _omits_extension(crl: dict[str, Any]) -> bool:
    return bool(crl.get("CrlDistributionPointExtensionConfiguration", {}).get("OmitExtension"))


class Publisher:
    """Writes the CRLs of one CA, some time after something was revoked or first referred to a list.

    A list is known by its URL, as it stands in the distribution points of the certificates that it covers.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._keys: dict[str, str] = {}
        self._open_partition: str | None = None
        self._room = 0
        self._waiting: set[str] = set()
        self._stopped = False
        self._lock = threading.Lock()

    def next_url(self) -> str | None:
        """The list that covers the next certificate; None when the CA keeps none."""
        if not self._settings["Enabled"]:
            return None
        if self._settings["CrlType"] == "COMPLETE":
            return self._list(self._authority.id)
        with self._lock:
            if self._room == 0 or self._open_partition not in self._keys:
                self._open_partition = self._list(str(uuid.uuid4()))
                self._room = profile.current().crl_partition_certificates
            self._room -= 1
            return self._open_partition

    def in_certificate(self, url: str | None) -> str | None:
        """What stands in the certificate: the list's URL, unless the configuration omits it."""
        return None if _omits_extension(self._settings) else url

    def publish_soon(self, url: str | None) -> None:
        """Write a list after the profile's delay; requests in the meantime are served by the same write."""
        if url is None or url not in self._keys:
            return
        with self._lock:
            if url in self._waiting:
                return
            self._waiting.add(url)
        self._after(profile.current().crl_delay_s, url)

    def refers_to_unpublished(self, url: str | None) -> bool:
        """Whether a certificate that refers to the list is the first one to do so."""
        return url is not None and not any(issued.crl_url == url for issued in self._authority.issued.values())

    def publish(self, url: str) -> None:
        """Write a list now.

        :raises JsonRESTError: the bucket does not let Private CA write
        """
        settings = self._settings
        body = self._build(url)
        buckets.check_permissions(
            self._authority.account_id, settings["S3BucketName"], self._authority.arn, settings["S3ObjectAcl"]
        )
        buckets.put(
            self._authority.account_id, settings["S3BucketName"], self._keys[url], body, settings["S3ObjectAcl"]
        )

    def publish_all(self) -> list[str]:
        """Write every list that a certificate refers to now, and return their URLs."""
        referred = {issued.crl_url for issued in self._authority.issued.values()} & set(self._keys)
        for url in sorted(referred):
            self.publish(url)
        return sorted(referred)

    def stop(self) -> None:
        """Write nothing any more: the CA is forgotten."""
        self._stopped = True

    @property
    def _settings(self) -> dict[str, Any]:
        return self._authority.revocation["CrlConfiguration"]

    def _list(self, name: str) -> str:
        """The URL of the list of that name under the present configuration; its key in the bucket is noted."""
        settings = self._settings
        partitioned = settings["CrlType"] == "PARTITIONED"
        folder = settings.get("CustomPath") or (f"crl/{self._authority.id}" if partitioned else "crl")
        key = f"{folder.strip('/')}/{name}.crl".lstrip("/")
        host = settings.get("CustomCname") or f"{settings['S3BucketName']}.s3.{self._authority.region}.amazonaws.com"
        url = f"http://{host}/{key}"
        self._keys[url] = key
        return url

    def _after(self, seconds: float, url: str) -> None:
        timer = threading.Timer(seconds, self._attempt, (url,))
        timer.daemon = True
        timer.start()

    def _attempt(self, url: str) -> None:
        with self._lock:
            self._waiting.discard(url)
        if self._stopped or self._authority.status not in ("ACTIVE", "DISABLED") or not self._settings["Enabled"]:
            return
        try:
            self.publish(url)
        except JsonRESTError as error:
            emit("CRL Generation", self._authority.arn, result="failure", reason=str(error.message))
            with self._lock:
                self._waiting.add(url)
            self._after(profile.current().crl_retry_s, url)
        else:
            emit("CRL Generation", self._authority.arn)

    def _build(self, url: str) -> bytes:
        authority = self._authority
        now = whole_second(clock.now())
        issuer = authority.issuer(None)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.name)
            .last_update(now)
            .next_update(now + timedelta(days=self._settings["ExpirationInDays"]))
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer.key_identifier), False)
            .add_extension(x509.CRLNumber(int(clock.epoch() * 1000)), False)
        )
        if self._settings["CrlType"] == "PARTITIONED":
            builder = builder.add_extension(_issuing_distribution_point(url), True)
        with authority.lock:
            covered = [item for item in authority.issued.values() if item.revoked_at and item.crl_url == url]
        for item in covered:
            if item.certificate.not_valid_after_utc > now:
                builder = builder.add_revoked_certificate(_entry(item))
        signature = signature_parameters(authority.configuration["SigningAlgorithm"])
        return builder.sign(authority.key, **signature).public_bytes(Encoding.DER)


def _issuing_distribution_point(url: str) -> x509.IssuingDistributionPoint:
    return x509.IssuingDistributionPoint(
        full_name=[x509.UniformResourceIdentifier(url)],
        relative_name=None,
        only_contains_user_certs=False,
        only_contains_ca_certs=False,
        only_some_reasons=None,
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )


def _entry(item: Issued) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(item.serial).revocation_date(whole_second(item.revoked_at))
    if item.reason in _REASONS:
        builder = builder.add_extension(x509.CRLReason(_REASONS[item.reason]), False)
    return builder.build()
