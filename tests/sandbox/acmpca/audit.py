# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audit reports: everything that a CA has issued, as JSON or CSV in S3."""

from __future__ import annotations

import csv
import io
import json
import uuid
from datetime import datetime
from typing import Any

from .. import clock
from . import buckets
from .authority import Authority, Issued
from .emit import emit
from .errors import refusal

INTERVAL_S = 30 * 60
_FIELDS = (
    "awsAccountId",
    "requestedByServicePrincipal",
    "certificateArn",
    "serial",
    "subject",
    "notBefore",
    "notAfter",
    "issuedAt",
    "revokedAt",
    "revocationReason",
    "templateArn",
)


def create(authority: Authority, bucket: str, response_format: str) -> dict[str, str]:
    """Write a report and return its id and key.

    :raises JsonRESTError: too soon after the last one, or the bucket does not let Private CA write
    """
    authority.require("ACTIVE", "DISABLED")
    now = clock.epoch()
    if authority.last_audit is not None and 0 <= now - authority.last_audit < INTERVAL_S:
        raise refusal("RequestInProgressException", "A report can be generated once every 30 minutes.")
    buckets.check_permissions(authority.account_id, bucket, authority.arn, buckets.OWNER_ONLY)
    report_id = str(uuid.uuid4())
    key = f"audit-report/{authority.id}/{report_id}.{response_format.lower()}"
    rows = [row(authority, issued) for issued in list(authority.issued.values())]
    body = _as_json(rows) if response_format == "JSON" else _as_csv(rows)
    buckets.put(authority.account_id, bucket, key, body.encode())
    authority.last_audit = now
    authority.audits[report_id] = {
        "AuditReportStatus": "SUCCESS",
        "S3BucketName": bucket,
        "S3Key": key,
        "CreatedAt": now,
    }
    emit("Audit Report Generation", authority.arn, report_id)
    return {"AuditReportId": report_id, "S3Key": key}


def row(authority: Authority, issued: Issued) -> dict[str, str]:
    """What a report says of one certificate."""
    certificate = issued.certificate
    serial = f"{issued.serial:032x}"
    return {
        "awsAccountId": authority.account_id,
        "requestedByServicePrincipal": "",
        "certificateArn": issued.arn,
        "serial": ":".join(serial[index : index + 2] for index in range(0, len(serial), 2)),
        "subject": certificate.subject.rfc4514_string(),
        "notBefore": _time(certificate.not_valid_before_utc),
        "notAfter": _time(certificate.not_valid_after_utc),
        "issuedAt": _time(issued.issued_at),
        "revokedAt": _time(issued.revoked_at),
        "revocationReason": issued.reason or "",
        "templateArn": issued.template_arn,
    }


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000") if moment else ""


def _as_json(rows: list[dict[str, str]]) -> str:
    return json.dumps([{name: value for name, value in row.items() if value} for row in rows], indent=1)


def _as_csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
