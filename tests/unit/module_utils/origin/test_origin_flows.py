# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flows against a world that notes every request which may be refused, killed and disturbed at every call."""

from __future__ import annotations

import copy
import json
import re
import traceback
from contextlib import suppress
from datetime import timedelta

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.errors import (
    AwsError,
    CertwrightError,
    InputError,
    StateError,
    WaitTimeout,
)
from ansible_collections.certwright.aws.plugins.module_utils.origin.flows import (
    ensure_absent,
    ensure_present,
    ensure_rotated,
)
from ansible_collections.certwright.aws.plugins.module_utils.origin.inspection import inspect
from ansible_collections.certwright.aws.plugins.module_utils.origin.secret_settings import SecretWish
from tests.unit.module_utils.origin.fakes import CREATED, HEADER, LISTENER_RULE, SECRET, WEB_ACL, Killed, World

DAY = timedelta(days=1)
GATES = ["web_acl_allowing", "web_acl_blocking", "rule_group", "listener_rule", "all"]


def make_world(gates: str = "web_acl_allowing", **delays: float) -> World:
    world = World(**delays)
    world.add_distribution("E1")
    world.add_distribution("E2", headers=0)
    if gates in ("web_acl_allowing", "all"):
        world.add_web_acl("Allow")
    if gates == "web_acl_blocking":
        world.add_web_acl("Block")
        # Where everything is blocked by default, there are no requests yet that could be refused.
        present(world)
        world.violations.clear()
    if gates in ("rule_group", "all"):
        world.add_rule_group()
    if gates in ("listener_rule", "all"):
        world.add_listener_rule()
    return world


def present(world: World, *, wish: SecretWish | None = None, check_mode: bool = False, **options):
    return ensure_present(world.origin(**options), wish or SecretWish(), check_mode=check_mode)


def rotate(world: World, *, min_age: timedelta | None = None, now=CREATED, check_mode: bool = False, **options):
    origin = world.origin(**options)
    return ensure_rotated(origin, SecretWish(), min_age=min_age, now=now, check_mode=check_mode)


def versions(world: World) -> dict[str, str]:
    """Version ids by label."""
    stages = world.secrets[SECRET]["VersionIdsToStages"]
    return {stage: version for version, held in stages.items() for stage in held}


def value(world: World, label: str) -> str:
    return json.loads(world.secrets[SECRET]["values"][versions(world)[label]])["HEADERVALUE"]


def assert_converged(world: World, *also_accepted: str) -> None:
    """Every edge sends the current value, every gate accepts that and nothing else, and no request was refused."""
    world.sleep(1000)
    current = value(world, "AWSCURRENT")
    assert world.violations == []
    assert world.edge_values() == {current}
    for text in (None, "", "wrong", *world.values_ever_used()):
        allowed = text in {current, *also_accepted}
        assert world.lets_in(text) == {allowed}, f"{text} let in: {world.lets_in(text)}"


@pytest.mark.parametrize("gates", GATES)
def test_present_then_rotated_twice(gates):
    world = make_world(gates)
    first = present(world)
    assert first.changed is (gates != "web_acl_blocking")
    assert_converged(world)
    world.calls.clear()
    assert not present(world).changed
    assert world.writes() == []
    for _time in range(2):
        old = value(world, "AWSCURRENT")
        report = rotate(world)
        assert (report.changed, report.action) == (True, "rotated")
        assert value(world, "AWSPREVIOUS") == old != value(world, "AWSCURRENT")
        assert_converged(world)


@pytest.mark.parametrize("gates", ["web_acl_allowing", "all"])
def test_everything_else_is_preserved(gates):
    world = make_world(gates)
    waf = {arn: copy.deepcopy(rollout.value) for arn, rollout in world.waf.items()}
    edges = {edge: copy.deepcopy(rollout.value) for edge, rollout in world.distributions.items()}
    present(world)
    rotate(world)
    for arn, before in waf.items():
        after = copy.deepcopy(world.waf[arn].value)
        after["Rules"] = [rule for rule in after["Rules"] if rule["Name"] != "OriginVerify"]
        before.pop("Description")  # empty: AWS answers what it would not take
        assert after == before
    for edge, before in edges.items():
        after = copy.deepcopy(world.distributions[edge].value)
        for origin in after["Origins"]["Items"][:2]:
            items = [item for item in origin["CustomHeaders"]["Items"] if item["HeaderName"] != HEADER]
            origin["CustomHeaders"] = {"Quantity": len(items), "Items": items}
        assert after == before
    ensure_absent(world.origin(), recovery_window_in_days=7, check_mode=False)
    assert [rule["Name"] for rule in world.waf[WEB_ACL].value["Rules"]] == ["other"]


