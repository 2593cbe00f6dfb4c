# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private CA's own use of S3: what a bucket's policy and public access block allow it, and writing to it."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.s3.exceptions import MissingBucket
from moto.s3.models import FakeBucket, get_canned_acl, s3_backends
from moto.s3control.models import s3control_backends

from .errors import refusal

PUBLIC_READ = "PUBLIC_READ"
OWNER_ONLY = "BUCKET_OWNER_FULL_CONTROL"
TEST_KEY = "acm-pca-permission-test-key"
_CANNED = {PUBLIC_READ: "public-read", OWNER_ONLY: "bucket-owner-full-control"}
_BUCKET_ACTIONS = ("s3:GetBucketAcl", "s3:GetBucketLocation")
_OBJECT_ACTIONS = ("s3:PutObject", "s3:PutObjectAcl")


def check_permissions(account_id: str, bucket_name: str, authority_arn: str, acl: str) -> None:
    """Check that Private CA may write to a bucket on behalf of a CA.

    :raises JsonRESTError: as AWS words it, which does not say which of the settings is wrong
    """
    bucket = _bucket(account_id, bucket_name)
    if acl == PUBLIC_READ and _blocks_public_access(account_id, bucket):
        raise _permission_error(bucket_name)
    statements = _statements(bucket)
    wanted = [(action, f"arn:aws:s3:::{bucket_name}") for action in _BUCKET_ACTIONS]
    wanted += [(action, f"arn:aws:s3:::{bucket_name}/{TEST_KEY}") for action in _OBJECT_ACTIONS]
    for action, resource in wanted:
        effects = {
            statement["Effect"] for statement in statements if _applies(statement, action, resource, authority_arn)
        }
        if effects != {"Allow"}:
            raise _permission_error(bucket_name)


def put(account_id: str, bucket_name: str, key: str, body: bytes, acl: str = OWNER_ONLY) -> None:
    """Write an object as Private CA does; S3 sends its notifications."""
    backend = s3_backends[account_id]["aws"]
    backend.put_object(bucket_name, key, body)
    backend.put_object_acl(bucket_name, key, get_canned_acl(_CANNED[acl]), disable_notification=True)


def _bucket(account_id: str, name: str) -> FakeBucket:
    try:
        return s3_backends[account_id]["aws"].get_bucket(name)
    except MissingBucket:
        raise _permission_error(name) from None


def _permission_error(bucket_name: str) -> JsonRESTError:
    return refusal(
        "ValidationException",
        f"Permission error with your S3 bucket '{bucket_name}'. Check that your bucket policy, encryption settings, "
        "S3 Block Public Access settings, and global account permissions are configured correctly. "
        "For more information, check the service documentation.",
    )


def _blocks_public_access(account_id: str, bucket: FakeBucket) -> bool:
    of_account = s3control_backends[account_id]["aws"].public_access_block
    return any(block is not None and block.block_public_acls for block in (bucket.public_access_block, of_account))


def _statements(bucket: FakeBucket) -> list[dict[str, Any]]:
    return json.loads(bucket.policy)["Statement"] if bucket.policy else []


def _applies(statement: dict[str, Any], action: str, resource: str, authority_arn: str) -> bool:
    return (
        _principal_matches(statement.get("Principal", {}))
        and _matches_any(action.lower(), [pattern.lower() for pattern in _as_list(statement.get("Action", ()))])
        and _matches_any(resource, _as_list(statement.get("Resource", ())))
        and _conditions_met(statement.get("Condition", {}), authority_arn)
    )


def _principal_matches(principal: Any) -> bool:
    return principal == "*" or "acm-pca.amazonaws.com" in _as_list(principal.get("Service", ()))


def _conditions_met(conditions: dict[str, dict[str, Any]], authority_arn: str) -> bool:
    """Only the conditions that AWS documents for these policies are met: on the source's account and ARN."""
    context = {"aws:sourcearn": authority_arn, "aws:sourceaccount": authority_arn.split(":")[4]}
    for operator, keys in conditions.items():
        exact = operator in ("StringEquals", "ArnEquals")
        for key, values in keys.items():
            actual = context.get(key.lower())
            if actual is None or operator not in ("StringEquals", "StringLike", "ArnEquals", "ArnLike"):
                return False
            if not (actual in _as_list(values) if exact else _matches_any(actual, _as_list(values))):
                return False
    return True


def _matches_any(value: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
