# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secret that holds the header's value: its versions, and the making of the next one."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeGuard

from ..errors import AwsError, InputError, StateError
from ..secretsmanager import api
from ..secretsmanager.api import CURRENT, PENDING, PREVIOUS
from .redaction import hiding

if TYPE_CHECKING:
    from botocore.client import BaseClient

VALUE_KEY = "HEADERVALUE"
"""The key of the secret's JSON object under which the value is; the others are left alone."""
UNKNOWN = "unknown"
"""How a value is called that is none of the secret's labelled versions."""

_SENDABLE = re.compile(r"[\x21-\x7e]+")
_SUCCESSORS = uuid.UUID("6c3a4f0e-6b0c-4ad1-9a55-0a0f5b1c7f53")
_MAX_SUCCESSORS = 20


@dataclass(frozen=True)
class Version:
    """A version of the secret that has a value."""

    id: str
    value: str = field(repr=False)
    document: dict[str, Any] = field(repr=False)
    created: datetime


@dataclass(frozen=True)
class OriginSecret:
    """The secret with its labelled versions.

    ``pending`` is the version of a rotation that was begun and not finished. ``pending_id`` is its id even where it was
    given no value yet.
    """

    arn: str
    name: str
    current: Version
    pending: Version | None
    pending_id: str | None
    previous: Version | None

    def label(self, value: str | None) -> str | None:
        """What a value is called: its version's label, ``unknown``, or None for no value."""
        labelled = {CURRENT: self.current, PENDING: self.pending, PREVIOUS: self.previous}
        if value is None:
            return None
        return next((label for label, version in labelled.items() if version and version.value == value), UNKNOWN)

    def usable_values(self) -> list[str]:
        """The values that an edge may send: the current one, and that of a rotation under way."""
        return [version.value for version in (self.current, self.pending) if version]

    def version_ids(self) -> dict[str, str]:
        """The version of each label."""
        versions = {CURRENT: self.current, PENDING: self.pending, PREVIOUS: self.previous}
        ids = {label: version.id for label, version in versions.items() if version}
        return ids | ({PENDING: self.pending_id} if self.pending_id else {})


def refuse_stale(client: BaseClient, secret: OriginSecret) -> None:
    """Refuse to go on with a secret whose versions were relabelled since it was read.

    Asked between the reading and the writing of an edge or a gate, it keeps a run that was overtaken by another from
    setting what the other has replaced.

    :raises StateError: it was relabelled
    :raises AwsError: AWS refused
    """
    described = api.describe_secret(client, secret.arn) or {}
    ids = _labelled_ids(described)
    if (ids.get(CURRENT), _pending_id(ids)) != (secret.current.id, secret.pending_id):
        raise StateError(f"another run has changed the versions of secret {secret.name} meanwhile: run again")


def read_secret(client: BaseClient, secret_id: str) -> OriginSecret:
    """Read a secret and the values of its labelled versions.

    :raises InputError: it does not exist, is scheduled for deletion, or does not hold a header's value
    :raises AwsError: AWS refused
    """
    secret = find_secret(client, secret_id)
    if secret is None:
        raise InputError(f"secret {secret_id} does not exist or is scheduled for deletion")
    return secret


def find_secret(client: BaseClient, secret_id: str) -> OriginSecret | None:
    """As :func:`read_secret`, but None when it does not exist or is scheduled for deletion."""
    return secret_of(client, api.describe_secret(client, secret_id))


def secret_of(client: BaseClient, described: dict[str, Any] | None) -> OriginSecret | None:
    """The secret that DescribeSecret described, with the values of its labelled versions.

    :return: None when there is none, or it is scheduled for deletion: its values cannot be read then
    :raises InputError: it does not hold a header's value
    :raises AwsError: AWS refused
    """
    if not is_live(described):
        return None
    ids = _labelled_ids(described)
    pending_id = _pending_id(ids)
    current = _version(client, described, ids.get(CURRENT))
    if current is None:
        raise InputError(f"secret {described['Name']} has no value")
    return OriginSecret(
        arn=described["ARN"],
        name=described["Name"],
        current=current,
        pending=_version(client, described, pending_id),
        pending_id=pending_id,
        previous=_version(client, described, ids.get(PREVIOUS)),
    )


