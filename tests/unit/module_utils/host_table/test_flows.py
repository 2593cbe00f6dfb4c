# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError

from ansible_collections.certwright.aws.plugins.module_utils.errors import AwsError, InputError
from ansible_collections.certwright.aws.plugins.module_utils.host_table import api, batches, flows, listing
from ansible_collections.certwright.aws.plugins.module_utils.host_table.changes import Change, as_seen
from ansible_collections.certwright.aws.plugins.module_utils.host_table.plans import Lease

TABLE = "certificates"
NOW = datetime(2026, 1, 10, 12, 0, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
RENEW_BEFORE = timedelta(hours=48)


def host_ids(count):
    return [f"i-{number:017x}" for number in range(count)]


def fill(dynamodb, *ids, **attributes):
    for host_id in ids:
        item = {"hostID": {"S": host_id}, **{name: {"S": value} for name, value in attributes.items()}}
        dynamodb.put_item(TableName=TABLE, Item=item)


def item(dynamodb, host_id):
    found = dynamodb.get_item(TableName=TABLE, Key={"hostID": {"S": host_id}}).get("Item", {})
    return {name: next(iter(value.values())) for name, value in found.items()}


def lease(dynamodb, ids, owner="run-1", **options):
    wanted = Lease(owner, NOW + HOUR, timedelta(0))
    return flows.lease(
        dynamodb, TABLE, ids, wanted, **{"now": NOW, "renew_before": RENEW_BEFORE, "defaults": {}, **options}
    )


def register(dynamodb, records, known_nodes=None, check_mode=False):
    return flows.register(dynamodb, TABLE, records, known_nodes=known_nodes, check_mode=check_mode)


def listed_of(dynamodb, ids=None):
    items = listing.read_items(dynamodb, TABLE, ids)
    return listing.assess_all(items, now=NOW, renew_before=RENEW_BEFORE, defaults=None)


def actions(settled):
    return [outcome.action for outcome in settled]


def refuse(dynamodb, reasons):
    """Have DynamoDB cancel transactions, for each number of ``reasons`` in turn, before they reach the table."""
    left = iter(reasons)

    def cancel(**_):
        codes = next(left, None)
        if codes is not None:
            answer = {
                "Error": {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"},
                "CancellationReasons": [{"Code": code} for code in codes],
            }
            raise ClientError(answer, "TransactWriteItems")

    dynamodb.meta.events.register("before-call.dynamodb.TransactWriteItems", cancel)


def test_a_wave_of_50_costs_five_calls_with_its_journal(dynamodb, calls):
    wave = host_ids(50)
    fill(dynamodb, *wave)
    calls.clear()
    settled, leased = lease(dynamodb, wave)
    assert set(actions(settled)) == {"leased"}
    assert [listed.record.host_id for listed in leased] == wave
    assert flows.record_pending(dynamodb, TABLE, [(host_id, f"arn:{host_id}", "aa") for host_id in wave], "run-1") == {}
    results = [{"host_id": host_id, "serial": "AB", "expiry": "2026-01-17T12:00:00Z"} for host_id in wave]
    recorded = flows.record_results(dynamodb, TABLE, results, now=NOW, renew_before=RENEW_BEFORE, lease_owner="run-1")
    assert set(actions(recorded)) == {"recorded"}
    assert calls == ["BatchGetItem", "TransactWriteItems", "TransactWriteItems", "BatchGetItem", "TransactWriteItems"]
    assert item(dynamodb, wave[49]).keys() == {"hostID", "serial", "expiry", "status", "renewalDate"}


def test_a_second_run_writes_nothing(dynamodb, calls):
    records = [{"host_id": host_id, "cert_path": "/srv/", "subject_alt_names": ["DNS:a"]} for host_id in host_ids(3)]
    assert actions(register(dynamodb, records)) == ["registered"] * 3
    calls.clear()
    assert actions(register(dynamodb, records)) == ["kept"] * 3
    assert calls == ["BatchGetItem"]


def test_check_mode_writes_nothing_and_says_what_would_be(dynamodb, calls):
    fill(dynamodb, *host_ids(2))
    calls.clear()
    settled, leased = lease(dynamodb, host_ids(2), check_mode=True)
    assert actions(settled) == ["leased"] * 2
    assert leased[0].as_result()["lease_owner"] == "run-1"
    assert calls == ["BatchGetItem"]


def test_register_fails_only_what_is_wrong(dynamodb):
    asked = []

    def known_nodes(nodes):
        asked.extend(nodes)
        return {node for node in nodes if not node.endswith("1")}

    fill(dynamodb, host_ids(4)[3])
    records = [
        {"host_id": host_ids(4)[0]},
        {"host_id": host_ids(4)[1]},
        {"host_id": host_ids(4)[2], "cert_path": "../x"},
        {"host_id": host_ids(4)[3], "owner": "web"},
        {"host_id": "web-1"},
        {"host_id": host_ids(4)[0] + "#api", "unset": ["owner"], "owner": "web"},
        {"host_id": host_ids(4)[0] + "#db", "unset": ["colour"]},
    ]
    settled = register(dynamodb, records, known_nodes)
    assert actions(settled) == ["registered", "failed", "failed", "updated", "failed", "failed", "failed"]
    assert asked == host_ids(2)
    assert "Systems Manager does not know this node" in settled[1].reason
    assert "cert_path: '../x' is relative" in settled[2].reason
    assert "is not the id of a record" in settled[4].reason
    assert "owner: is both set and unset" in settled[5].reason
    assert "colour: no such setting" in settled[6].reason
    assert len(listed_of(dynamodb)) == 2


def test_an_id_may_be_given_once(dynamodb):
    with pytest.raises(InputError, match="named once, but these are repeated: i-00000000000000000"):
        flows.mark_due(dynamodb, TABLE, host_ids(2) + host_ids(1))


def test_revoked_certificates_are_marked_by_serial(dynamodb):
    fill(dynamodb, *host_ids(2))
    records = [{"host_id": host_id, "serial": "0xab:cd"} for host_id in host_ids(2)]
    assert actions(flows.mark_revoked(dynamodb, TABLE, records)) == ["kept", "kept"]
    with pytest.raises(InputError, match="named once"):
        flows.mark_revoked(dynamodb, TABLE, [*records, records[0]])
    with pytest.raises(InputError, match="not a hexadecimal number"):
        flows.mark_revoked(dynamodb, TABLE, [{"host_id": host_ids(1)[0], "serial": "none"}])


@pytest.mark.parametrize("host_ids", [["i-00000000000000000"], None])
def test_a_table_that_does_not_exist(dynamodb, host_ids):
    with pytest.raises(InputError, match="host table 'nowhere' does not exist in us-east-1: name the table"):
        listing.read_items(dynamodb, "nowhere", host_ids)


def test_one_refused_record_holds_up_no_other(dynamodb):
    ids = host_ids(3)
    fill(dynamodb, *ids)
    changes = [Change(host_id, as_seen({"hostID": {"S": host_id}}), sets={"serial": "AB"}) for host_id in ids]
    fill(dynamodb, ids[1], expiry="2026-01-17 12:00:00")
    written = batches.write_all(dynamodb, TABLE, changes)
    assert written.failed == {}
    assert written.refused == {ids[1]: {"hostID": {"S": ids[1]}, "expiry": {"S": "2026-01-17 12:00:00"}}}
    assert [item(dynamodb, host_id).get("serial") for host_id in ids] == ["AB", None, "AB"]


def test_a_record_that_changed_after_it_was_read_is_decided_on_anew(dynamodb):
    ids = host_ids(3)
    fill(dynamodb, *ids)

    def other_controller(**_):
        dynamodb.meta.events.unregister("before-call.dynamodb.TransactWriteItems", other_controller)
        fill(dynamodb, ids[0], expiry="2026-01-17 12:00:00", serial="AB")
        dynamodb.delete_item(TableName=TABLE, Key={"hostID": {"S": ids[1]}})

    dynamodb.meta.events.register("before-call.dynamodb.TransactWriteItems", other_controller)
    settled, leased = lease(dynamodb, ids)
    assert actions(settled) == ["not_due", "unknown", "leased"]
    assert [listed.record.host_id for listed in leased] == ids[2:]


def test_a_record_that_never_stays_the_same_fails_alone(dynamodb):
    ids = host_ids(2)
    fill(dynamodb, *ids)
    turns = iter(range(100))

    def restless(**_):
        fill(dynamodb, ids[0], serial=f"{next(turns)}")

    dynamodb.meta.events.register("before-call.dynamodb.TransactWriteItems", restless)
    settled, _leased = lease(dynamodb, ids)
    assert actions(settled) == ["failed", "leased"]
    assert "kept changing" in settled[0].reason


def test_what_dynamodb_puts_off_is_tried_again(dynamodb, monkeypatch):
    slept = []
    monkeypatch.setattr(batches.time, "sleep", slept.append)
    fill(dynamodb, *host_ids(2))
    refuse(dynamodb, [("TransactionConflict", "None"), ("None", "ThrottlingError")])
    settled, _leased = lease(dynamodb, host_ids(2))
    assert actions(settled) == ["leased", "leased"]
    assert slept == [0.05, 0.1]


def test_what_dynamodb_puts_off_for_ever_fails_alone(dynamodb, monkeypatch):
    monkeypatch.setattr(batches.time, "sleep", lambda _: None)
    fill(dynamodb, *host_ids(2))
    refuse(dynamodb, [("TransactionConflict", "None")] * (len(batches.PAUSES_S) + 1))
    settled, _leased = lease(dynamodb, host_ids(2))
    assert actions(settled) == ["failed", "leased"]
    assert "TransactionConflict" in settled[0].reason


def test_a_call_that_fails_as_a_whole_fails_its_records_with_the_code(dynamodb):
    fill(dynamodb, *host_ids(2))

    def deny(**_):
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "TransactWriteItems")

    dynamodb.meta.events.register("before-call.dynamodb.TransactWriteItems", deny)
    settled, leased = lease(dynamodb, host_ids(2))
    assert [outcome.reason for outcome in settled] == ["TransactWriteItems failed: AccessDeniedException: no"] * 2
    assert leased == []


def test_more_records_than_a_call_takes(dynamodb, calls):
    ids = host_ids(230)
    assert set(actions(register(dynamodb, [{"host_id": host_id} for host_id in ids]))) == {"registered"}
    assert sorted(calls) == ["BatchGetItem"] * 3 + ["TransactWriteItems"] * 3
    found = listed_of(dynamodb, ids[::-1])
    assert [listed.record.host_id for listed in found] == ids[::-1]


def test_keys_that_dynamodb_did_not_get_to_are_asked_for_again(dynamodb, calls, monkeypatch):
    monkeypatch.setattr(batches.time, "sleep", lambda _: None)
    fill(dynamodb, *host_ids(3))
    calls.clear()

    def put_off(parsed, **_):
        if len(calls) == 1:
            kept, late = parsed["Responses"][TABLE][:1], parsed["Responses"][TABLE][1:]
            parsed["Responses"][TABLE] = kept
            parsed["UnprocessedKeys"] = {TABLE: {"Keys": [{"hostID": record["hostID"]} for record in late]}}

    dynamodb.meta.events.register("after-call.dynamodb.BatchGetItem", put_off)
    assert sorted(batches.read_all(dynamodb, TABLE, host_ids(3))) == host_ids(3)
    assert calls == ["BatchGetItem"] * 2


def test_keys_that_dynamodb_never_gets_to_are_an_error(dynamodb, monkeypatch):
    monkeypatch.setattr(batches.time, "sleep", lambda _: None)

    def put_off(parsed, **_):
        parsed["UnprocessedKeys"] = {TABLE: {"Keys": [{"hostID": {"S": host_ids(1)[0]}}]}}

    dynamodb.meta.events.register("after-call.dynamodb.BatchGetItem", put_off)
    with pytest.raises(AwsError, match="1 of 2 records were put off"):
        batches.read_all(dynamodb, TABLE, host_ids(2))


def test_a_table_longer_than_a_page_is_read_whole(dynamodb, calls):
    ids = host_ids(40)
    for start in (0, 20):
        requests = [
            {"PutRequest": {"Item": {"hostID": {"S": host_id}, "taskToken": {"S": "x" * 60_000}}}}
            for host_id in ids[start : start + 20]
        ]
        dynamodb.batch_write_item(RequestItems={TABLE: requests})
    calls.clear()
    listed = listed_of(dynamodb)
    assert [one.record.host_id for one in listed] == ids
    assert len(calls) > batches.SCAN_SEGMENTS


def test_a_small_table_is_read_in_one_call(dynamodb, calls):
    fill(dynamodb, *host_ids(3))
    calls.clear()
    assert len(listed_of(dynamodb)) == 3
    assert calls == ["Scan"]


def test_the_journal_needs_the_lease(dynamodb):
    ids = host_ids(4)
    fill(dynamodb, *ids[:3])
    lease(dynamodb, ids[:1], now=datetime.now(timezone.utc))
    lease(dynamodb, ids[1:2], owner="run-2")
    refused = flows.record_pending(dynamodb, TABLE, [(host_id, "arn:new", "aa") for host_id in ids], "run-1")
    assert {host_id: str(error) for host_id, error in refused.items()} == {
        ids[1]: f"record {ids[1]}: the lease of run-1 is gone, leased by run-2 until 2026-01-10T13:00:00Z",
        ids[2]: f"record {ids[2]}: the lease of run-1 is gone, it is leased by nobody",
        ids[3]: f"record {ids[3]} is not in the host table: register it with state=present",
    }
    assert item(dynamodb, ids[0])["pendingCertificateArn"] == "arn:new"
    assert item(dynamodb, ids[0])["pendingPublicKey"] == "aa"


def test_the_journal_without_a_lease_needs_that_nobody_has_one(dynamodb):
    ids = host_ids(3)
    fill(dynamodb, *ids)
    now = datetime.now(timezone.utc)
    for host_id, until in ((ids[1], now + HOUR), (ids[2], now - HOUR)):
        flows.lease(
            dynamodb,
            TABLE,
            [host_id],
            Lease("run-2", until, timedelta(0)),
            now=NOW,
            renew_before=RENEW_BEFORE,
            defaults={},
        )
    refused = flows.record_pending(dynamodb, TABLE, [(host_id, "arn:new", "aa") for host_id in ids])
    assert list(refused) == [ids[1]]


def test_an_unreadable_record_can_be_marked_and_forgotten_but_not_leased(dynamodb):
    ids = host_ids(2)
    fill(dynamodb, *ids, expiry="tomorrow")
    settled, _leased = lease(dynamodb, ids)
    assert [outcome.failed for outcome in settled] == [True, True]
    assert "expiry 'tomorrow' cannot be read" in settled[0].reason
    assert listed_of(dynamodb)[0].verdict.state == "failed"
    assert actions(flows.mark_due(dynamodb, TABLE, ids[:1])) == ["marked"]
    assert actions(flows.forget(dynamodb, TABLE, ids[1:], now=NOW)) == ["forgotten"]
    assert actions(lease(dynamodb, ids)[0]) == ["leased", "unknown"]


def test_results_are_plain_data(dynamodb):
    record = {
        "host_id": host_ids(1)[0],
        "subject": {"country": "DE", "state": None},
        "subject_alt_names": ["DNS:a", "IP:10.0.0.1"],
        "validity_days": 7,
    }
    register(dynamodb, [record])
    (listed,) = listed_of(dynamodb)
    result = listed.as_result()
    assert json.loads(json.dumps(result)) == result
    assert result["subject"] == {"country": "DE"}
    assert (result["state"], result["due"], result["node_id"]) == ("missing", True, host_ids(1)[0])
    assert result["cert_path"] == f"/etc/pki/certwright/{host_ids(1)[0]}"


def test_a_result_that_is_none_fails_alone(dynamodb):
    ids = host_ids(5)
    fill(dynamodb, *ids)
    results = [
        {"host_id": ids[0], "serial": "0a:b1", "expiry": "2026-01-17 12:00:00", "error": ""},
        {"host_id": ids[1], "serial": "AB"},
        {"host_id": ids[2], "serial": "AB", "expiry": "2026-01-17 12:00:00", "error": "no"},
        {"host_id": ids[3], "serial": "AB", "expiry": "soon"},
        {"host_id": ids[4], "serial": "XY", "expiry": "2026-01-17 12:00:00"},
    ]
    settled = flows.record_results(dynamodb, TABLE, results, now=NOW, renew_before=RENEW_BEFORE)
    assert actions(settled) == ["recorded", *["failed"] * 4]
    assert item(dynamodb, ids[0])["serial"] == "AB1"
    for outcome, reason in zip(
        settled[1:],
        [
            "needs serial and expiry, or error",
            "a serial or an error, not both",
            "expiry: 'soon' is no time; write it as 2026-01-31T12:00:00Z",
            "serial 'XY' is not a hexadecimal number",
        ],
        strict=True,
    ):
        assert reason in outcome.reason


def test_the_difference_shows_what_changed_and_nothing_else(dynamodb):
    ids = host_ids(2)
    fill(dynamodb, *ids, certPath="/srv")
    register(dynamodb, [{"host_id": ids[0], "cert_path": "/srv"}])
    settled = register(
        dynamodb, [{"host_id": host_id, "cert_path": path} for host_id, path in zip(ids, ("/srv", "/new"), strict=True)]
    )
    assert flows.difference(settled) == {
        "before": {ids[1]: {"cert_path": "/srv"}},
        "after": {ids[1]: {"cert_path": "/new"}},
    }


def test_release_gives_back_what_a_run_holds(dynamodb):
    fill(dynamodb, *host_ids(2))
    lease(dynamodb, host_ids(2))
    settled = flows.release(dynamodb, TABLE, host_ids(2), now=NOW, lease_owner="run-1")
    assert actions(settled) == ["released", "released"]
    assert item(dynamodb, host_ids(1)[0]).keys() == {"hostID"}


def test_limits_are_dynamodbs():
    assert (api.MAX_KEYS_PER_READ, api.MAX_WRITES_PER_TRANSACTION) == (100, 100)
