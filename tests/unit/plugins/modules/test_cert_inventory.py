# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.modules.cert_inventory import (
    ARGUMENT_SPEC,
    STATES,
    check_options,
    host_ids_of,
)

NODE = "i-0123456789abcdef0"


def params(**given):
    defaults = {name: option.get("default") for name, option in ARGUMENT_SPEC.items()}
    return {**defaults, **given}


def record(**given):
    options = {name: option.get("default") for name, option in ARGUMENT_SPEC["records"]["options"].items()}
    return {**options, "host_id": NODE, **given}


def test_every_state_is_carried_out():
    assert list(STATES) == ARGUMENT_SPEC["state"]["choices"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"records": [record(serial="AB")]}, f"record {NODE}: serial may be given with state=recorded only"),
        ({"records": [record(owner="web")], "state": "due"}, "owner may be given with state=present only"),
        ({"records": [record(unset=["mode"])], "state": "recorded"}, "unset may be given with state=present only"),
        ({"host_ids": [NODE], "state": "recorded"}, "state=recorded needs records, each with a serial and an expiry"),
        ({"host_ids": [NODE], "lease_seconds": 0}, "lease_seconds must be at least 1"),
        ({"host_ids": [NODE], "clock_skew_seconds": -1}, "clock_skew_seconds at least 0"),
    ],
)
def test_options_that_mean_nothing_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        check_options(params(**given))


def test_options_that_mean_something_are_taken():
    check_options(params(records=[record(owner="web", unset=["mode"])]))
    check_options(params(records=[record(error="off line")], state="recorded"))
    check_options(params(records=[], state="recorded"))
    check_options(params(host_ids=[NODE], state="leased"))


def test_either_option_names_records():
    assert host_ids_of(params(host_ids=[NODE])) == host_ids_of(params(records=[record()])) == [NODE]
    assert host_ids_of(params(records=[])) == []
