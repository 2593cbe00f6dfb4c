# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Secrets Manager: one function for each call that the collection makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..aws import call
from ..errors import AwsError

if TYPE_CHECKING:
    from botocore.client import BaseClient

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


def describe_secret(client: BaseClient, secret_id: str) -> dict[str, Any] | None:
    """Everything about a secret but its values; None when there is no such secret.

    :raises AwsError: AWS refused
    """
    try:
        return call(client, "describe_secret", SecretId=secret_id)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise


def get_secret_value(client: BaseClient, secret_id: str, version_id: str) -> dict[str, Any] | None:
    """One version of a secret, its value included; None when the version was given no value yet.

    :raises AwsError: AWS refused
    """
    try:
        return call(client, "get_secret_value", SecretId=secret_id, VersionId=version_id)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise


def get_random_password(client: BaseClient, length: int) -> str:
    """Random letters and digits of AWS's making, ``length`` of them.

    :raises AwsError: AWS refused
    """
    answer = call(
        client,
        "get_random_password",
        PasswordLength=length,
        ExcludePunctuation=True,
        IncludeSpace=False,
        RequireEachIncludedType=True,
    )
    return answer["RandomPassword"]


def create_secret(client: BaseClient, name: str, value: str, **settings: Any) -> dict[str, Any]:
    """Create a secret whose first version holds ``value``.

    :param settings: further members of the request; those that are None are left out
    :raises AwsError: AWS refused
    """
    return call(client, "create_secret", Name=name, SecretString=value, **settings)


def put_pending_value(
    client: BaseClient, secret_id: str, version_id: str, value: str, rotation_token: str | None = None
) -> None:
    """Give the version ``version_id`` a value and the label AWSPENDING. Repeating it with the same value is harmless.

    :param rotation_token: what Secrets Manager handed to the rotation function
    :raises AwsError: AWS refused; ``ResourceExistsException`` when the version holds another value
    """
    call(
        client,
        "put_secret_value",
        SecretId=secret_id,
        ClientRequestToken=version_id,
        SecretString=value,
        VersionStages=[PENDING],
        RotationToken=rotation_token,
    )


def move_current(client: BaseClient, secret_id: str, *, from_version: str, to_version: str) -> None:
    """Move AWSCURRENT to another version; AWSPREVIOUS follows by itself to the version that had it.

    :raises AwsError: AWS refused; ``InvalidParameterException`` when ``from_version`` does not have the label
    """
    call(
        client,
        "update_secret_version_stage",
        SecretId=secret_id,
        VersionStage=CURRENT,
        RemoveFromVersionId=from_version,
        MoveToVersionId=to_version,
    )


def remove_pending(client: BaseClient, secret_id: str, version_id: str) -> None:
    """Take AWSPENDING away from a version, if it has it.

    :raises AwsError: AWS refused
    """
    try:
        call(
            client,
            "update_secret_version_stage",
            SecretId=secret_id,
            VersionStage=PENDING,
            RemoveFromVersionId=version_id,
        )
    except AwsError as error:
        if error.code != "InvalidParameterException":  # what AWS answers when the version does not have the label
            raise


def update_secret(client: BaseClient, secret_id: str, **settings: Any) -> None:
    """Change a secret's description or key, not its value.

    :raises AwsError: AWS refused
    """
    call(client, "update_secret", SecretId=secret_id, **settings)


def restore_secret(client: BaseClient, secret_id: str) -> None:
    """Take a secret back that is scheduled for deletion.

    :raises AwsError: AWS refused
    """
    call(client, "restore_secret", SecretId=secret_id)


def delete_secret(client: BaseClient, secret_id: str, recovery_window_in_days: int) -> None:
    """Schedule a secret for deletion.

    :param recovery_window_in_days: how long it can be restored, 7 to 30
    :raises AwsError: AWS refused
    """
    call(client, "delete_secret", SecretId=secret_id, RecoveryWindowInDays=recovery_window_in_days)


def tag_secret(client: BaseClient, secret_id: str, tags: dict[str, str]) -> None:
    """Add tags, or give them other values.

    :raises AwsError: AWS refused
    """
    call(client, "tag_resource", SecretId=secret_id, Tags=[{"Key": key, "Value": tags[key]} for key in sorted(tags)])


def untag_secret(client: BaseClient, secret_id: str, keys: list[str]) -> None:
    """Take tags away.

    :raises AwsError: AWS refused
    """
    call(client, "untag_resource", SecretId=secret_id, TagKeys=keys)


def rotate_secret(client: BaseClient, secret_id: str, **settings: Any) -> None:
    """Set how a secret rotates, and rotate it now unless ``RotateImmediately`` is false.

    :raises AwsError: AWS refused
    """
    call(client, "rotate_secret", SecretId=secret_id, **settings)


def cancel_rotate_secret(client: BaseClient, secret_id: str) -> None:
    """Turn automatic rotation off.

    :raises AwsError: AWS refused
    """
    call(client, "cancel_rotate_secret", SecretId=secret_id)
