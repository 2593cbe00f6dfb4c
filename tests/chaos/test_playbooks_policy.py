# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy that ``bootstrap`` writes for the controller allows what the playbooks do, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from cloudsplaining.scan.policy_document import PolicyDocument

from tests.permissions.policies import allowed, controller_policy, listed, needlessly_on_everything
from tests.permissions.signing import NEEDS_NO_PERMISSION

from .estate import CONTROLLER_KEY, Estate

FINDINGS = (
    "infrastructure_modification",
    "all_allowed_unrestricted_actions",
    "allows_privilege_escalation",
    "permissions_management_without_constraints",
    "write_actions_without_constraints",
    "allows_data_exfiltration_actions",
    "credentials_exposure",
    "service_wildcard",
)


@pytest.fixture(scope="module")
def used(estate: Estate) -> set[str]:
    """The actions that registering and rotating use, also where something fails and where an output was cut."""
    estate.fleet.make_due()
    estate.account.plan(kind="output_cut", service="ssm", operation="ListCommandInvocations", bytes=40, times=None)
    estate.rotate(host_certificates_validation_command="/bin/false", host_certificates_serial=[100])
    estate.account.clear_faults()
    log = estate.sandbox.control("GET", "/log")
    by_controller = [entry["actions"] for entry in log if entry["access_key"] == CONTROLLER_KEY]
    return {action for actions in by_controller for action in actions} - NEEDS_NO_PERMISSION


@pytest.fixture
def policy(estate: Estate) -> dict[str, Any]:
    return controller_policy(estate.sandbox)


def test_it_allows_what_is_used_and_nothing_else(policy: dict[str, Any], used: set[str]) -> None:
    assert allowed(policy) == used


def test_it_names_resources_wherever_the_service_allows_it(policy: dict[str, Any]) -> None:
    assert needlessly_on_everything(policy) == set()


def test_it_lets_no_shell_of_aws_run(policy: dict[str, Any]) -> None:
    (statement,) = [one for one in policy["Statement"] if "ssm:SendCommand" in listed(one["Action"])]
    documents = [arn for arn in statement["Resource"] if ":document/" in arn]
    assert documents
    assert all(":document/Certwright-" in arn for arn in documents)


def test_the_linter_finds_nothing(policy: dict[str, Any]) -> None:
    assert _findings(policy) == {}


def test_the_linter_finds_what_is_too_much(policy: dict[str, Any]) -> None:
    too_much = copy.deepcopy(policy)
    too_much["Statement"].append({"Effect": "Allow", "Action": "ssm:SendCommand", "Resource": "*"})
    assert _findings(too_much)


def _findings(policy: dict[str, Any]) -> dict[str, Any]:
    document = PolicyDocument(policy)
    return {name: getattr(document, name) for name in FINDINGS if getattr(document, name)}
