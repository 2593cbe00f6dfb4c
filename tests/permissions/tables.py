# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each role's actions are documented, and which files of tasks each part of a table is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .documented import Row, rows
from .signing import access_key_of


@dataclass(frozen=True)
class Table:
    """A table of IAM actions.

    :param parts: for each text of the column ``for``, the files whose tasks use the actions of these rows
    """

    page: str
    heading: str
    parts: Mapping[str, Sequence[str]]

    def rows(self) -> list[Row]:
        return rows(self.page, self.heading)

    def documented(self) -> set[tuple[str, str]]:
        """Each action with what it is for, as the page says."""
        return {(row.part, action) for row in self.rows() for action in row.actions}

    def used(self, by_access_key: Mapping[str, set[str]]) -> set[tuple[str, str]]:
        """Each action with what it is for, as the tasks have used it."""
        return {
            (part, action)
            for part, files in self.parts.items()
            for file in files
            for action in by_access_key.get(access_key_of(file), ())
        }


def tasks(role: str, *names: str) -> list[str]:
    return [f"roles/{role}/tasks/{name}.yml" for name in names]


BOOTSTRAP = Table(
    "docs/host_certificates.md",
    "The role `certificate_platform`",
    {
        "always": tasks(
            "certificate_platform", "main", "host_table", "notifications", "documents", "controller_policy"
        ),
        "a CA of its own": tasks("certificate_platform", "certificate_authority"),
        "`…_crl`": tasks("certificate_platform", "crl_bucket"),
        "`…_roles_anywhere`": tasks("certificate_platform", "roles_anywhere"),
        "both": tasks("certificate_platform", "crl_sync"),
    },
)
CONTROLLER = Table(
    "docs/host_certificates.md",
    "The playbook `register_nodes` and the role `host_certificates`",
    {
        "`register_nodes`": ["playbooks/register_nodes.yml"],
        "the inventory": ["plugins/inventory/cert_inventory"],
        "`host_certificates`": tasks("host_certificates", "main", "rotate", "record", "report"),
    },
)
REVOCATION = Table(
    "docs/revocation.md",
    "The role `certificate_revocation`",
    {
        "revoking": tasks("certificate_revocation", "main"),
        "`…_remove_files`": tasks("certificate_revocation", "remove_files"),
        "the list, also `sync_crl`": tasks("certificate_revocation", "publish_crl"),
    },
)
MANAGED_NODE = Table(
    "docs/roles_anywhere.md",
    "The role `managed_node`",
    {"an activation": tasks("managed_node", "main", "preflight", "register")},
)
ORIGIN_HEADER = Table(
    "docs/origin_header.md",
    "The role `origin_header`",
    {
        "the header": tasks("origin_header", "header"),
        "`…_function`": tasks("origin_header", "main", "function"),
        "`…_state: absent`": tasks("origin_header", "no_function"),
    },
)
TABLES = (BOOTSTRAP, CONTROLLER, REVOCATION, MANAGED_NODE, ORIGIN_HEADER)


def unknown_callers(by_access_key: Mapping[str, set[str]]) -> set[str]:
    """The files of roles and playbooks that have called AWS, and that no table is about."""
    known = {access_key_of(file) for table in TABLES for files in table.parts.values() for file in files}
    ours = {
        key
        for key, actions in by_access_key.items()
        if actions and key.startswith(("roles.", "playbooks.", "plugins."))
    }
    return ours - known
