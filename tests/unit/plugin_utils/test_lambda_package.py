# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployment packages: reproducible, complete, and nothing in them that is not used."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from ansible_collections.certwright.aws.plugins.plugin_utils.lambda_package import CORE, build

CHECKOUT = Path(__file__).parents[3]
HANDLER = CHECKOUT / "roles/origin_header/files/lambda/handler.py"


@pytest.fixture
def core(tmp_path):
    """A core with a package, relative imports, and a module that nobody imports."""
    files = {
        "__init__.py": "",
        "errors.py": "",
        "unused.py": "",
        "waf/__init__.py": "",
        "waf/api.py": "from ..errors import Wrong\nimport json\n",
        "waf/flows.py": "from . import api\nif TYPE_CHECKING:\n    from botocore.client import BaseClient\n",
    }
    for name, text in files.items():
        path = tmp_path / "core" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "core"


def packed(tmp_path: Path, core: Path, source: str) -> list[str]:
    handler = tmp_path / "rotate.py"
    handler.write_text(source)
    package, names = build(handler, core)
    assert zipfile.ZipFile(io.BytesIO(package)).namelist() == names
    inside = "ansible_collections/certwright/aws/plugins/module_utils/"
    parents = [f"{Path(*Path(inside).parts[:depth])}/__init__.py" for depth in range(1, 5)]
    assert set(parents) < set(names), "packages, or another ansible_collections would come first"
    return [name.removeprefix(inside) for name in names if name not in parents]


@pytest.mark.parametrize(
    "source",
    [
        f"from {CORE}.waf.flows import ensure",
        f"from {CORE}.waf import flows",
        f"import {CORE}.waf.flows",
        f"def later():\n    from {CORE}.waf.flows import ensure",
    ],
)
def test_what_is_imported_is_packed_and_nothing_else(tmp_path, core, source):
    expected = ["__init__.py", "errors.py", "waf/__init__.py", "waf/api.py", "waf/flows.py", "rotate.py"]
    assert packed(tmp_path, core, source) == expected


def test_a_module_that_does_not_exist_is_refused(tmp_path, core):
    with pytest.raises(FileNotFoundError, match=r"the core has no module .*module_utils\.nothing"):
        packed(tmp_path, core, f"from {CORE}.nothing import x")


def test_the_same_sources_give_the_same_bytes(tmp_path, core):
    handler = tmp_path / "rotate.py"
    handler.write_text(f"from {CORE}.waf import flows\n")
    first, _names = build(handler, core)
    os.utime(core / "errors.py", (0, time.time() + 1000))
    handler.chmod(0o600)
    assert build(handler, core)[0] == first
    (core / "errors.py").write_text("class Wrong(Exception): ...\n")
    assert build(handler, core)[0] != first


def test_the_rotation_function_runs_from_its_package_alone(tmp_path):
    """With nothing on the path but the package and boto3, as in Lambda."""
    package, names = build(HANDLER)
    assert "handler.py" in names
    assert not [name for name in names if "x509" in name or "modules.py" in name]
    (tmp_path / "package.zip").write_bytes(package)
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        archive.extractall(tmp_path / "code")
    program = """
import json, sys
sys.path.insert(0, sys.argv[1])
class Context:
    def get_remaining_time_in_millis(self):
        return 900_000
import handler
try:
    handler.handler({"Step": "makeSecret", "SecretId": "s", "ClientRequestToken": "t" * 32}, Context())
except Exception as error:
    print(json.dumps([type(error).__module__, str(error)]))
"""
    settings = {
        "distributions": [{"id": "E1"}],
        "listener_rules": ["arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/a/b/c/d"],
    }
    run = subprocess.run(
        [sys.executable, "-P", "-c", program, str(tmp_path / "code")],
        env={"ORIGIN_HEADER": json.dumps(settings), "AWS_DEFAULT_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    module, message = json.loads(run.stdout)
    assert module == "ansible_collections.certwright.aws.plugins.module_utils.errors"
    assert message == "step 'makeSecret' is none of createSecret, setSecret, testSecret, finishSecret"
