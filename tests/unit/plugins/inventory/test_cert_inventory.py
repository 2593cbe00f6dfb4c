# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.template import trust_as_template
from botocore.exceptions import ClientError

from ansible_collections.certwright.aws.plugins.inventory.cert_inventory import InventoryModule
from ansible_collections.certwright.aws.plugins.module_utils.aws import to_dynamodb

NODES = [f"i-{number:017x}" for number in range(6)]
NOW = datetime.now(timezone.utc)
DEFAULTS = {
    "table_name": "certificates",
    "renew_before": "48h",
    "defaults": None,
    "states": ["missing", "failed", "expired", "due", "valid"],
    "hostvars_prefix": "certificate_",
    "strict": True,
    "compose": {},
    "groups": {},
    "keyed_groups": [],
    "cache": False,
    "assume_role_arn": None,
    "use_extra_vars": False,
    "leading_separator": True,
}


def in_hours(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S")


ROWS = [
    {"hostID": NODES[0], "certPath": "/srv/tls", "taskToken": "secret to the sample"},
    {"hostID": f"{NODES[0]}#api", "expiry": in_hours(100), "serial": "A1", "status": "DEPLOYED", "owner": "nginx"},
    {"hostID": NODES[1], "expiry": in_hours(9.9), "leaseOwner": "run-1", "leaseUntil": 4102444800},
    {"hostID": NODES[2], "expiry": in_hours(-1)},
    {"hostID": NODES[3], "expiry": in_hours(100), "status": "FAILED", "lastError": "off line"},
    {"hostID": NODES[4], "certPath": "relative"},
]


class Table:
    """DynamoDB's answers to Scan, and how often it was asked."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.asked = 0

    def client(self, service: str, **_settings: Any) -> Any:
        client = boto3.client(
            service, region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        client._make_api_call = self.answer
        return client

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        assert operation == "Scan"
        self.asked += 1
        if request["TableName"] != "certificates":
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, operation)
        return {"Items": [{name: to_dynamodb(value) for name, value in row.items()} for row in self.rows]}


def parsed(table: Table, monkeypatch: pytest.MonkeyPatch, cached: Any = None, **options: Any) -> InventoryData:
    """The inventory that the plugin makes of a table. The options come from here, not from a file."""
    plugin = InventoryModule()
    plugin._options = {**DEFAULTS, **options}
    plugin._cache = {} if cached is None else cached
    monkeypatch.setattr(plugin, "_read_config_data", lambda _path: {})
    monkeypatch.setattr(plugin, "client", table.client)
    monkeypatch.setattr(plugin, "get_cache_key", lambda path: path)
    inventory = InventoryData()
    plugin.parse(inventory, DataLoader(), "/inventory/fleet.cert_inventory.yml")
    return inventory


def members(inventory: InventoryData) -> dict[str, list[str]]:
    return {name: [host.name for host in group.hosts] for name, group in inventory.groups.items()}


def test_each_record_is_in_one_group(monkeypatch):
    groups = members(parsed(Table(ROWS), monkeypatch))
    assert {name: hosts for name, hosts in groups.items() if name.startswith("certificate_")} == {
        "certificate_missing": [NODES[0]],
        "certificate_valid": [f"{NODES[0]}#api"],
        "certificate_due": [NODES[1]],
        "certificate_expired": [NODES[2]],
        "certificate_failed": [NODES[3], NODES[4]],
    }


def test_groups_are_there_when_they_are_empty(monkeypatch):
    groups = members(parsed(Table([]), monkeypatch))
    assert {name for name in groups if name.startswith("certificate_")} == {
        f"certificate_{state}" for state in ("missing", "failed", "expired", "due", "valid")
    }


def test_host_variables(monkeypatch):
    inventory = parsed(Table(ROWS), monkeypatch)
    of_host = {name: host.vars for name, host in inventory.hosts.items()}
    assert of_host[NODES[0]]["certificate_cert_path"] == "/srv/tls"
    assert of_host[NODES[0]]["certificate_mode"] == "0400"
    assert of_host[NODES[1]]["certificate_reason"] == "expires in 9 h, renewal window 48 h"
    assert of_host[f"{NODES[0]}#api"]["certificate_node_id"] == NODES[0]
    assert "cert_path: 'relative' is relative" in of_host[NODES[4]]["certificate_reason"]
    assert "certificate_expiry" not in of_host[NODES[0]]
    assert not any("secret to the sample" in str(values) for values in of_host.values())
    assert not any("ansible_connection" in values for values in of_host.values())


def test_a_prefix_of_ones_own(monkeypatch):
    variables = parsed(Table(ROWS), monkeypatch, hostvars_prefix="cert_").hosts[NODES[0]].vars
    assert {"cert_path", "cert_state", "cert_key_path"} <= variables.keys()


def test_states_select(monkeypatch):
    assert list(parsed(Table(ROWS), monkeypatch, states=["failed", "leased"]).hosts) == [NODES[1], NODES[3], NODES[4]]


def test_defaults_count_as_settings_and_make_other_certificates_due(monkeypatch):
    rows = [{"hostID": NODES[0], "expiry": in_hours(100), "requestHash": "of other settings"}]
    assert members(parsed(Table(rows), monkeypatch))["certificate_valid"] == [NODES[0]]
    inventory = parsed(Table(rows), monkeypatch, defaults={"owner": "web"})
    assert members(inventory)["certificate_due"] == [NODES[0]]
    assert inventory.hosts[NODES[0]].vars["certificate_owner"] == "web"


def test_constructed(monkeypatch):
    inventory = parsed(
        Table(ROWS[:3]),
        monkeypatch,
        compose={"ansible_host": trust_as_template("certificate_node_id")},
        groups={"api": trust_as_template("'#api' in inventory_hostname")},
        keyed_groups=[{"key": trust_as_template("certificate_owner"), "prefix": "owned_by"}],
    )
    assert inventory.hosts[f"{NODES[0]}#api"].vars["ansible_host"] == NODES[0]
    assert members(inventory)["api"] == [f"{NODES[0]}#api"]
    assert members(inventory)["owned_by_nginx"] == [f"{NODES[0]}#api"]


def test_a_cached_table_is_not_read_again_but_its_states_are_decided_anew(monkeypatch):
    table, cache = Table(ROWS), {}
    first = parsed(table, monkeypatch, cache, cache=True)
    later = parsed(table, monkeypatch, cache, cache=True, renew_before="200h")
    assert table.asked == 1
    assert members(first)["certificate_valid"] == members(later)["certificate_due"][:1]
    assert "taskToken" not in str(cache)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table_name": "nowhere"}, "host table 'nowhere' does not exist in us-east-1"),
        ({"renew_before": "soon"}, "'soon' is not a duration"),
        ({"defaults": {"colour": "red"}}, "defaults: colour: no such setting"),
    ],
)
def test_what_is_wrong_is_said(monkeypatch, options, message):
    with pytest.raises(AnsibleParserError, match=message):
        parsed(Table(ROWS), monkeypatch, **options)


def test_only_files_that_are_named_for_it():
    plugin = InventoryModule()
    assert "fleet.cert_inventory.yml".endswith(plugin.INVENTORY_FILE_SUFFIXES)
    assert "cert_inventory.yaml".endswith(plugin.INVENTORY_FILE_SUFFIXES)
    assert not "fleet.yml".endswith(plugin.INVENTORY_FILE_SUFFIXES)


def test_thousands_of_records_load_in_seconds(monkeypatch):
    rows = [{**ROWS[1], "hostID": f"i-{number:017x}", "certPath": "/srv/tls"} for number in range(2_000)]
    begun = time.process_time()
    assert len(parsed(Table(rows), monkeypatch).hosts) == 2_000
    assert time.process_time() - begun < 5
