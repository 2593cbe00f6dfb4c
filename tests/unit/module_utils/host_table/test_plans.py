# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.aws import to_dynamodb
from ansible_collections.certwright.aws.plugins.module_utils.host_table import plans
from ansible_collections.certwright.aws.plugins.module_utils.host_table.plans import Lease, Rotation
from ansible_collections.certwright.aws.plugins.module_utils.host_table.records import read_record

NODE = "i-0123456789abcdef0"
NOW = datetime(2026, 1, 10, 12, 0, tzinfo=timezone.utc)
LATER = NOW + timedelta(hours=1)
RENEW_BEFORE = timedelta(hours=48)
SUCCESS = Rotation(
    NODE,
    serial="AB",
    expiry=datetime(2026, 1, 17, 12, tzinfo=timezone.utc),
    certificate_arn="arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/ca/certificate/ab",
    fingerprint_sha256="f1",
    public_key_sha256="p1",
    request_hash="r1",
)
HELD = {"leaseOwner": "run-1", "leaseUntil": int(LATER.timestamp())}
PENDING = {"pendingCertificateArn": "arn:pending", "pendingPublicKey": "p0"}


def record_of(**attributes):
    return read_record({"hostID": {"S": NODE}, **{name: to_dynamodb(value) for name, value in attributes.items()}})


def after(plan, record):
    """The plain attributes of the record after the plan's change."""
    item = plan.change.applied(record.item)
    return {name: next(iter(value.values())) for name, value in item.items()}


def registered(record, settings, unset=(), node_known=True):
    return plans.registration(NODE, record, settings, frozenset(unset), node_known=node_known)


def leased(record, owner="run-2", force=False, defaults=None):
    wanted = Lease(owner, NOW + timedelta(minutes=30), timedelta(seconds=60))
    return plans.leasing(NODE, record, wanted, NOW, renew_before=RENEW_BEFORE, defaults=defaults, force=force)


def recorded(record, rotation=SUCCESS, owner="run-1", now=NOW):
    return plans.recording(NODE, record, rotation, owner, now=now, renew_before=RENEW_BEFORE)


def test_register_a_new_record():
    plan = registered(None, {"cert_path": "/srv", "subject": {"country": "DE"}})
    assert (plan.action, plan.failed) == ("registered", False)
    assert plan.change.applied(None) == {
        "hostID": {"S": NODE},
        "certPath": {"S": "/srv"},
        "subject": {"M": {"country": {"S": "DE"}}},
    }


def test_register_leaves_alone_what_is_not_named():
    record = record_of(certPath="/srv", owner="web", taskToken="t", serial="AB")
    assert registered(record, {"cert_path": "/srv"}).action == "kept"
    plan = registered(record, {"cert_path": "/new"}, unset=["owner", "group"])
    assert (plan.action, plan.reason) == ("updated", "changed cert_path, owner")
    assert after(plan, record) == {"hostID": NODE, "certPath": "/new", "taskToken": "t", "serial": "AB"}


def test_register_refuses_a_node_that_systems_manager_does_not_know_but_keeps_one_that_is_recorded():
    plan = registered(None, {}, node_known=False)
    assert plan.failed
    assert "verify_nodes=false" in plan.reason
    assert registered(record_of(), {}, node_known=False).action == "kept"


def test_forget():
    assert plans.removal(NODE, None, None, NOW, force=False).action == "kept"
    assert plans.removal(NODE, record_of(), None, NOW, force=False).change.verb == "Delete"
    refused = plans.removal(NODE, record_of(**HELD), "run-2", NOW, force=False)
    assert refused.failed
    assert "leased by run-1 until 2026-01-10T13:00:00Z" in refused.reason
    for owner, now, force in [("run-1", NOW, False), ("run-2", LATER, False), (None, NOW, True)]:
        assert plans.removal(NODE, record_of(**HELD), owner, now, force=force).action == "forgotten"


def test_mark_due_removes_what_the_sample_goes_by_too():
    record = record_of(expiry="2026-01-17 12:00:00", renewalDate="2026-01-15", serial="AB")
    assert after(plans.marking(NODE, record), record) == {"hostID": NODE, "serial": "AB"}
    assert plans.marking(NODE, record_of(serial="AB")).action == "kept"
    assert plans.marking(NODE, None).failed


@pytest.mark.parametrize(
    ("attributes", "action", "reason"),
    [
        ({}, "leased", "no certificate recorded"),
        ({"expiry": "2026-01-17 12:00:00"}, "not_due", "expires in 7 d, renewal window 48 h"),
        ({"expiry": "2026-01-11 12:00:00"}, "leased", "expires in 24 h, renewal window 48 h"),
        (HELD, "busy", "leased by run-1 until 2026-01-10T13:00:00Z"),
        ({**HELD, "leaseOwner": "run-2"}, "leased", "no certificate recorded"),
        ({**HELD, "leaseUntil": int(NOW.timestamp()) - 59}, "busy", "leased by run-1 until 2026-01-10T11:59:01Z"),
        (
            {**HELD, "leaseUntil": int(NOW.timestamp()) - 60},
            "leased",
            "no certificate recorded; taken over from run-1, whose lease has ended",
        ),
        ({**HELD, "expiry": "2026-01-17 12:00:00"}, "not_due", "expires in 7 d, renewal window 48 h"),
    ],
)
def test_lease(attributes, action, reason):
    plan = leased(record_of(**attributes))
    assert (plan.action, plan.reason, plan.failed) == (action, reason, False)
    assert (plan.change is not None) == (action == "leased")


