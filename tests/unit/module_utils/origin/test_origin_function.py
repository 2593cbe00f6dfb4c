# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rotation function: Secrets Manager's events, each step asked for more than once."""

from __future__ import annotations

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError, StateError, WaitTimeout
from ansible_collections.certwright.aws.plugins.module_utils.origin.flows import ensure_present
from ansible_collections.certwright.aws.plugins.module_utils.origin.function import rotate_step
from ansible_collections.certwright.aws.plugins.module_utils.origin.secret_settings import SecretWish
from tests.unit.module_utils.origin.fakes import SECRET, WEB_ACL, World

TOKEN = "c" * 36
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


@pytest.fixture
def world():
    """A site with the header set up, where everything acts at once and Secrets Manager has begun a rotation."""
    world = World(waf_s=0, deploy_s=0)
    world.add_distribution("E1")
    world.add_distribution("E2")
    world.add_web_acl()
    ensure_present(world.origin(), SecretWish(), check_mode=False)
    world.secrets[SECRET]["VersionIdsToStages"][TOKEN] = ["AWSPENDING"]
    world.calls.clear()
    return world


def do(world, step, *, version_id=TOKEN, seconds_left=900, **settings):
    given = {
        "distributions": [{"id": "E1"}, {"id": "E2", "origins": ["app", "api"]}],
        "web_acls": [WEB_ACL],
        "propagation_wait": 0,
        **settings,
    }
    event = {"Step": step, "SecretId": SECRET, "ClientRequestToken": version_id, "RotationToken": "r" * 36}
    return rotate_step(event, settings=given, clients=world.client, seconds_left=seconds_left)


def test_every_step_can_be_asked_for_again(world):
    for step in STEPS:
        for _time in range(2):
            assert do(world, step) == {"step": step, "version_id": TOKEN, "secret": SECRET}
    stages = world.secrets[SECRET]["VersionIdsToStages"]
    assert stages[TOKEN] == ["AWSCURRENT"]
    assert world.calls.count("PutSecretValue") == 1
    new = world.values_ever_used()[-1]
    assert world.edge_values() == {new}
    assert [world.lets_in(value) for value in world.values_ever_used()] == [{False}, {True}]
    assert world.violations == []
    world.calls.clear()
    for step in STEPS:
        do(world, step)
    assert world.writes() == []


def test_a_token_that_is_not_pending_is_refused(world):
    with pytest.raises(StateError, match="is not labelled AWSPENDING"):
        do(world, "createSecret", version_id="d" * 36)
    with pytest.raises(StateError, match="neither AWSPENDING nor AWSCURRENT"):
        do(world, "setSecret", version_id="d" * 36)
    assert world.writes() == []


def test_unknown_steps_and_settings_are_refused(world):
    with pytest.raises(InputError, match="is none of createSecret"):
        do(world, "create_secret")
    with pytest.raises(InputError, match="unknown settings: colour"):
        do(world, "createSecret", colour="red")


def test_no_wait_outlasts_the_invocation(world):
    do(world, "createSecret")
    with pytest.raises(WaitTimeout, match=r"propagation_wait.* takes 75 s, which is longer than the time left"):
        do(world, "setSecret", propagation_wait=75, seconds_left=60)
    assert "UpdateDistribution" not in world.calls


def test_a_rehearsal_with_a_copy_of_the_current_value_changes_nothing(world):
    """What Secrets Manager does when a schedule is set without rotating at once."""
    values = world.secrets[SECRET]["values"]
    values[TOKEN] = next(iter(values.values()))
    do(world, "testSecret")
    assert world.writes() == []