def test_next_rotation_keeps_the_previous_value_until_then():
    world = make_world()
    present(world)
    oldest = value(world, "AWSCURRENT")
    rotate(world, retire_previous="next_rotation")
    assert_converged(world, oldest)
    world.calls.clear()
    assert not present(world, retire_previous="next_rotation").changed
    assert world.writes() == []
    rotate(world, retire_previous="next_rotation")
    assert_converged(world, value(world, "AWSPREVIOUS"))
    assert value(world, "AWSPREVIOUS") != oldest
    assert present(world).changed
    assert_converged(world)


def test_without_test_urls_it_waits():
    world = make_world(waf_s=60)
    present(world, probed=False)
    rotate(world, probed=False, propagation_wait=61)
    assert_converged(world)


def test_a_wait_that_is_too_short_is_what_refuses_requests():
    """The world does see it when the order is right and the wait is not."""
    world = make_world(waf_s=60)
    present(world, probed=False)
    rotate(world, probed=False, propagation_wait=1)
    assert world.violations


def around_the_writes(world: World) -> list[int]:
    """Numbers of the calls that write, of those that follow one, and of the last call."""
    wrote = [number for number, name in enumerate(world.calls, 1) if name in world.writes()]
    return sorted({*wrote, *(number + 1 for number in wrote if number < len(world.calls)), len(world.calls)})


@pytest.mark.parametrize("gates", ["web_acl_allowing", "listener_rule"])
@pytest.mark.parametrize("fault", ["kill_at", "lose_reply_at"])
def test_cut_off_at_any_call_it_is_resumed(gates, fault):
    ready = make_world(gates)
    present(ready)
    ready.calls.clear()
    first = versions(ready)["AWSCURRENT"]
    whole = copy.deepcopy(ready)
    rotate(whole)
    for number in around_the_writes(whole):
        world = copy.deepcopy(ready)
        setattr(world, fault, number)
        with suppress(Killed, CertwrightError):
            rotate(world)
        setattr(world, fault, None)
        world.sleep(1)
        rotate(world, min_age=DAY)
        assert_converged(world)
        if first != versions(world)["AWSCURRENT"]:
            assert first == versions(world)["AWSPREVIOUS"], "one rotation, not two"
        assert len(world.secrets[SECRET]["values"]) <= 2, "one new version, not two"


def test_set_up_cut_off_at_any_call_is_resumed():
    ready = make_world("all")
    whole = copy.deepcopy(ready)
    present(whole)
    for number in around_the_writes(whole):
        world = copy.deepcopy(ready)
        world.kill_at = number
        with pytest.raises(Killed):
            present(world)
        world.kill_at = None
        present(world)
        assert_converged(world)


@pytest.mark.parametrize("other", [rotate, present], ids=["rotate", "present"])
@pytest.mark.parametrize(
    "moment",
    [
        "GetRandomPassword",
        "PutSecretValue",
        "CheckCapacity",
        "GetWebACL",
        "UpdateWebACL",
        "GetDistribution",
        "UpdateDistribution",
        "UpdateSecretVersionStage",
        "DescribeSecret",
    ],
)
def test_another_run_in_the_middle(moment, other):
    """Another controller does all of its work at one moment of ours, however often that moment comes."""
    ready = make_world()
    present(ready)
    for nth in range(12):
        world = copy.deepcopy(ready)
        left = nth

        def disturb(world=world):
            nonlocal left
            if left:
                left -= 1
                world.before[moment] = disturb
            else:
                other(world)

        world.before[moment] = disturb
        try:
            rotate(world)
        except StateError as refused:
            if not re.search("another r|changed meanwhile", str(refused)):
                raise
            rotate(world, min_age=DAY)
        assert world.violations == []
        overtaken = moment not in world.before
        world.before.clear()
        present(world)
        assert_converged(world)
        if not overtaken:
            break


