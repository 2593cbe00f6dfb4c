# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that the modules of the origin header share, with the core's defaults."""

from __future__ import annotations

from typing import Any

from .settings import Settings

SHARED_OPTIONS: dict[str, dict[str, Any]] = {
    "header_name": {"type": "str", "default": Settings.header_name},
    "distributions": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"id": {"type": "str", "required": True}, "origins": {"type": "list", "elements": "str"}},
    },
    "web_acls": {"type": "list", "elements": "str", "default": []},
    "rule_groups": {"type": "list", "elements": "str", "default": []},
    "listener_rules": {"type": "list", "elements": "str", "default": []},
    "rule_name": {"type": "str", "default": Settings.rule_name},
    "test_urls": {"type": "list", "elements": "str", "default": [], "aliases": ["test_url"]},
    "test_refused_status": {"type": "list", "elements": "int", "default": list(Settings.test_refused_status)},
    "test_accepted_status": {"type": "list", "elements": "int", "default": []},
    "test_ca_path": {"type": "path"},
}
"""Who sends the header, who demands it, and how to ask the origin."""

CHANGE_OPTIONS: dict[str, dict[str, Any]] = {
    "rule_priority": {"type": "int"},
    "rule_action": {"type": "str", "choices": ["allow", "block"]},
    "value_length": {"type": "int", "default": Settings.value_length},
    "retire_previous": {
        "type": "str",
        "choices": ["after_deployed", "next_rotation"],
        "default": Settings.retire_previous,
    },
    "settle_time": {"type": "float", "default": Settings.settle_time},
    "propagation_wait": {"type": "float", "default": Settings.propagation_wait},
    "propagation_timeout": {"type": "float", "default": Settings.propagation_timeout},
    "deployment_timeout": {"type": "float", "default": Settings.deployment_timeout},
}
"""How it is changed, beside what :data:`SHARED_OPTIONS` says."""