def test_lease_by_force_takes_what_is_not_due_but_not_what_somebody_works_on():
    valid = {"expiry": "2026-01-17 12:00:00"}
    assert leased(record_of(**valid), force=True).action == "leased"
    assert leased(record_of(**valid, **HELD), force=True).action == "busy"


def test_lease_of_no_record():
    plan = leased(None)
    assert (plan.action, plan.failed) == ("unknown", True)


def test_a_lease_says_who_and_until_when():
    record = record_of(taskToken="t")
    assert after(leased(record), record) == {
        "hostID": NODE,
        "taskToken": "t",
        "leaseOwner": "run-2",
        "leaseUntil": str(int(NOW.timestamp()) + 1800),
    }


def test_record_a_success():
    record = record_of(
        **HELD,
        **PENDING,
        certPath="/srv",
        taskToken="t",
        status="FAILED",
        lastError="e",
        lastErrorTime="t",
        revoked=True,
    )
    plan = recorded(record)
    assert plan.action == "recorded"
    assert after(plan, record) == {
        "hostID": NODE,
        "certPath": "/srv",
        "taskToken": "t",
        "serial": "AB",
        "expiry": "2026-01-17 12:00:00",
        "status": "DEPLOYED",
        "renewalDate": "2026-01-15",
        "certificateArn": SUCCESS.certificate_arn,
        "fingerprint": "f1",
        "publicKey": "p1",
        "requestHash": "r1",
    }
    again = recorded(read_record(plan.change.applied(record.item)))
    assert (again.action, again.change) == ("kept", None)


def test_a_new_certificate_does_not_keep_what_described_the_old_one():
    record = record_of(**HELD, serial="AA", certificateArn="arn:old", fingerprint="f0", requestHash="r0")
    bare = Rotation(NODE, serial="AB", expiry=SUCCESS.expiry)
    assert after(recorded(record, bare), record).keys() == {"hostID", "serial", "expiry", "status", "renewalDate"}
    same = record_of(**HELD, serial="AB", certificateArn="arn:old")
    assert after(recorded(same, bare), same)["certificateArn"] == "arn:old"


def test_record_a_failure_keeps_the_old_certificate_and_the_pending_one():
    record = record_of(**HELD, **PENDING, serial="AA", expiry="2026-01-11 12:00:00", status="DEPLOYED")
    plan = recorded(record, Rotation(NODE, error="reload command exited 1"))
    assert after(plan, record) == {
        "hostID": NODE,
        "serial": "AA",
        "expiry": "2026-01-11 12:00:00",
        **PENDING,
        "status": "FAILED",
        "lastError": "reload command exited 1",
        "lastErrorTime": "2026-01-10T12:00:00Z",
    }
    failed = read_record(plan.change.applied(record.item))
    again = recorded(failed, Rotation(NODE, error="reload command exited 1"), now=LATER)
    assert (again.action, again.change) == ("kept", None)


def test_a_long_error_is_cut():
    record = record_of(**HELD)
    assert len(after(recorded(record, Rotation(NODE, error="x" * 5000)), record)["lastError"]) == plans.MAX_ERROR_TEXT


@pytest.mark.parametrize(
    ("attributes", "owner", "reason"),
    [
        ({**HELD, "leaseOwner": "run-2"}, "run-1", "the lease of run-1 is gone, leased by run-2 until 2026-01-10T13"),
        ({}, "run-1", "the lease of run-1 is gone, it is leased by nobody"),
        (HELD, None, "leased by run-1 until 2026-01-10T13:00:00Z"),
    ],
)
def test_nothing_is_recorded_over_somebody_elses_work(attributes, owner, reason):
    plan = recorded(record_of(**attributes), owner=owner)
    assert plan.failed
    assert plan.change is None
    assert reason in plan.reason


def test_a_result_without_a_lease():
    record = record_of(**{**HELD, "leaseUntil": int(NOW.timestamp())})
    plan = recorded(record, owner=None)
    assert "leaseOwner" not in after(plan, record)
    assert recorded(None, owner=None).failed


def test_release():
    record = record_of(**HELD, serial="AB")
    assert after(plans.releasing(NODE, record, "run-1", NOW, force=False), record) == {"hostID": NODE, "serial": "AB"}
    assert plans.releasing(NODE, record, "run-2", NOW, force=False).failed
    assert plans.releasing(NODE, record, "run-2", LATER, force=False).action == "released"
    assert plans.releasing(NODE, record, None, NOW, force=True).action == "released"
    assert plans.releasing(NODE, record_of(), None, NOW, force=False).action == "kept"
    assert plans.releasing(NODE, None, None, NOW, force=False).failed


def test_a_record_is_marked_whose_certificate_was_revoked():
    record = record_of(serial="AB", expiry="2026-01-17 12:00:00", status="DEPLOYED")
    plan = plans.revoking(NODE, record, "AB")
    assert (plan.action, plan.reason) == ("marked", "certificate AB was revoked")
    marked = read_record(plan.change.applied(record.item))
    assert marked.revoked
    assert leased(marked).action == "leased"
    assert plans.revoking(NODE, marked, "AB").reason == "marked revoked before"
    renewed = Rotation(NODE, serial="CD", expiry=SUCCESS.expiry)
    held = record_of(serial="AB", revoked=True, **HELD)
    assert "revoked" not in after(recorded(held, renewed), held)


@pytest.mark.parametrize(
    ("record", "action", "reason"),
    [
        (None, "failed", "is not in the host table"),
        (record_of(), "kept", "has none"),
        (record_of(serial="CD"), "kept", "certificate CD is in use, not AB"),
    ],
)
def test_only_the_revoked_certificate_is_marked(record, action, reason):
    plan = plans.revoking(NODE, record, "AB")
    assert plan.action == action
    assert reason in plan.reason
    assert plan.change is None
