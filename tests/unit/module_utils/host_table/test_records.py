# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import string
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.aws import from_dynamodb, to_dynamodb
from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.host.request_hash import request_hash
from ansible_collections.certwright.aws.plugins.module_utils.host_table.records import (
    SETTING_ATTRIBUTES,
    STATE_ATTRIBUTES,
    expiry_text,
    read_record,
    read_time,
    renewal_date_text,
    standing,
)

NODE = "i-0123456789abcdef0"
NOW = datetime(2026, 1, 10, 12, 0, tzinfo=timezone.utc)
HOURS_48 = timedelta(hours=48)

# What the AWS sample leaves in its table after a deployment, a custom path included.
SAMPLE_ITEM = {
    "hostID": {"S": NODE},
    "certPath": {"S": "/opt/certificates"},
    "keyPath": {"S": ""},
    "serial": {"S": "3F2A"},
    "expiry": {"S": "2026-01-13 12:00:00"},
    "status": {"S": "DEPLOYED"},
    "renewalDate": {"S": "2026-01-11"},
    "taskToken": {"S": "AQCE"},
}


def item_of(**attributes):
    return {"hostID": {"S": NODE}, **{name: to_dynamodb(value) for name, value in attributes.items()}}


def state_of(item, defaults=None, forced=False):
    record = read_record(item)
    return standing(
        record,
        record.checked_settings(defaults or {}),
        now=NOW,
        renew_before=HOURS_48,
        compared=defaults is not None,
        forced=forced,
    )


def test_the_samples_attributes_keep_their_names():
    sample = {"certPath", "keyPath", "cacertPath", "signinghelperPath", "serial", "expiry", "status", "renewalDate"}
    assert sample <= {*SETTING_ATTRIBUTES.values(), *STATE_ATTRIBUTES.values()}
    assert len({*SETTING_ATTRIBUTES.values(), *STATE_ATTRIBUTES.values(), "hostID"}) == 1 + len(
        SETTING_ATTRIBUTES
    ) + len(STATE_ATTRIBUTES)


def test_an_item_of_the_sample():
    record = read_record(SAMPLE_ITEM)
    assert record.problem is None
    assert record.expiry == datetime(2026, 1, 13, 12, tzinfo=timezone.utc)
    assert (record.serial, record.status, record.renewal_date) == ("3F2A", "DEPLOYED", "2026-01-11")
    settings = record.checked_settings({"key_path": "/opt/keys"})
    assert (settings.cert_path, settings.key_path) == ("/opt/certificates", "/opt/keys")
    assert state_of(SAMPLE_ITEM).state == "valid"


def test_an_item_with_nothing_but_its_key():
    assert state_of(item_of()) == state_of(item_of(expiry=""))
    assert state_of(item_of()).state == "missing"


@pytest.mark.parametrize(
    ("attributes", "due", "state", "reason"),
    [
        ({"expiry": "2026-01-13 12:00:00"}, False, "valid", "expires in 3 d, renewal window 48 h"),
        ({"expiry": "2026-01-12 12:00:00"}, True, "due", "expires in 48 h, renewal window 48 h"),
        ({"expiry": "2026-01-10 11:00:00"}, True, "expired", "expired 1 h ago"),
        ({"expiry": "2026-01-13 12:00:00", "revoked": True}, True, "due", "revoked"),
        ({"expiry": "2026-01-13 12:00:00", "status": "FAILED"}, True, "failed", "last attempt failed"),
        (
            {"status": "FAILED", "lastError": "node is off line"},
            True,
            "failed",
            "last attempt failed: node is off line",
        ),
    ],
)
def test_states(attributes, due, state, reason):
    verdict = state_of(item_of(**attributes))
    assert (verdict.due, verdict.state, verdict.reason) == (due, state, reason)


