# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring a CRL to IAM Roles Anywhere when it is published: what a Lambda function does with S3's event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..aws import call
from ..errors import CertwrightError
from .crl import ensure_crl, read_crl
from .flows import Wanted

if TYPE_CHECKING:
    from botocore.client import BaseClient


@dataclass(frozen=True)
class Settings:
    """Where the CRL belongs, and who is told when it could not be brought there.

    :param crl_name: the name by which IAM Roles Anywhere knows the CRL
    """

    trust_anchor_arn: str
    crl_name: str
    topic_arn: str


def bring_published_crl(
    event: Mapping[str, Any], settings: Settings, clients: Callable[[str], BaseClient]
) -> dict[str, str]:
    """Put the CRL that an ``Object Created`` event tells of in the place of the one that IAM Roles Anywhere has.

    What goes wrong on the way is told to the topic, once: botocore has tried again by then. What else goes wrong is
    raised, so that Lambda tries again.

    :param clients: gives the client of a service
    :raises AwsError: not even the topic could be told
    """
    bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    wanted = Wanted(name=settings.crl_name, within={"trustAnchorArn": settings.trust_anchor_arn})
    try:
        content = read_crl(clients("s3"), bucket, key)
        # Lambda's runtime has no cryptography, so AWS checks who signed the CRL.
        outcome = ensure_crl(clients("rolesanywhere"), None, content, wanted, check_mode=False)
    except CertwrightError as error:
        _tell(clients("sns"), settings, f"s3://{bucket}/{key}", str(error))
        return {"action": "failed", "reason": str(error)}
    return {"action": outcome.action, "reason": outcome.reason}


def _tell(sns: BaseClient, settings: Settings, crl: str, reason: str) -> None:
    call(
        sns,
        "publish",
        TopicArn=settings.topic_arn,
        Subject="A revocation list did not reach IAM Roles Anywhere",
        Message=(
            f"The revocation list {crl} was not brought to trust anchor {settings.trust_anchor_arn}: {reason}\n\n"
            "Certificates that it revokes are still accepted there. Run the playbook certwright.aws.sync_crl when the cause "
            "is gone; the next list that is published tries again, too."
        ),
    )
