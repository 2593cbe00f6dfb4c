# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.renewal import (
    duration_text,
    parse_duration,
    renewal_verdict,
)

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("left", "flags", "due", "state", "reason"),
    [
        (None, {}, True, "missing", "no certificate recorded"),
        (-2 * DAY, {}, True, "expired", "expired 48 h ago"),
        (timedelta(0), {}, True, "expired", "expired 0 s ago"),
        (timedelta(hours=9), {}, True, "due", "expires in 9 h, renewal window 24 h"),
        (DAY, {}, True, "due", "expires in 24 h, renewal window 24 h"),
        (DAY + timedelta(seconds=1), {}, False, "valid", "expires in 24 h, renewal window 24 h"),
        (6 * DAY, {}, False, "valid", "expires in 6 d, renewal window 24 h"),
        (6 * DAY, {"revoked": True}, True, "due", "revoked"),
        (6 * DAY, {"drifted": True}, True, "due", "differs from what is asked for"),
        (6 * DAY, {"forced": True}, True, "due", "renewal forced, expires in 6 d, renewal window 24 h"),
        (6 * DAY, {"failed": True}, True, "failed", "last attempt failed"),
        (None, {"failed": True}, True, "failed", "last attempt failed"),
    ],
)
def test_verdict(left, flags, due, state, reason):
    expiry = None if left is None else NOW + left
    verdict = renewal_verdict(expiry=expiry, now=NOW, renew_before=DAY, **flags)
    assert (verdict.due, verdict.state, verdict.reason) == (due, state, reason)


@given(st.integers(-(10**6), 10**6), st.integers(0, 10**6))
def test_once_due_it_stays_due(left_s, later_s):
    expiry = NOW + timedelta(seconds=left_s)
    first = renewal_verdict(expiry=expiry, now=NOW, renew_before=DAY)
    later = renewal_verdict(expiry=expiry, now=NOW + timedelta(seconds=later_s), renew_before=DAY)
    assert later.due or not first.due


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("48h", timedelta(hours=48)),
        ("7d", timedelta(days=7)),
        ("30m", timedelta(minutes=30)),
        ("1d12h", timedelta(days=1, hours=12)),
        (" 2 W ", timedelta(weeks=2)),
        ("0s", timedelta(0)),
    ],
)
def test_parse_duration(text, expected):
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "48", "h", "-3d", "7 days", "1d-2h", "999999999w"])
def test_parse_duration_refuses(text):
    with pytest.raises(InputError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(59, "59 s"), (60, "1 min"), (3600, "1 h"), (259199, "71 h"), (259200, "3 d"), (266400, "3 d 2 h")],
)
def test_duration_text(seconds, text):
    assert duration_text(timedelta(seconds=seconds)) == text
