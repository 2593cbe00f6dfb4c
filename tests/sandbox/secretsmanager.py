# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets Manager: versions whose labels decide, idempotent writes, policies, and rotation as AWS does it.

In moto a secret remembers its default version beside the labels, and the two come apart. Here the version with
AWSCURRENT *is* the default version. How rotation proceeds is in :mod:`.rotation`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import moto.secretsmanager.models as moto_models
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.common_types import TYPE_RESPONSE
from moto.secretsmanager.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    OperationNotPermittedOnReplica,
    ResourceExistsException,
    ResourceNotFoundException,
    SecretNotFoundException,
    SecretsManagerClientError,
    ValidationException,
)
from moto.secretsmanager.models import FakeSecret, ReplicaSecret, SecretsManagerBackend, secretsmanager_backends
from moto.secretsmanager.responses import SecretsManagerResponse

from . import calls, clock, control, rotation

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
VALUE_BYTES = 65536
LABELS_PER_SECRET = 20
POLICY_LENGTH = 20480
_ACTIONS_ON_KEY = {"GetSecretValue": "kms:Decrypt", "PutSecretValue": "kms:GenerateDataKey"}
"""What using a secret's value needs on its own KMS key: "Secret encryption and decryption in AWS Secrets Manager"."""


class MalformedPolicyDocumentException(SecretsManagerClientError):
    def __init__(self, message: str) -> None:
        super().__init__("MalformedPolicyDocumentException", message)


class PublicPolicyException(SecretsManagerClientError):
    def __init__(self) -> None:
        message = "You can't use BlockPublicPolicy with a resource policy that grants broad access to the secret."
        super().__init__("PublicPolicyException", message)


