# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every file of its kind: who may import what, and what belongs to each module and role."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.run import CHECKOUT

CORE = CHECKOUT / "plugins" / "module_utils"
MODULES = {path.stem: path for path in sorted((CHECKOUT / "plugins" / "modules").glob("*.py"))}
ROLES = sorted(path for path in (CHECKOUT / "roles").iterdir() if (path / "meta").is_dir())
TARGETS = CHECKOUT / "tests" / "integration" / "targets"
THREADS = {"threading", "_thread", "concurrent", "multiprocessing", "asyncio"}
MAY_IMPORT = {
    "aws.py": {"boto3", "botocore"},
    "x509.py": {"cryptography"},
    "modules.py": {"ansible", "ansible_collections"},
}
"""The core's files that import more than the standard library."""
WITHOUT_A_HEADER = {"changelogs/changelog.yaml"}
"""Written by antsibull-changelog."""
SOURCES = re.compile(r".*\.(py|sh|ya?ml|j2|toml|cfg)|(.*/)?Makefile|\.ci/run")


def sources() -> list[Path]:
    """The files that people write, those not yet committed included."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [CHECKOUT / name for name in listed if SOURCES.fullmatch(name) and name not in WITHOUT_A_HEADER]


def for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(node: ast.AST) -> Iterator[str]:
    """The absolute names that code imports when it runs."""
    for child in ast.iter_child_nodes(node):
        if for_types_only(child):
            continue
        if isinstance(child, ast.Import):
            yield from (name.name for name in child.names)
        elif isinstance(child, ast.ImportFrom) and child.level == 0 and child.module:
            yield child.module
        else:
            yield from imports(child)


def imported_by(path: Path) -> set[str]:
    """The names of the packages that a file imports, the first part of each."""
    return {name.partition(".")[0] for name in imports(ast.parse(path.read_text()))}


def test_the_core_imports_the_standard_library_and_itself():
    for path in sorted(CORE.rglob("*.py")):
        name = str(path.relative_to(CORE))
        more = imported_by(path) - sys.stdlib_module_names - MAY_IMPORT.get(name, set())
        assert not more, f"{name} imports {more}"


def test_the_core_works_without_what_a_lambda_function_may_lack():
    names = [
        ".".join(path.relative_to(CORE).with_suffix("").parts)
        for path in sorted(CORE.rglob("*.py"))
        if path.name not in ("__init__.py", "modules.py")
    ]
    program = f"""
import importlib, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {{"ansible", "boto3", "botocore", "cryptography", "yaml", "jinja2"}}:
            raise ImportError(name)

sys.meta_path.insert(0, Missing())
for name in {names!r}:
    importlib.import_module("ansible_collections.certwright.aws.plugins.module_utils." + name)
"""
    subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, env={"PYTHONPATH": "build"}, check=True)


def test_nobody_but_the_scheduler_starts_threads():
    others = {*(CHECKOUT / "plugins").rglob("*.py"), *(CHECKOUT / "roles").rglob("*.py")} - {CORE / "scheduler.py"}
    assert [str(path) for path in others if imported_by(path) & THREADS] == []


def test_only_public_parts_of_other_collections_are_used():
    for path in (CHECKOUT / "plugins").rglob("*.py"):
        names = [name for name in imports(ast.parse(path.read_text())) if name.startswith("ansible_collections.")]
        foreign = [name for name in names if not name.startswith("ansible_collections.certwright.")]
        private = [name for name in foreign if any(part.startswith("_") for part in name.split("."))]
        assert not private, f"{path} imports {private}"


def test_every_module_is_in_the_action_group():
    runtime = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text())
    actions = {name for name in MODULES if (CHECKOUT / "plugins" / "action" / f"{name}.py").exists()}
    assert runtime["action_groups"]["all"] == sorted(MODULES.keys() - actions)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_an_integration_target(name):
    own = TARGETS / name if (TARGETS / name).is_dir() else TARGETS / name.removesuffix("_info")
    tasks = "".join(path.read_text() for path in own.rglob("*.yml"))
    assert f"certwright.aws.{name}:" in tasks


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_tell_what_it_would_do(name):
    text = MODULES[name].read_text()
    if "def main()" in text:  # the others are documentation of an action plugin
        assert "supports_check_mode=True" in text
        assert ("- certwright.aws.attributes.info_module\n" in text) == name.endswith("_info")
        assert "  - certwright.aws.attributes" in text


def defaults_of(role: Path) -> dict[str, Any]:
    path = role / "defaults" / "main.yml"
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def options_of(role: Path) -> dict[str, dict[str, Any]]:
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    return {name: option for entry_point in specs.values() for name, option in entry_point.get("options", {}).items()}


def is_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_options_of_a_role_are_its_defaults(role):
    defaults, options = defaults_of(role), options_of(role)
    documented = {name: option["default"] for name, option in options.items() if "default" in option}
    plain = {name: value for name, value in defaults.items() if not is_template(value)}
    assert defaults.keys() <= options.keys()
    assert documented.keys() <= defaults.keys()
    assert plain == {name: value for name, value in documented.items() if name in plain}
    assert not [name for name, option in options.items() if option.get("required") and name in plain]
    assert all(name.startswith(f"{role.name}_") for name in options)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_option_of_a_role_is_used(role):
    text = "".join(path.read_text() for path in role.rglob("*") if path.is_file() and path.parent.name != "meta")
    uses = {name: len(re.findall(rf"\b{name}\b", text)) - (name in defaults_of(role)) for name in options_of(role)}
    assert not [name for name, count in uses.items() if count < 1]


def test_every_source_file_names_its_licence():
    headless = [
        str(path.relative_to(CHECKOUT))
        for path in sources()
        if path.is_file()
        and path.stat().st_size
        and "SPDX-License-Identifier: GPL-3.0-or-later" not in "".join(path.read_text().splitlines(True)[:5])
    ]
    assert headless == []
