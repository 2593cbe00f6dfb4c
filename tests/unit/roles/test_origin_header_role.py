# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role origin_header hands every setting on, to the module and to the rotation function alike."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import yaml

from ansible_collections.certwright.aws.plugins.module_utils.origin.settings import Settings

ROLE = Path(__file__).parents[3] / "roles" / "origin_header"
SETTINGS = {field.name for field in fields(Settings)}


def load(name: str):
    return yaml.safe_load((ROLE / name).read_text())


def test_the_function_is_told_every_setting():
    assert set(load("vars/main.yml")["origin_header_function_settings"]) == SETTINGS


def test_the_module_is_told_every_setting():
    (task, _debug) = load("tasks/header.yml")
    assert set(task["certwright.aws.waf_origin_secret"]) >= SETTINGS


def test_defaults_are_those_of_the_core():
    defaults = load("defaults/main.yml")
    names = {"header_name": "name"}
    for field in fields(Settings):
        name = f"origin_header_{names.get(field.name, field.name)}"
        if name in defaults and field.name not in ("distributions",):
            value = defaults[name]
            assert field.default == (tuple(value) if isinstance(value, list) else value), name


def test_the_documented_defaults_are_the_defaults():
    options = load("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = load("defaults/main.yml")
    assert set(defaults) <= set(options)
    computed = {name for name, value in defaults.items() if isinstance(value, str) and "{{" in value}
    documented = {name: option["default"] for name, option in options.items() if "default" in option}
    assert documented == {name: value for name, value in defaults.items() if name not in computed}