def test_a_change_of_somebody_else_in_between_is_kept():
    world = make_world()
    present(world)

    def add_rule():
        settings = copy.deepcopy(world.waf[WEB_ACL].value)
        settings["Rules"].append({**settings["Rules"][0], "Name": "other2", "Priority": 99})
        world.waf[WEB_ACL].write(settings, 0)
        world.tokens[WEB_ACL] = "11111111-2222-3333-4444-555555555555"

    def change_comment():
        world.distributions["E1"].write({**world.distributions["E1"].value, "Comment": "theirs"}, 0)
        world.tokens["E1"] = "changed"

    world.before |= {"UpdateWebACL": add_rule, "UpdateDistribution": change_comment}
    rotate(world)
    assert "other2" in [rule["Name"] for rule in world.waf[WEB_ACL].value["Rules"]]
    assert world.distributions["E1"].value["Comment"] == "theirs"


def test_a_failed_test_rolls_the_edge_back_and_keeps_the_pending_version():
    world = make_world()
    present(world)
    ours = world.waf[WEB_ACL].value["Rules"][1]
    ours["Action"] = {"Count": {}}
    old = value(world, "AWSCURRENT")
    with pytest.raises(StateError, match=r"the test failed.*no header should be refused.*set back to AWSCURRENT"):
        rotate(world)
    assert value(world, "AWSCURRENT") == old
    pending = versions(world)["AWSPENDING"]
    world.sleep(1000)
    assert world.edge_values() == {old}
    for rule in world.waf[WEB_ACL].value["Rules"]:
        if rule["Name"] == "OriginVerify":
            rule["Action"] = {"Block": {}}
    report = rotate(world, min_age=DAY)
    assert (report.action, versions(world)["AWSCURRENT"]) == ("resumed", pending)
    assert_converged(world)


def test_an_origin_that_never_accepts_the_new_value_leaves_the_edges_alone():
    world = make_world()
    present(world)
    world.waf_s = 10_000
    old = value(world, "AWSCURRENT")
    with pytest.raises(WaitTimeout, match="AWSPENDING should be let in"):
        rotate(world)
    assert world.edge_values() == {old}


def test_a_discarded_pending_version_is_not_used_again():
    world = make_world()
    present(world)
    world.waf_s = 10_000
    with pytest.raises(WaitTimeout):
        rotate(world)
    world.waf_s = 0
    world.sleep(10_000)
    discarded = versions(world)["AWSPENDING"]
    del world.secrets[SECRET]["VersionIdsToStages"][discarded]
    rotate(world)
    assert versions(world)["AWSCURRENT"] != discarded
    assert_converged(world)


def test_a_pending_version_without_a_value_is_filled():
    """Secrets Manager leaves one behind when its function failed in the first step."""
    world = make_world()
    present(world)
    world.secrets[SECRET]["VersionIdsToStages"]["a" * 32] = ["AWSPENDING"]
    assert rotate(world, min_age=DAY).action == "resumed"
    assert versions(world)["AWSCURRENT"] == "a" * 32
    assert_converged(world)


def test_min_age():
    world = make_world()
    present(world)
    kept = rotate(world, min_age=30 * DAY, now=CREATED + 29 * DAY)
    assert (kept.changed, kept.action) == (False, "kept")
    assert kept.reason == "the value is 29 d old, min_age is 30 d"
    assert rotate(world, min_age=30 * DAY, now=CREATED + 30 * DAY).action == "rotated"


def test_rotating_what_does_not_exist_creates_it_without_rotating():
    world = make_world()
    assert rotate(world).action == "created"
    assert_converged(world)
    assert len(world.secrets[SECRET]["values"]) == 1


