# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon CloudFront: one function for each call that the collection makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..aws import call
from ..errors import AwsError, InputError
from .lossless import refuse_losses, watch

if TYPE_CHECKING:
    from botocore.client import BaseClient

CONFLICTS = ("PreconditionFailed", "InvalidIfMatchVersion")
"""Codes that UpdateDistribution answers when somebody else has changed the distribution since it was read."""


def get_distribution(client: BaseClient, distribution_id: str) -> dict[str, Any]:
    """A distribution with its status, its configuration and the ETag of both.

    :raises InputError: there is no such distribution
    :raises StateError: botocore does not know all of the configuration
    :raises AwsError: AWS refused
    """
    watch(client, "GetDistribution")
    try:
        answer = call(client, "get_distribution", Id=distribution_id)
    except AwsError as error:
        if error.code == "NoSuchDistribution":
            raise InputError(f"there is no distribution {distribution_id} in this account") from error
        raise
    refuse_losses(answer, "Distribution.DistributionConfig", f"distribution {distribution_id}")
    return answer


def update_distribution(client: BaseClient, distribution_id: str, config: dict[str, Any], etag: str) -> None:
    """Replace a distribution's configuration.

    :param etag: of the configuration that this one was made from
    :raises AwsError: AWS refused; one of :data:`CONFLICTS` when the distribution was changed in between
    """
    call(client, "update_distribution", Id=distribution_id, DistributionConfig=config, IfMatch=etag)
