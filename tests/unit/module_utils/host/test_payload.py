# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.host import payload

NODES = [f"i-{number:017x}" for number in range(3)]
FIELDS = ("host_id", "state_dir", "certificate", "intermediates")
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
ROWS = st.fixed_dictionaries(
    {
        "host_id": st.sampled_from([*NODES, f"{NODES[0]}#web"]),
        "state_dir": LINE,
        "certificate": st.tuples(st.binary(min_size=1, max_size=9)),
        "intermediates": st.lists(st.binary(min_size=1, max_size=9), max_size=2).map(tuple),
    }
)


@given(st.lists(ROWS, min_size=1, max_size=5))
def test_what_is_encoded_can_be_decoded(rows: list[dict[str, Any]]) -> None:
    encoded = payload.encode([payload.node_record(FIELDS, row) for row in rows])
    assert re.fullmatch(payload.ALLOWED_PATTERN, encoded)
    assert payload.decode(encoded, FIELDS) == rows


def test_what_records_share_is_sent_once() -> None:
    chain = (b"\x00" * 1200,)
    rows = [{"host_id": node, "state_dir": "/etc", "certificate": (b"c",), "intermediates": chain} for node in NODES]
    one, all_three = (
        len(payload.encode([payload.node_record(FIELDS, row) for row in some])) for some in (rows[:1], rows)
    )
    assert all_three - one < 200


def test_values_become_text() -> None:
    values = {"host_id": NODES[0], "a": None, "b": True, "c": False, "d": 60}
    assert payload.node_record(("host_id", "a", "b", "c", "d"), values).values == (NODES[0], "", "yes", "", "60")


def test_line_breaks_are_refused() -> None:
    record = payload.node_record(("host_id", "a"), {"host_id": NODES[0], "a": "x\ny"})
    with pytest.raises(ValueError, match="line break"):
        payload.encode([record])