@pytest.mark.parametrize("pending_left", [False, True])
def test_a_value_that_was_put_by_hand_is_adopted(pending_left):
    """Also when a rotation function left AWSPENDING on the version that was current before."""
    world = make_world()
    present(world)
    rotate(world)
    assert "AWSPENDING" not in versions(world)
    old = versions(world)["AWSCURRENT"]
    secret = world.secrets[SECRET]
    secret["VersionIdsToStages"] = {
        "b" * 32: ["AWSCURRENT"],
        old: ["AWSPREVIOUS", *(["AWSPENDING"] if pending_left else [])],
    }
    secret["values"]["b" * 32] = json.dumps({"HEADERVALUE": "byhand" * 8, "other": "kept"})
    assert present(world).action == "updated"
    assert_converged(world)
    assert rotate(world).action == "rotated"
    document = json.loads(secret["values"][versions(world)["AWSCURRENT"]])
    assert document["other"] == "kept"
    assert_converged(world)


def test_a_rotation_is_rolled_back_by_moving_the_label_back():
    world = make_world()
    present(world)
    old = value(world, "AWSCURRENT")
    rotate(world)
    stages = world.secrets[SECRET]["VersionIdsToStages"]
    ids = versions(world)
    stages[ids["AWSCURRENT"]], stages[ids["AWSPREVIOUS"]] = ["AWSPREVIOUS"], ["AWSCURRENT"]
    present(world)
    assert value(world, "AWSCURRENT") == old
    assert_converged(world)


def test_a_rotation_is_given_up_by_taking_the_label_away():
    world = make_world()
    present(world)
    old = value(world, "AWSCURRENT")
    world.kill_at = len(world.calls) + calls_until(world, "UpdateSecretVersionStage")
    with pytest.raises(Killed):
        rotate(world)
    world.kill_at = None
    assert world.edge_values() != {old}
    del world.secrets[SECRET]["VersionIdsToStages"][versions(world)["AWSPENDING"]]
    present(world)
    assert value(world, "AWSCURRENT") == old
    assert_converged(world)


def calls_until(world: World, operation: str) -> int:
    """How many calls a rotation of this world makes until it calls the operation first."""
    whole = copy.deepcopy(world)
    whole.calls.clear()
    rotate(whole)
    return whole.calls.index(operation) + 1


def test_inspection():
    world = make_world("all")
    missing = inspect(world.origin())
    assert f"secret {SECRET} does not exist or is scheduled for deletion" in missing.problems
    assert f"{WEB_ACL} does not demand the header" in missing.problems
    present(world)
    world.sleep(1000)
    result = inspect(world.origin()).as_result(CREATED + DAY)
    assert (result["in_sync"], result["problems"], result["age_seconds"]) == (True, [], 86400)
    assert [(probe["request"], probe["let_in"]) for probe in result["probes"]] == [
        ("AWSCURRENT", True),
        ("no header", False),
        ("an empty value", False),
        ("a wrong value", False),
    ]
    world.waf_s = 10_000
    with pytest.raises(WaitTimeout):
        rotate(world)
    world.distributions["E2"].value["Origins"]["Items"][0]["CustomHeaders"] = {"Quantity": 0}
    world.distributions["E1"].write({**world.distributions["E1"].value, "Enabled": False}, 10)
    problems = inspect(world.origin()).problems
    for expected in (
        "a rotation was begun and not finished: version AWSPENDING is not AWSCURRENT",
        "distribution E2 sends origin app no header, not AWSCURRENT",
        "distribution E1 is disabled",
        "distribution E1 is not Deployed yet",
    ):
        assert expected in problems
    assert not [text for text in world.values_ever_used() if text in str(result)]


def test_absent():
    world = make_world("all")
    present(world)
    before = ensure_absent(world.origin(), recovery_window_in_days=7, check_mode=True)
    assert before.changed
    assert "DeletedDate" not in world.secrets[SECRET]
    world.calls.clear()
    ensure_absent(world.origin(), recovery_window_in_days=7, check_mode=False)
    assert list(dict.fromkeys(world.writes()))[-2:] == ["UpdateDistribution", "DeleteSecret"]
    world.sleep(1000)
    assert world.edge_values() == {None}
    assert world.lets_in(None) == {True}
    assert world.violations == []
    world.calls.clear()
    assert not ensure_absent(world.origin(), recovery_window_in_days=7, check_mode=False).changed
    assert world.writes() == []
    assert present(world).action == "created"
    assert_converged(world)


