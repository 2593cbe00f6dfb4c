# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One private CA: its key, its states, its certificate, and what it has issued."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .. import clock, profile
from .algorithms import PrivateKey, generate_key, signature_parameters
from .errors import refusal, wrong_state
from .issuance import Issuer
from .names import subject_name

DELETION_WINDOW_DAYS = 30


@dataclass
class Issued:
    """A certificate that a CA issued. ``ready_at`` is on the monotonic clock, the other moments are AWS's time."""

    arn: str
    certificate: x509.Certificate
    chain: str
    template_arn: str
    issued_at: datetime
    ready_at: float
    crl_url: str | None
    revoked_at: datetime | None = None
    reason: str | None = None

    @property
    def serial(self) -> int:
        return self.certificate.serial_number

    @property
    def self_signed(self) -> bool:
        return self.certificate.issuer == self.certificate.subject


@dataclass
class Authority:
    """A private CA as CreateCertificateAuthority made it, and its life since."""

    arn: str
    account_id: str
    region: str
    type: str
    configuration: dict[str, Any]
    usage_mode: str
    key_standard: str
    revocation: dict[str, Any]
    key: PrivateKey
    created_at: datetime = field(default_factory=clock.now)
    changed_at: datetime = field(default_factory=clock.now)
    stored_status: str = "PENDING_CERTIFICATE"
    status_before_deletion: str | None = None
    restorable_until: datetime | None = None
    certificate: x509.Certificate | None = None
    chain: list[x509.Certificate] = field(default_factory=list)
    policy: str | None = None
    permissions: dict[str, dict[str, Any]] = field(default_factory=dict)
    issued: dict[int, Issued] = field(default_factory=dict)
    tokens: dict[str, tuple[float, str]] = field(default_factory=dict)
    last_audit: float | None = None
    audits: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._created_for_real_at = time.monotonic() + profile.current().issue_delay_s
        self.id = self.arn.rpartition("/")[2]
        self.csr = self._make_csr()

    @classmethod
    def create(cls, *, account_id: str, region: str, configuration: dict[str, Any], **settings: Any) -> Authority:
        """Make a CA with a new key."""
        return cls(
            arn=f"arn:aws:acm-pca:{region}:{account_id}:certificate-authority/{uuid.uuid4()}",
            account_id=account_id,
            region=region,
            configuration=configuration,
            key=generate_key(configuration["KeyAlgorithm"]),
            **settings,
        )

    @property
    def status(self) -> str:
        """The status as Describe shows it: what was stored, except for what time alone changes."""
        if self.stored_status == "PENDING_CERTIFICATE" and time.monotonic() < self._created_for_real_at:
            return "CREATING"
        if self.stored_status in ("ACTIVE", "DISABLED") and self.certificate is not None:
            return "EXPIRED" if clock.now() >= self.certificate.not_valid_after_utc else self.stored_status
        return self.stored_status

    def require(self, *statuses: str) -> None:
        """:raises JsonRESTError: the CA has none of the statuses"""
        if self.status not in statuses:
            raise wrong_state(self.arn, self.status)

    def refuse_deleted(self) -> None:
        """:raises JsonRESTError: the CA is deleted, even though it can be restored"""
        if self.stored_status == "DELETED":
            raise wrong_state(self.arn, "DELETED")

    def change_status(self, status: str) -> None:
        self.stored_status = status
        self.changed_at = clock.now()

    def delete(self, days: int | None) -> None:
        """Mark as deleted, restorable for the days given."""
        self.require("PENDING_CERTIFICATE", "CREATING", "EXPIRED", "DISABLED", "FAILED")
        self.status_before_deletion = self.stored_status
        self.restorable_until = clock.now() + timedelta(days=days or DELETION_WINDOW_DAYS)
        self.change_status("DELETED")

    def restore(self) -> None:
        """Undo a deletion: the CA gets the status that it had before."""
        self.require("DELETED")
        self.change_status(self.status_before_deletion or "PENDING_CERTIFICATE")
        self.status_before_deletion = self.restorable_until = None

    @property
    def gone_for_good(self) -> bool:
        """Whether the restoration period of a deleted CA is over."""
        return self.restorable_until is not None and clock.now() >= self.restorable_until

    def issuer(self, crl_url: str | None) -> Issuer:
        """What signs certificates: by the CA certificate where there is one, else by the CSR."""
        holder = self.certificate or self.csr
        return Issuer(holder.subject, self.key, self._key_identifier(), crl_url, self._ocsp_url())

    def chain_above_issued(self) -> str:
        """The chain that GetCertificate gives with a certificate: this CA's, up to the root."""
        return pem_bundle([self.certificate, *self.chain])

    def describe(self) -> dict[str, Any]:
        """The API's CertificateAuthority structure, times in epoch seconds."""
        described: dict[str, Any] = {
            "Arn": self.arn,
            "OwnerAccount": self.account_id,
            "CreatedAt": self.created_at.timestamp(),
            "LastStateChangeAt": self.changed_at.timestamp(),
            "Type": self.type,
            "Status": self.status,
            "CertificateAuthorityConfiguration": self.configuration,
            "RevocationConfiguration": self.revocation,
            "KeyStorageSecurityStandard": self.key_standard,
            "UsageMode": self.usage_mode,
        }
        if self.certificate is not None:
            described["Serial"] = str(self.certificate.serial_number)
            described["NotBefore"] = self.certificate.not_valid_before_utc.timestamp()
            described["NotAfter"] = self.certificate.not_valid_after_utc.timestamp()
        if self.restorable_until is not None:
            described["RestorableUntil"] = self.restorable_until.timestamp()
        return described

    def get_csr(self) -> str:
        """The CSR in PEM.

        :raises JsonRESTError: it is not ready yet
        """
        self.refuse_deleted()
        if self.status == "CREATING":
            raise refusal("RequestInProgressException", "The certificate signing request is not ready yet.")
        return self.csr.public_bytes(Encoding.PEM).decode()

    def _make_csr(self) -> x509.CertificateSigningRequest:
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject_name(self.configuration["Subject"]))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return builder.sign(self.key, **signature_parameters(self.configuration["SigningAlgorithm"]))

    def _key_identifier(self) -> x509.SubjectKeyIdentifier:
        if self.certificate is not None:
            try:
                return self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            except x509.ExtensionNotFound:
                pass
        return x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())

    def _ocsp_url(self) -> str | None:
        settings = self.revocation.get("OcspConfiguration", {})
        if not settings.get("Enabled"):
            return None
        return f"http://{settings.get('OcspCustomCname') or f'ocsp.acm-pca.{self.region}.amazonaws.com'}"


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode().strip()


def pem_bundle(certificates: list[x509.Certificate]) -> str:
    return "\n".join(pem(certificate) for certificate in certificates)


def path_length(certificate: x509.Certificate) -> int | None:
    """How many CAs may stand below a CA; None is no limit."""
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length


def whole_second(moment: datetime) -> datetime:
    """Certificates have no fractions of seconds."""
    return moment.astimezone(timezone.utc).replace(microsecond=0)