def test_a_certificate_made_for_other_settings_is_due_only_when_the_defaults_are_known():
    made_for = request_hash(read_record(item_of(commonName="a.example")).checked_settings({"validity_days": 7}))
    item = item_of(commonName="b.example", expiry="2026-01-17 12:00:00", requestHash=made_for)
    assert state_of(item).state == "valid"
    assert state_of(item, {"validity_days": 7}).reason == "differs from what is asked for"
    same = item_of(commonName="a.example", expiry="2026-01-17 12:00:00", requestHash=made_for)
    assert state_of(same, {"validity_days": 7}).state == "valid"
    assert state_of(same, {"validity_days": 6}).state == "due"


def test_the_request_hash_is_about_the_certificate_alone():
    def hashed(**settings):
        return request_hash(read_record(item_of()).checked_settings(settings))

    assert hashed() == hashed(cert_path="/srv", reload_command="true", owner="nobody")
    assert hashed(subject_alt_names=["DNS:a", "DNS:b"]) == hashed(subject_alt_names=["DNS:b", "DNS:a"])
    shaped = [
        {"subject": {"organization": "Example"}},
        {"subject_alt_names": ["DNS:a"]},
        {"key_algorithm": "EC_prime256v1"},
        {"validity_days": 7},
        {"signing_algorithm": "SHA384WITHRSA"},
    ]
    assert len({hashed(**settings) for settings in ({}, *shaped)}) == len(shaped) + 1


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"expiry": "next week"}, "expiry 'next week' cannot be read; it must be a time such as 2026-01-31 12:00:00"),
        ({"leaseOwner": "a", "leaseUntil": "soon"}, "leaseUntil 'soon' cannot be read; it must be a time in seconds"),
        ({"certPath": "relative"}, "cert_path: 'relative' is relative"),
        ({"subjectAltNames": "DNS:a"}, "subject_alt_names: 'DNS:a' is not a list"),
    ],
)
def test_what_cannot_be_read_is_named(attributes, message):
    record = read_record(item_of(**attributes))
    assert record.host_id == NODE
    with pytest.raises(InputError, match="record i-0123456789abcdef0: ") as caught:
        record.checked_settings({})
    assert message in str(caught.value)


def test_a_set_of_names_and_a_number_are_read_as_options_take_them():
    settings = read_record(item_of(subjectAltNames={"DNS:b", "DNS:a"}, validityDays=7)).settings
    assert settings == {"subject_alt_names": ["DNS:a", "DNS:b"], "validity_days": 7}


def test_leased_until_its_end_and_the_clock_skew():
    record = read_record(item_of(leaseOwner="run-1", leaseUntil=int(NOW.timestamp())))
    assert record.leased(NOW - timedelta(seconds=1))
    assert not record.leased(NOW)
    assert record.leased(NOW, clock_skew=timedelta(seconds=1))
    assert not read_record(item_of(leaseOwner="run-1")).leased(NOW)


MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(9999, 1, 1), timezones=st.just(timezone.utc))


@given(MOMENTS)
def test_a_time_survives_being_written(moment):
    assert read_time(expiry_text(moment)) == moment.replace(microsecond=0)
    assert read_record(item_of(expiry=expiry_text(moment))).expiry == moment.replace(microsecond=0)
    assert datetime.strptime(renewal_date_text(moment, HOURS_48), "%Y-%m-%d").date() == (moment - HOURS_48).date()


PLAIN = st.recursive(
    st.text(string.printable) | st.integers(-(10**30), 10**30) | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(string.ascii_letters), inner),
    max_leaves=8,
)


@given(PLAIN)
def test_a_value_survives_the_low_level_form(value):
    assert from_dynamodb(to_dynamodb(value)) == value


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from([*SETTING_ATTRIBUTES.values(), *STATE_ATTRIBUTES.values(), "other"]), PLAIN))
def test_no_content_of_a_row_stops_the_reading(attributes):
    record = read_record(item_of(**attributes))
    assert record.host_id == NODE
    assert record.item == item_of(**attributes)