def test_absent_does_not_shut_everybody_out():
    world = make_world("web_acl_blocking")
    world.calls.clear()
    with pytest.raises(InputError, match="first set the default action to Allow"):
        ensure_absent(world.origin(), recovery_window_in_days=7, check_mode=False)
    assert world.writes() == []


@pytest.mark.parametrize("retire_previous", ["after_deployed", "next_rotation"])
def test_check_mode_tells_what_will_be_and_writes_nothing(retire_previous):
    world = make_world("all")
    options = {"retire_previous": retire_previous}
    for run in (present, rotate):
        world.calls.clear()
        checked = run(world, check_mode=True, **options)
        assert world.writes() in ([], ["GetRandomPassword"])
        done = run(world, **options)
        assert (checked.changed, checked.action) == (done.changed, done.action)
        assert checked.after.distributions == done.after.distributions
        assert checked.after.gates == done.after.gates
    assert checked.after.versions["AWSCURRENT"] == done.after.versions["AWSCURRENT"]


def test_settings_of_the_secret():
    world = make_world()
    wish = SecretWish(description="one", kms_key_id="alias/origin", tags={"a": "1", "b": "2"})
    present(world, wish=wish)
    held = world.secrets[SECRET]
    held["Tags"].append({"Key": "aws:owner", "Value": "AWS"})
    held["KmsKeyId"] = "arn:aws:kms:eu-west-1:123456789012:alias/origin"
    assert not present(world, wish=wish).changed
    report = present(world, wish=SecretWish(description="two", tags={"b": "3"}))
    assert report.reason == "secret's settings differed, secret's tags differed"
    assert (held["Description"], held["Tags"]) == ("two", [
        {"Key": "aws:owner", "Value": "AWS"}, {"Key": "b", "Value": "3"}])  # fmt: skip


def test_no_value_is_ever_shown():
    world = make_world("all")
    reports = [present(world), rotate(world)]
    origin = world.origin()
    shown = [*(str(report.as_result()) for report in reports), repr(origin.read_secret()), repr(origin.read_edges())]

    def refuse_and_quote():
        message = f"search string {value(world, 'AWSPENDING')} is no good"
        raise world.client("wafv2", None).error("WAFInvalidParameterException", "UpdateWebACL", message)

    world.before["UpdateWebACL"] = refuse_and_quote
    with pytest.raises(AwsError, match=r"search string \*{8} is no good") as refused:
        rotate(world)
    shown.append("".join(traceback.format_exception(refused.value)))
    values = [text[:8] for text in world.values_ever_used()]
    assert len(values) == 3
    assert not [text for text in values for output in shown if text in output]


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (lambda w: w.add_distribution("E3", enabled=False), {}, "distribution E3 is disabled"),
        (lambda w: w.add_distribution("E3", headers=10), {}, "origin app of distribution E3 has 10 custom headers"),
        (lambda w: w.add_distribution("E3"), {"distributions": [{"id": "E3", "origins": ["no"]}]}, "has no origin no"),
        (lambda w: None, {"distributions": [{"id": "E9"}]}, "there is no distribution E9"),
        (lambda w: None, {"rule_priority": 7}, "has a rule of priority 7 already, other"),
        (lambda w: None, {"rule_name": "other"}, "rule other does not look at the header"),
        (lambda w: None, {"rule_action": "allow"}, "allows by default"),
        (lambda w: w.add_rule_group(capacity=3), {}, "would need 4 WCU.*its capacity is 3"),
        (lambda w: w.add_listener_rule(), {"header_name": "X-" + "a" * 39}, "a listener rule takes at most 40"),
    ],
)
def test_bad_input_is_refused_before_anything_changes(spoil, options, message):
    world = make_world()
    spoil(world)
    with pytest.raises(InputError, match=message):
        present(world, **options)
    assert world.writes() == []


def test_a_listener_rule_at_its_limit_is_refused():
    world = make_world("listener_rule")
    rule = world.listener_rules[LISTENER_RULE].value
    rule["Conditions"].append({"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"] * 4}})
    with pytest.raises(InputError, match="would have 7 values"):
        present(world)
    assert world.writes() == []
