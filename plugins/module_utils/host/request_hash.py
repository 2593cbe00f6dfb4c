# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fingerprint of the settings that shape a certificate: when it differs, the certificate is no longer what is asked for."""

from __future__ import annotations

import hashlib
import json

from .settings import RecordSettings


def request_hash(settings: RecordSettings) -> str:
    """The SHA-256, in lower-case hexadecimal, of what the certificate is to say and who is to sign it.

    Where the files go and how they are proven is no part of it: a changed path does not need a new certificate. Nor
    is the order of the subject alternative names.
    """
    shape = {
        "common_name": settings.common_name,
        "subject": dict(settings.subject),
        "subject_alt_names": sorted(settings.subject_alt_names),
        "key_algorithm": settings.key_algorithm,
        "certificate_authority_arn": settings.certificate_authority_arn,
        "template_arn": settings.template_arn,
        "signing_algorithm": settings.signing_algorithm,
        "validity_days": settings.validity_days,
    }
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()
