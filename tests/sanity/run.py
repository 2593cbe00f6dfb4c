# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run every ``ansible-test sanity`` test on a copy of the collection, and prove that it read the files.

ansible-test wants the collection below ``ansible_collections`` and a get-pip script from the internet; the copy and
a stand-in that calls ensurepip make it work on a machine that only has PyPI.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import ansible.release

from tests.collection_tree import BUILD, copy_to

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
GET_PIP = """\
import subprocess, sys
args = [arg for arg in sys.argv[1:] if arg not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "ensurepip"])
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--upgrade"] + args))
"""
# The names under which ansible-core 2.19 to 2.21 look for the script.
GET_PIP_NAMES = ("get_pip_24_2.py", "get_pip_25_2.py")
FAILED_TESTS = re.compile(r"The (\d+) sanity test\(s\) listed below \(out of \d+\) failed")


def provide_get_pip() -> None:
    """Put the stand-in where ansible-test caches the script, unless there is one."""
    cache = Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for name in GET_PIP_NAMES:
        if not (cache / name).exists():
            (cache / name).write_text(GET_PIP)


def all_tests() -> list[str]:
    """The names of the sanity tests that this ansible-core has."""
    listed = subprocess.run(["ansible-test", "sanity", "--list-tests"], capture_output=True, text=True, check=True)
    return listed.stdout.split()


def reads_files(collection: Path) -> bool:
    """Whether ansible-test finds a defect that we plant, so that a run that reads no files cannot pass."""
    planted = collection / "plugins" / "modules" / "planted.py"
    planted.parent.mkdir(exist_ok=True)
    planted.write_text("#!/usr/bin/python\nimport os\n")
    found = subprocess.run(
        ["ansible-test", "sanity", "--python", PYTHON, "--test", "validate-modules", "plugins/modules/planted.py"],
        check=False,
        cwd=collection,
        capture_output=True,
        text=True,
    )
    planted.unlink()
    return found.returncode != 0 and "planted.py" in found.stdout + found.stderr


def main() -> int:
    """Run the tests and print the closing line."""
    provide_get_pip()
    root = BUILD / "sanity"
    collection = copy_to(root)
    os.chdir(collection)
    tests = all_tests()
    print(f"ansible-core {ansible.release.__version__}, Python {PYTHON}, {len(tests)} tests", flush=True)
    if not reads_files(collection):
        print("ansible-test did not notice a defect that was planted: it reads no files")
        print("0 passed, 1 failed")
        return 1
    run = subprocess.run(
        ["ansible-test", "sanity", "--python", PYTHON, "--color", "no"],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(run.stdout)
    counted = FAILED_TESTS.search(run.stdout)
    failed = int(counted.group(1)) if counted else int(run.returncode != 0)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