def is_live(described: dict[str, Any] | None) -> TypeGuard[dict[str, Any]]:
    """Whether DescribeSecret described a secret that exists and is not scheduled for deletion."""
    return described is not None and "DeletedDate" not in described


def _labelled_ids(described: dict[str, Any]) -> dict[str, str]:
    """Version ids by label."""
    return {stage: version for version, stages in described.get("VersionIdsToStages", {}).items() for stage in stages}


def _pending_id(ids: dict[str, str]) -> str | None:
    """The version of an unfinished rotation: one that is labelled AWSPENDING and has not been current yet.

    AWSPENDING may have stayed where it was after a rotation was finished, and so be found on an older version too.
    """
    pending = ids.get(PENDING)
    return None if pending in (ids.get(CURRENT), ids.get(PREVIOUS)) else pending


def _version(client: BaseClient, described: dict[str, Any], version_id: str | None) -> Version | None:
    answer = api.get_secret_value(client, described["ARN"], version_id) if version_id else None
    if answer is None or version_id is None:
        return None
    try:
        document = json.loads(answer.get("SecretString", ""))
    except ValueError:
        document = None
    value = document.get(VALUE_KEY) if isinstance(document, dict) else None
    if not isinstance(value, str) or not _SENDABLE.fullmatch(value):
        raise InputError(
            f"version {version_id} of secret {described['Name']} holds no header value: its text must be a JSON object "
            f"whose key {VALUE_KEY} holds printable ASCII characters without spaces"
        )
    return Version(version_id, value, document, answer["CreatedDate"])


def create_secret(client: BaseClient, name: str, length: int, **settings: Any) -> None:
    """Create the secret with a first random value, unless it was created meanwhile.

    :param length: of the value, in characters
    :param settings: further members of CreateSecret; those that are None are left out
    :raises AwsError: AWS refused
    """
    value = api.get_random_password(client, length)
    text = json.dumps({VALUE_KEY: value})
    try:
        with hiding([text, value]):
            api.create_secret(client, name, text, **settings)
    except AwsError as error:
        if error.code != "ResourceExistsException":
            raise


def next_version_id(current_id: str, attempt: int = 0) -> str:
    """The id of the version that follows the current one.

    It is derived from it, so that two controllers that rotate at the same moment make one pending version, not two.
    """
    return str(uuid.uuid5(_SUCCESSORS, f"{current_id}/{attempt}"))


def ensure_pending(
    client: BaseClient, secret: OriginSecret, length: int, *, rotation_token: str | None = None
) -> OriginSecret:
    """The secret with a pending version that has a value: the one that it has, or else a new random one.

    When another controller has meanwhile finished the rotation, nothing is made and the secret has no pending version.

    :param secret: as it was when the rotation was decided
    :param length: of the value, in characters
    :param rotation_token: what Secrets Manager handed to the rotation function
    :raises StateError: no pending version could be made
    :raises AwsError: AWS refused
    """
    decided_on = secret.current.id
    for attempt in range(_MAX_SUCCESSORS):
        if secret.pending or secret.current.id != decided_on:
            return secret
        version_id = secret.pending_id or next_version_id(decided_on, attempt)
        value = api.get_random_password(client, length)
        text = json.dumps({**secret.current.document, VALUE_KEY: value})
        try:
            with hiding([text, value]):
                api.put_pending_value(client, secret.arn, version_id, text, rotation_token)
        except AwsError as error:
            # Another controller was faster; or it is the version of an attempt whose label was taken away by hand.
            if error.code != "ResourceExistsException":
                raise
        secret = read_secret(client, secret.arn)
    raise StateError(
        f"secret {secret.name} has {_MAX_SUCCESSORS} discarded versions that follow the current one: "
        "attach AWSPENDING to one of them to resume it"
    )
