# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.host.report import parse, render

HOST_ID = "mi-0123456789abcdef0#web"
LINE = render(HOST_ID, "failed", {"reason": "busy"}, {"message": "eine ältere Fassung".encode()})


def test_report_is_read() -> None:
    report = parse(f"noise\r\n{LINE}\n----ERROR-------\nfailed to run commands: exit status 1")[HOST_ID]
    assert (report.host_id, report.action, report.words) == (HOST_ID, "failed", {"reason": "busy"})
    assert report.message == "eine ältere Fassung"
    assert report.failed


@given(st.integers(0, len(LINE) - 2))
def test_cut_line_is_noticed(length: int) -> None:
    assert parse(LINE[:length]) == {}


@given(st.integers(0, len(LINE) - 2), st.characters(codec="ascii", exclude_categories=["Cc"]))
def test_changed_line_is_noticed(place: int, character: str) -> None:
    changed = LINE[:place] + character + LINE[place + 1 :]
    assert changed == LINE or parse(changed) == {}


@given(st.text())
def test_anything_else_is_passed_over(text: str) -> None:
    assert parse(text + "\n" + LINE).keys() == {HOST_ID}


@pytest.mark.parametrize("words", [{}, {"replaced": ""}, {"a": "b=c"}])
def test_words(words: dict[str, str]) -> None:
    assert parse(render(HOST_ID, "kept", words, {}))[HOST_ID].words == words


def test_what_is_no_base64_is_no_report() -> None:
    body = f"id={HOST_ID} action=staged csr:%%%"
    line = f"CERTWRIGHT1 {len(body)} {hashlib.sha256(body.encode()).hexdigest()} {body}\n"
    assert parse(line) == {}
