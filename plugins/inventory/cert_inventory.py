# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cert_inventory
short_description: The table of host certificates as an inventory
version_added: 0.1.0
description:
  - Makes a host of each record of the host table, that is, of each certificate on each node.
  - A host's name is the record's id, the node's with C(#name) for a further certificate on the node. So
    C(--limit 'mi-0123456789abcdef0*') means all certificates of a node.
  - Each host is in exactly one of the groups C(certificate_missing), C(certificate_failed), C(certificate_expired),
    C(certificate_due) and C(certificate_valid), which exist even when they are empty.
  - Its variables are the settings that apply to the record, C(state), C(due), C(reason), C(node_id), and the other values
    that M(certwright.aws.cert_inventory_info) returns, each with O(hostvars_prefix) before its name. What is not known is
    not set.
  - The hosts have no connection. The role P(certwright.aws.host_certificates#role) reaches the nodes through Systems Manager,
    with tasks that are delegated to the controller. To connect to the nodes for tasks of your own, set C(ansible_host) and
    C(ansible_connection) with O(compose).
  - The file must be named C(cert_inventory.yml) or C(cert_inventory.yaml), whatever stands before.
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [certwright.aws.cert_inventory]
  table_name:
    description: Name of the host table.
    type: str
    default: certificates
  renew_before:
    description: How long before its end a certificate is due, for example V(48h), V(7d) or V(1d12h).
    type: str
    default: 48h
  defaults:
    description:
      - The settings that apply where a record has none, as in M(certwright.aws.cert_inventory).
      - With them, a certificate that was made for other settings than apply now is in C(certificate_due). They must be
        those with which certificates are renewed; without any, that is not asked.
    type: dict
  states:
    description:
      - Only records in one of these states, as M(certwright.aws.cert_inventory_info) names them.
    type: list
    elements: str
    choices: [missing, failed, expired, due, valid, leased]
    default: [missing, failed, expired, due, valid]
  hostvars_prefix:
    description:
      - What the names of host variables begin with, so that they are not taken for something else. The name C(serial), for
        example, has a meaning of its own in a play.
      - A name that begins so already stays as it is.
    type: str
    default: certificate_
notes:
  - With O(cache), what the table says is cached. In which state a record is, is decided anew each time.
seealso:
  - module: certwright.aws.cert_inventory
  - module: certwright.aws.cert_inventory_info
author:
  - certwright.aws contributors (@certwright)
extends_documentation_fragment:
  - inventory_cache
  - constructed
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - amazon.aws.assume_role.plugins
"""

EXAMPLES = r"""
# fleet.cert_inventory.yml, with the credentials of the environment
plugin: certwright.aws.cert_inventory
region: eu-central-1
table_name: certificates

---

# Only what needs attention, and groups by the user who owns the key
plugin: certwright.aws.cert_inventory
region: eu-central-1
states: [failed, expired]
keyed_groups:
  - key: certificate_owner
    prefix: owned_by
groups:
  web: "'nginx' in certificate_reload_command | default('')"
compose:
  ansible_host: certificate_node_id

---

# A certificate is due too when it was made for other settings than apply now
plugin: certwright.aws.cert_inventory
region: eu-central-1
renew_before: 72h
defaults:
  certificate_authority_arn: arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555
  validity_days: 7
"""

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleParserError
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase

from ansible_collections.certwright.aws.plugins.module_utils.aws import client_config
from ansible_collections.certwright.aws.plugins.module_utils.errors import CertwrightError
from ansible_collections.certwright.aws.plugins.module_utils.host_table.listing import (
    RECORD_STATES,
    Listed,
    Selection,
    assess_all,
    read_items,
)
from ansible_collections.certwright.aws.plugins.module_utils.renewal import parse_duration

GROUP_PREFIX = "certificate_"


class InventoryModule(AWSInventoryBase):
    """Hosts of the host table's records, in groups by their state."""

    NAME = "certwright.aws.cert_inventory"
    INVENTORY_FILE_SUFFIXES = ("cert_inventory.yml", "cert_inventory.yaml")

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache=cache)
        now = datetime.now(timezone.utc)
        selection = Selection(frozenset(self.get_option("states")))
        try:
            listed = assess_all(
                self._items(path, cache),
                now=now,
                renew_before=parse_duration(self.get_option("renew_before")),
                defaults=self.get_option("defaults"),
            )
        except CertwrightError as error:
            raise AnsibleParserError(f"{self.NAME}: {error}") from error
        self._populate(one for one in listed if selection.takes(one, now))

    def _items(self, path: str, cache: bool) -> list[dict[str, Any]]:
        """What the table says, or what the cache says that it said."""
        cached, items = self.get_cached_result(path, cache)
        if not cached:
            items = read_items(self.client("dynamodb", config=client_config()), self.get_option("table_name"))
            self.update_cached_result(path, cache, items)
        return items

    def _populate(self, listed: Iterable[Listed]) -> None:
        prefix, strict = self.get_option("hostvars_prefix"), self.get_option("strict")
        compose, groups = self.get_option("compose"), self.get_option("groups")
        keyed_groups = self.get_option("keyed_groups")
        for state in RECORD_STATES:
            self.inventory.add_group(GROUP_PREFIX + state)
        for one in listed:
            host = one.record.host_id
            values = {
                name if name.startswith(prefix) else prefix + name: value
                for name, value in one.as_result().items()
                if value is not None
            }
            self.inventory.add_host(host, group=GROUP_PREFIX + one.verdict.state)
            for name, value in values.items():
                self.inventory.set_variable(host, name, value)
            self._set_composite_vars(compose, values, host, strict=strict)
            self._add_host_to_composed_groups(groups, values, host, strict=strict)
            self._add_host_to_keyed_groups(keyed_groups, values, host, strict=strict)