class StrictSecret(FakeSecret):
    """moto's secret, of which the version with AWSCURRENT is the default, and with a rotation of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.rotation = rotation.Rotation()
        super().__init__(*args, **kwargs)

    @property
    def default_version_id(self) -> str | None:
        return self.holder(CURRENT)

    def set_default_version_id(self, version_id: str | None) -> None:
        """Called by moto; labels decide here."""

    def holder(self, label: str) -> str | None:
        """The id of the version to which a label is attached."""
        return next((key for key, version in self.versions.items() if label in version["version_stages"]), None)

    def value_of(self, version_id: str) -> tuple[str | None, str | None]:
        """The string and the binary value of a version; both None while a rotation has not filled it."""
        version = self.versions[version_id]
        return version.get("secret_string"), version.get("secret_binary")

    def move(self, label: str, version_id: str | None) -> None:
        """Attach a label to a version, or with None to no version; AWSPREVIOUS follows AWSCURRENT."""
        old = self.holder(label)
        if old == version_id:
            return
        if old:
            self.versions[old]["version_stages"].remove(label)
        if version_id:
            self.versions[version_id]["version_stages"].append(label)
        if label == CURRENT and old:
            self.move(PREVIOUS, old)
        self.last_changed_date = int(clock.epoch())

    def add_version(self, version_id: str, labels: Sequence[str], string: str | None, binary: str | None) -> None:
        """Store a version, or fill the one that a rotation made for it, and attach the labels to it."""
        version = {
            "createdate": int(clock.epoch()),
            "version_id": version_id,
            "version_stages": list(self.versions.get(version_id, {}).get("version_stages", [])),
        }
        values = {"secret_string": string, "secret_binary": binary}
        self.versions[version_id] = version | {name: value for name, value in values.items() if value is not None}
        for label in labels:
            self.move(label, version_id)
        self.last_changed_date = int(clock.epoch())

    def to_dict(self) -> dict[str, Any]:
        stages = {key: list(version["version_stages"]) for key, version in self.versions.items()}
        labelled = {key: labels for key, labels in stages.items() if labels}
        described = super().to_dict()
        if self.versions:
            described |= {"VersionIdsToStages": labelled, "SecretVersionsToStages": labelled}
        return described | self.rotation.described()


class StrictSecretsManagerBackend(SecretsManagerBackend):
    """moto's Secrets Manager with strict writes and a real rotation."""

    @property
    def _url_module(self) -> Any:
        return sys.modules[__name__]

    def _is_valid_identifier(self, identifier: str) -> bool:
        for name, secret in list(self.secrets.items()):
            if getattr(secret, "deleted_date", None) and secret.deleted_date <= clock.epoch():
                dict.pop(self.secrets, name)
        return super()._is_valid_identifier(identifier)

    def usable(self, secret_id: str) -> StrictSecret:
        """The secret, when it may be changed."""
        if not self._is_valid_identifier(secret_id):
            raise SecretNotFoundException()
        secret = self.secrets[secret_id]
        if isinstance(secret, ReplicaSecret):
            raise OperationNotPermittedOnReplica()
        if secret.is_deleted():
            raise InvalidRequestException(
                "You can't perform this operation on the secret because it was marked for deletion."
            )
        return secret  # type: ignore[return-value] # install() makes them all strict

    def create_secret(self, name: str, *args: Any, **kwargs: Any) -> str:
        if self._is_valid_identifier(name) and getattr(self.secrets[name], "deleted_date", None):
            raise InvalidRequestException(
                "You can't create this secret because a secret with this name is already scheduled for deletion."
            )
        _check_value(kwargs.get("secret_string"), kwargs.get("secret_binary"))
        return super().create_secret(name, *args, **kwargs)

    def put_secret_value(
        self,
        secret_id: str,
        secret_string: str | None,
        secret_binary: str | None,
        client_request_token: str | None,
        version_stages: list[str],
    ) -> str:
        secret = self.usable(secret_id)
        _check_value(secret_string, secret_binary)
        if not 1 <= len(version_stages) <= LABELS_PER_SECRET:
            raise InvalidParameterException(f"VersionStages must have 1 to {LABELS_PER_SECRET} labels.")
        version_id = self._from_client_request_token(client_request_token)
        if version_id in secret.versions and any(value is not None for value in secret.value_of(version_id)):
            if secret.value_of(version_id) != (secret_string, secret_binary):
                raise ResourceExistsException(
                    f"You can't use ClientRequestToken {version_id} because that value is already in use for a "
                    f"version of secret {secret.arn}."
                )
            return secret.to_short_dict(include_version_stages=True, version_id=version_id)
        first = not secret.versions
        labels = [*version_stages, *([CURRENT] if first and CURRENT not in version_stages else [])]
        if CURRENT in labels and secret.holder(PENDING) not in (None, version_id, secret.holder(CURRENT)):
            secret.move(PENDING, None)  # somebody overtook the rotation, which AWS abandons
            secret.rotation.abandon(secret)
        secret.add_version(version_id, labels, secret_string, secret_binary)
        return secret.to_short_dict(include_version_stages=True, version_id=version_id)

    def update_secret(self, secret_id: str, **changes: Any) -> str:
        secret = self.usable(secret_id)
        for name in ("description", "kms_key_id"):
            if changes.get(name) is not None:
                setattr(secret, name, changes[name])
        secret.last_changed_date = int(clock.epoch())
        string, binary = changes.get("secret_string"), changes.get("secret_binary")
        if string is None and binary is None:
            return secret.to_short_dict(include_version_id=False)
        self.put_secret_value(secret_id, string, binary, changes.get("client_request_token"), [CURRENT])
        return secret.to_short_dict()

    def update_secret_version_stage(
        self,
        secret_id: str,
        version_stage: str,
        remove_from_version_id: str | None,
        move_to_version_id: str | None,
    ) -> tuple[str, str]:
        secret = self.usable(secret_id)
        held_by = secret.holder(version_stage)
        if move_to_version_id and move_to_version_id not in secret.versions:
            raise ResourceNotFoundException(
                f"Secrets Manager can't find the specified secret value for VersionId: {move_to_version_id}"
            )
        if remove_from_version_id and remove_from_version_id != held_by:
            raise InvalidParameterException(
                f"The parameter RemoveFromVersionId can't be {remove_from_version_id}. Staging label {version_stage} "
                f"is currently attached to {held_by or 'no version'}."
            )
        if held_by and not remove_from_version_id and held_by != move_to_version_id:
            raise InvalidParameterException(
                f"The parameter RemoveFromVersionId can't be empty. Staging label {version_stage} is currently "
                f"attached to version {held_by}, so you must explicitly reference that version in RemoveFromVersionId."
            )
        if version_stage == CURRENT and not move_to_version_id:
            raise InvalidParameterException("You can't remove AWSCURRENT, only move it to another version.")
        if move_to_version_id and secret.value_of(move_to_version_id) == (None, None):
            raise InvalidRequestException(f"The version {move_to_version_id} has no value yet.")
        secret.move(version_stage, move_to_version_id)
        return secret.arn, secret.name

    def list_secret_version_ids(self, secret_id: str, include_deprecated: bool = False) -> str:
        if not self._is_valid_identifier(secret_id):
            raise SecretNotFoundException()
        secret = self.secrets[secret_id]
        versions = [
            {
                "VersionId": version_id,
                "VersionStages": version["version_stages"],
                "CreatedDate": version["createdate"],
            }
            for version_id, version in secret.versions.items()
            if ("secret_string" in version or "secret_binary" in version)
            and (version["version_stages"] or include_deprecated)
        ]
        return json.dumps({"ARN": secret.arn, "Name": secret.name, "Versions": versions})

    def rotate_secret(
        self,
        secret_id: str,
        client_request_token: str | None = None,
        rotation_lambda_arn: str | None = None,
        rotation_rules: dict[str, Any] | None = None,
        rotate_immediately: bool = True,
    ) -> str:
        secret = self.usable(secret_id)
        token = self._from_client_request_token(client_request_token)
        secret.rotation.configure(secret, rotation_lambda_arn, rotation_rules)
        if rotate_immediately:
            secret.rotation.start(secret, token)
        else:
            secret.rotation.rehearse(secret, token)
        return json.dumps({"ARN": secret.arn, "Name": secret.name, "VersionId": token})

    def cancel_rotate_secret(self, secret_id: str) -> str:
        secret = self.usable(secret_id)
        secret.rotation.cancel()
        return secret.to_short_dict()

    def put_resource_policy(self, secret_id: str, policy: str, block_public: bool = False) -> tuple[str, str]:
        secret = self.usable(secret_id)
        statements = _policy_statements(policy)
        if block_public and any(_grants_everyone(statement) for statement in statements):
            raise PublicPolicyException()
        secret.policy = policy
        return secret.arn, secret.name

    def stop_replication_to_replica(self, secret_id: str) -> str:
        """Make the replica in this Region a secret of its own."""
        replica = self.secrets[secret_id] if self._is_valid_identifier(secret_id) else None
        if replica is None:
            raise SecretNotFoundException()
        if not isinstance(replica, ReplicaSecret):
            raise InvalidRequestException("The secret is not a replica.")
        source = replica.source
        source.replicas.remove(replica)
        dict.pop(self.secrets, replica.arn)
        promoted = StrictSecret(self.account_id, self.region_name, source.name, {}, "", tags=source.tags)
        promoted.arn, promoted.description = replica.arn, source.description
        promoted.versions = {key: {**version} for key, version in source.versions.items()}
        promoted.created_date = promoted.last_changed_date = int(clock.epoch())
        self.secrets[promoted.name] = promoted
        return promoted.arn


