# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replies that get lost, and AWS's one request a second, as a real client of a real server meets them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.aws import client_config
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.flows import (
    Outcome,
    Wanted,
    ensure_trust_anchor,
)
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.transformations import source_of
from tests import pki
from tests.sandbox.client import Sandbox


@pytest.fixture
def wanted(authority: pki.Entity) -> Wanted:
    return Wanted(name=f"fleet-{uuid.uuid4()}", members={"source": source_of(None, authority.pem)}, tags={"a": "b"})


@pytest.fixture
def served(sandbox: Sandbox) -> Any:
    """A client with the collection's own settings."""
    return sandbox.client("rolesanywhere", config=client_config())


def ensure(client: Any, wanted: Wanted) -> Outcome:
    return ensure_trust_anchor(client, wanted, check_mode=False)


def test_a_lost_reply_leaves_one_trust_anchor(sandbox: Sandbox, served: Any, wanted: Wanted) -> None:
    fault = {"service": "rolesanywhere", "operation": "CreateTrustAnchor", "kind": "reply_lost"}
    sandbox.control("POST", "/faults", fault)
    before = sandbox.calls().get("rolesanywhere:CreateTrustAnchor", 0)
    created = ensure(served, wanted)
    assert sandbox.calls()["rolesanywhere:CreateTrustAnchor"] == before + 2
    named = [item for item in served.list_trust_anchors()["trustAnchors"] if item["name"] == wanted.name]
    assert [item["trustAnchorArn"] for item in named] == [created.after["trust_anchor_arn"]]
    assert not ensure(served, wanted).changed


def test_awss_rate_is_waited_for(sandbox: Sandbox, served: Any, wanted: Wanted) -> None:
    operations = ("ListTrustAnchors", "CreateTrustAnchor", "DisableTrustAnchor", "ListTagsForResource")
    quotas = {f"rolesanywhere:{operation}": 1 for operation in operations}
    sandbox.control("POST", "/quotas", quotas)
    try:
        ensure(served, wanted)
        assert ensure(served, Wanted(name=wanted.name, enabled=False)).reason == "differs in enabled"
    finally:
        sandbox.control("POST", "/quotas", dict.fromkeys(quotas))
