# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures that several suites share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .sandbox.client import Sandbox
from .sandbox.nodes.places import containers_work


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox for the whole run; a test that needs a clean one calls ``sandbox.reset()``."""
    with Sandbox.start(nodes=5) as running:
        yield running


@pytest.fixture(scope="session")
def containers() -> None:
    """For what changes a whole machine: without containers it would be the one that runs the tests."""
    if not containers_work():
        pytest.skip("nodes are no containers here: bubblewrap is missing, or may make none")


@pytest.fixture
def pca(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of the sandbox's Private CA in this process, without a server; empty, in the profile ``fast``."""
    from moto import mock_aws

    from .private_ca import client
    from .sandbox import acmpca, clock, profile

    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    acmpca.install()
    profile.use("fast")
    with mock_aws():
        yield client("acm-pca")
    clock.set_offset(0)
    profile.restore()