def _check_value(string: str | None, binary: str | None) -> None:
    if string is not None and binary is not None:
        raise InvalidParameterException("You can't specify both a binary secret value and a string secret value.")
    if len((string or "").encode()) > VALUE_BYTES or len(binary or "") * 3 // 4 > VALUE_BYTES:
        raise ValidationException(f"The secret value must have length less than or equal to {VALUE_BYTES}")


def _policy_statements(policy: str) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(policy)
        statements = document["Statement"]
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedPolicyDocumentException("This resource policy contains invalid Json") from error
    if len(policy) > POLICY_LENGTH:
        raise ValidationException(f"The resource policy must have length less than or equal to {POLICY_LENGTH}")
    statements = statements if isinstance(statements, list) else [statements]
    if any("Principal" not in statement or "Effect" not in statement for statement in statements):
        raise MalformedPolicyDocumentException("This resource policy contains a statement without Principal or Effect.")
    return statements


def _grants_everyone(statement: Mapping[str, Any]) -> bool:
    principal = statement["Principal"]
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    everyone = named == "*" or (isinstance(named, list) and "*" in named)
    return statement["Effect"] == "Allow" and everyone and not statement.get("Condition")


class StrictSecretsManagerResponse(SecretsManagerResponse):
    """Passes on the members that moto ignores."""

    def call_action(self) -> TYPE_RESPONSE:
        with rotation.lock:
            return super().call_action()

    def list_secret_version_ids(self) -> str:
        backend: Any = self.backend
        return backend.list_secret_version_ids(
            self._get_param("SecretId", ""), self._get_bool_param("IncludeDeprecated", False)
        )

    def put_resource_policy(self) -> str:
        backend: Any = self.backend
        arn, name = backend.put_resource_policy(
            self._get_param("SecretId"),
            self._get_param("ResourcePolicy"),
            self._get_bool_param("BlockPublicPolicy", False),
        )
        return json.dumps({"ARN": arn, "Name": name})

    def validate_resource_policy(self) -> str:
        try:
            public = any(
                _grants_everyone(statement) for statement in _policy_statements(self._get_param("ResourcePolicy"))
            )
            errors = [{"CheckName": "PublicPolicy", "ErrorMessage": "grants broad access"}] if public else []
        except MalformedPolicyDocumentException as error:
            errors = [{"CheckName": "PolicySyntax", "ErrorMessage": error.message}]
        return json.dumps({"PolicyValidationPassed": not errors, "ValidationErrors": errors})

    def stop_replication_to_replica(self) -> str:
        backend: Any = self.backend
        return json.dumps({"ARN": backend.stop_replication_to_replica(self._get_param("SecretId"))})


url_bases = [r"https?://secretsmanager\.(.+)\.amazonaws\.com"]
url_paths = {"{0}/$": StrictSecretsManagerResponse.dispatch}


def install() -> None:
    """Put the strict Secrets Manager in the place of moto's, on the sandbox's clock."""
    backend: type[SecretsManagerBackend] = StrictSecretsManagerBackend
    secretsmanager_backends.backend = backend
    moto_models.FakeSecret = StrictSecret  # type: ignore[misc]
    moto_models.time = SimpleNamespace(time=clock.epoch)  # type: ignore[assignment]
    moto_models.utcnow = lambda: clock.now().replace(tzinfo=None)
    calls.actions_on_resources["secretsmanager"] = _actions_on_key
    control.on_reset(rotation.scheduler.forget)


def _actions_on_key(region: str, operation: str, members: Mapping[str, Any]) -> list[str]:
    """What an operation needs on the KMS key of the secret that it names, where that has one."""
    secret = secretsmanager_backends[DEFAULT_ACCOUNT_ID][region].secrets.get(str(members.get("SecretId")))
    encrypted = isinstance(secret, StrictSecret) and secret.kms_key_id
    return [_ACTIONS_ON_KEY[operation]] if encrypted and operation in _ACTIONS_ON_KEY else []
