# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients of the sandbox's services in this process, and which operations they were asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests import pki
from tests.sandbox import acmpca, rolesanywhere

CREDENTIALS = {"region_name": "us-east-1", "aws_access_key_id": "A" * 20, "aws_secret_access_key": "s"}


@pytest.fixture(scope="session")
def authority() -> pki.Entity:
    return pki.authority("Test CA")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    acmpca.install()
    rolesanywhere.install()
    with mock_aws():
        yield


@pytest.fixture(scope="session")
def session_client() -> Any:
    return boto3.client("rolesanywhere", **CREDENTIALS)


@pytest.fixture
def client(aws: None, session_client: Any) -> Any:
    return session_client


@pytest.fixture
def s3(aws: None) -> Any:
    return boto3.client("s3", **CREDENTIALS)


@pytest.fixture
def operations(client: Any) -> Iterator[list[str]]:
    """The operations that the client was asked for, as a list that grows."""
    called: list[str] = []

    def note(model: Any, **_event: Any) -> None:
        called.append(model.name)

    client.meta.events.register("before-call.rolesanywhere", note)
    yield called
    client.meta.events.unregister("before-call.rolesanywhere", note)
