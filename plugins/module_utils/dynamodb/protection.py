# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a DynamoDB table is protected: point-in-time recovery, encryption key, protection from deletion.

community.aws.dynamodb_table makes the table; none of these is among its options.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from ..aws import call
from ..errors import AwsError, InputError

if TYPE_CHECKING:
    from botocore.client import BaseClient


@dataclass(frozen=True)
class Protection:
    """The protection of a table. ``kms_key_id`` is None for the key that AWS owns.

    As a wish, a member that is None is left as it is; ``kms_key_id`` is then the ARN of a key.
    """

    point_in_time_recovery: bool | None = None
    deletion_protection: bool | None = None
    kms_key_id: str | None = None

    def as_result(self) -> dict[str, bool | str | None]:
        """The fields as a module returns them."""
        return asdict(self)


def read_protection(dynamodb: BaseClient, table_name: str) -> Protection:
    """Read a table's protection.

    :raises InputError: there is no such table
    :raises AwsError: AWS refused
    """
    try:
        table = call(dynamodb, "describe_table", TableName=table_name)["Table"]
        backups = call(dynamodb, "describe_continuous_backups", TableName=table_name)["ContinuousBackupsDescription"]
    except AwsError as error:
        if error.code in ("ResourceNotFoundException", "TableNotFoundException"):
            region = dynamodb.meta.region_name
            raise InputError(f"table {table_name!r} does not exist in {region}: create it first") from error
        raise
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    return Protection(
        point_in_time_recovery=recovery == "ENABLED",
        deletion_protection=table.get("DeletionProtectionEnabled", False),
        kms_key_id=table.get("SSEDescription", {}).get("KMSMasterKeyArn"),
    )


def ensure_protection(
    dynamodb: BaseClient, table_name: str, wanted: Protection, *, check_mode: bool
) -> tuple[Protection, Protection]:
    """Give a table the protection that is wanted, and return what it had before and has now.

    :raises InputError: there is no such table
    :raises AwsError: AWS refused
    """
    before = read_protection(dynamodb, table_name)
    after = replace(before, **{name: value for name, value in asdict(wanted).items() if value is not None})
    if not check_mode:
        _apply(dynamodb, table_name, before, after)
    return before, after


def _apply(dynamodb: BaseClient, table_name: str, before: Protection, after: Protection) -> None:
    if after.point_in_time_recovery != before.point_in_time_recovery:
        call(
            dynamodb,
            "update_continuous_backups",
            TableName=table_name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": after.point_in_time_recovery},
        )
    if after.deletion_protection != before.deletion_protection:
        call(dynamodb, "update_table", TableName=table_name, DeletionProtectionEnabled=bool(after.deletion_protection))
    if after.kms_key_id != before.kms_key_id:
        call(
            dynamodb,
            "update_table",
            TableName=table_name,
            SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": after.kms_key_id},
        )
