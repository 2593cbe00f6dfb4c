# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which IAM actions the caller of an operation has to be allowed.

Most often that is the operation's own name. The exceptions here are those of the operations that this project uses, from
the operations' pages in AWS's API references, the Service Authorization Reference ("dependent actions") and the guides
named below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What is authorized in place of the operation, for each element of a DynamoDB transaction.
_TRANSACTIONS = frozenset({"dynamodb:TransactGetItems", "dynamodb:TransactWriteItems"})
_TRANSACTION_ACTIONS = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}
# Operations whose action has another name; S3's are in "Required permissions for Amazon S3 API operations".
OTHER_NAMES = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketTagging": "s3:PutBucketTagging",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketInventoryConfiguration": "s3:GetInventoryConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBucketInventoryConfigurations": "s3:GetInventoryConfiguration",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
_PASS_ROLE = ("iam:PassRole",)
# DynamoDB uses a table's key on behalf of who chooses it: "DynamoDB encryption at rest usage notes".
_KEY_OF_A_TABLE = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
# "Giving Lambda functions access to resources in an Amazon VPC"
_ATTACH_TO_VPC = ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs")
# The API reference: the caller, too, has to be allowed to write to the bucket.
_WRITE_CRL = {"RevocationConfiguration.CrlConfiguration.S3BucketName": ("s3:PutObject",)}
ALSO: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "acm-pca:CreateCertificateAuthority": {"Tags": ("acm-pca:TagCertificateAuthority",), **_WRITE_CRL},
    "acm-pca:UpdateCertificateAuthority": _WRITE_CRL,
    "cloudfront:UpdateDistribution": {"WebACLId": ("wafv2:GetWebACL",)},
    "dynamodb:CreateTable": {"Tags": ("dynamodb:TagResource",)},
    "dynamodb:UpdateTable": {"SSESpecification.KMSMasterKeyId": _KEY_OF_A_TABLE},
    "events:PutRule": {"Tags": ("events:TagResource",)},
    "iam:CreatePolicy": {"Tags": ("iam:TagPolicy",)},
    "iam:CreateRole": {"Tags": ("iam:TagRole",)},
    "lambda:CreateFunction": {
        "Layers": ("lambda:GetLayerVersion",),
        "Role": _PASS_ROLE,
        "Tags": ("lambda:TagResource",),
        "VpcConfig.SubnetIds": _ATTACH_TO_VPC,
    },
    "lambda:UpdateFunctionConfiguration": {
        "Layers": ("lambda:GetLayerVersion",),
        "Role": _PASS_ROLE,
        "VpcConfig.SubnetIds": _ATTACH_TO_VPC,
    },
    "rolesanywhere:CreateProfile": {"roleArns": _PASS_ROLE, "tags": ("rolesanywhere:TagResource",)},
    # The managed policy AWSRolesAnywhereFullAccess: needed when the service-linked role does not exist yet.
    "rolesanywhere:CreateTrustAnchor": {
        "name": ("iam:CreateServiceLinkedRole",),
        "tags": ("rolesanywhere:TagResource",),
    },
    "rolesanywhere:ImportCrl": {"tags": ("rolesanywhere:TagResource",)},
    "rolesanywhere:UpdateProfile": {"roleArns": _PASS_ROLE},
    "secretsmanager:CreateSecret": {
        "KmsKeyId": ("kms:Decrypt", "kms:GenerateDataKey"),
        "Tags": ("secretsmanager:TagResource",),
    },
    "secretsmanager:RotateSecret": {"RotationLambdaARN": ("lambda:InvokeFunction",)},
    "secretsmanager:UpdateSecret": {"KmsKeyId": ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")},
    "sns:CreateTopic": {"Tags": ("sns:TagResource",)},
    "ssm:CreateActivation": {"IamRole": _PASS_ROLE, "Tags": ("ssm:AddTagsToResource",)},
    "ssm:CreateDocument": {"Tags": ("ssm:AddTagsToResource",)},
}
"""By operation and member of the request, what is authorized beside the operation where the member has a value."""

# Without it S3 answers AccessDenied: GetObject's page, "Permissions".
_NEEDED_FOR_ERRORS = {("s3:GetObject", "NoSuchKey"): ("s3:ListBucket",)}


def needed_for_error(operation: str, code: str | None) -> tuple[str, ...]:
    """The actions that the caller has to be allowed to be told of an error, beside those of :func:`actions_of`."""
    return _NEEDED_FOR_ERRORS.get((operation, code or ""), ())


def actions_of(operation: str, members: Mapping[str, Any]) -> list[str]:
    """The actions that the caller needs for a request, sorted.

    :param operation: such as ``s3:HeadBucket``
    :param members: of the request, in AWS's names
    """
    if operation in _TRANSACTIONS:
        parts = {part for element in members.get("TransactItems", []) for part in element}
        return sorted(_TRANSACTION_ACTIONS[part] for part in parts)
    also = ALSO.get(operation, {})
    more = {action for path, actions in also.items() if _member(members, path) for action in actions}
    return sorted({OTHER_NAMES.get(operation, operation)} | more)


def _member(members: Mapping[str, Any], path: str) -> Any:
    value: Any = members
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
