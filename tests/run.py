# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the test suites, all or the ones named, and end with one line: ``N passed, N failed``.

Two suites run at once (``TEST_JOBS``), the longest first. A suite that ran nothing counts as a failure. What a suite
prints is in ``build/reports/<suite>.log``; its end is shown when the suite failed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.collection_tree import copy_to

CHECKOUT = Path(__file__).resolve().parent.parent
REPORTS = CHECKOUT / "build" / "reports"
BIN = Path(sys.executable).parent
COMMAND_TIMEOUT_S = int(os.environ.get("TEST_TIMEOUT", "2400"))
SHOWN_LINES = 200
NEWEST = ("python3.14", "python3.13")
CLOSING_LINE = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


@dataclass(frozen=True)
class Tally:
    """How many checks of a suite passed and failed."""

    passed: int
    failed: int


def environment() -> dict[str, str]:
    """The environment of every suite: the virtual environment's tools, and nobody's AWS account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
    return kept | {
        "PATH": f"{BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONPATH": f"{CHECKOUT / 'build'}:{CHECKOUT}",
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "build"),
        "ANSIBLE_HOME": str(CHECKOUT / "build" / "ansible-home"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        # Else antsibull-docs takes the AWS collections in the virtual environment for files that git ignores.
        "GIT_CEILING_DIRECTORIES": str(BIN.parent),
    }


def run_logged(suite: str, command: Sequence[str | Path], extra: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command, add its output to the suite's log, and return its exit code and output."""
    words = [str(part) for part in command]
    with (REPORTS / f"{suite}.log").open("a+") as log:
        log.write(f"$ {' '.join(words)}\n")
        log.flush()
        begin = log.tell()
        process = subprocess.Popen(
            words,
            cwd=CHECKOUT,
            env=environment() | dict(extra or {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            code = process.wait(COMMAND_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
            log.write(f"not ended after {COMMAND_TIMEOUT_S} s: killed\n")
        log.seek(begin)
        return code, log.read()


def lint() -> Tally:
    """Formatting, linters, types, shell scripts, changelog and documentation."""
    scripts = sorted(CHECKOUT.glob("roles/*/files/**/*.sh"))
    checks: dict[str, list[str | Path]] = {
        "ruff check": ["ruff", "check", "."],
        "ruff format": ["ruff", "format", "--check", "."],
        "mypy": ["mypy", "plugins/module_utils"],
        "yamllint": ["yamllint", "--strict", "."],
        "shellcheck": ["shellcheck", "--shell=sh", *scripts],
        "ansible-lint": ["ansible-lint", "--offline", "--strict"],
        "antsibull-changelog": ["antsibull-changelog", "lint"],
        "antsibull-docs": [
            "antsibull-docs",
            "lint-collection-docs",
            "--plugin-docs",
            "--skip-rstcheck",
            "--validate-collection-refs",
            "self",
            ".",
        ],
    }
    passed = 0
    for name, command in checks.items():
        code, _output = run_logged("lint", command)
        passed += code == 0
        if code:
            print(f"    {name} failed", flush=True)
    return Tally(passed, len(checks) - passed)


def pytest_suite(suite: str, *paths: str) -> Tally:
    """Run pytest and count from its JUnit report."""
    report = REPORTS / f"{suite}.xml"
    report.unlink(missing_ok=True)
    code, _output = run_logged(suite, ["pytest", "-q", f"--junitxml={report}", *paths])
    if not report.exists():
        return Tally(0, 1)
    totals = ElementTree.parse(report).getroot().find("testsuite")
    assert totals is not None
    ran, skipped = int(totals.get("tests", 0)), int(totals.get("skipped", 0))
    failed = int(totals.get("failures", 0)) + int(totals.get("errors", 0))
    return Tally(ran - skipped - failed, max(failed, int(code != 0)))


def counted(suite: str, *command: str | Path) -> Tally:
    """Run a program of ours that ends with the closing line itself."""
    code, output = run_logged(suite, command)
    closing = CLOSING_LINE.findall(output)
    if not closing:
        return Tally(0, 1)
    passed, failed = map(int, closing[-1])
    return Tally(passed, max(failed, int(code != 0)))


def newest_python() -> Path | None:
    """A Python newer than this one that works: the newest ansible-core needs it."""
    wanted = f"3.{sys.version_info.minor + 1}"
    candidates = [Path(found) for name in NEWEST if (found := shutil.which(name))]
    candidates += [path for name in NEWEST for path in sorted(Path.home().glob(f".pyenv/versions/*/bin/{name}"))]
    for candidate in candidates:
        works = subprocess.run([candidate, "-c", "import venv"], check=False, capture_output=True).returncode == 0
        if works and candidate.name >= f"python{wanted}":
            return candidate
    return None


def newest() -> Tally:
    """The demo once more, in a copy, with the newest Python, ansible-core and amazon.aws."""
    python = newest_python()
    copy = copy_to(CHECKOUT / "build" / "newest")
    command = ["make", "-C", copy, "test", f"PYTHON={python}", f"VENV={CHECKOUT / '.venv-newest'}", "SUITES=demo"]
    return counted("newest", *command)


SUITES: dict[str, Callable[[], Tally]] = {
    "scenarios": lambda: counted("scenarios", "python", "tests/scenarios.py"),
    "integration": lambda: counted("integration", "python", "tests/integration/run.py"),
    "chaos": lambda: pytest_suite("chaos", "--numprocesses=4", "tests/chaos"),
    "newest": newest,
    "unit": lambda: pytest_suite("unit", "tests/unit"),
    "permissions": lambda: pytest_suite("permissions", "--numprocesses=2", "--dist=loadfile", "tests/permissions"),
    "demo": lambda: counted("demo", "python", "tests/demo/check.py"),
    "sanity": lambda: counted("sanity", "python", "tests/sanity/run.py"),
    "lint": lint,
}


def default_suites() -> list[str]:
    """The suites that run when none is named; ``newest`` needs a Python that may not be installed."""
    return [name for name in SUITES if name != "newest" or newest_python()]


def run_suite(name: str) -> Tally:
    """Run one suite, print its outcome, and on a failure what it printed last."""
    (REPORTS / f"{name}.log").unlink(missing_ok=True)
    print(f"== {name} begins", flush=True)
    started = time.monotonic()
    tally = SUITES[name]()
    note = ""
    if tally.passed == 0 and tally.failed == 0:
        note = " (it ran nothing, which counts as a failure)"
        tally = Tally(0, 1)
    log = ""
    if tally.failed:
        log = "\n" + "\n".join((REPORTS / f"{name}.log").read_text(errors="replace").splitlines()[-SHOWN_LINES:])
    seconds = time.monotonic() - started
    print(f"== {name}: {tally.passed} passed, {tally.failed} failed in {seconds:.0f} s{note}{log}", flush=True)
    return tally


def figures() -> list[str]:
    """The numbers that suites left in ``build/reports``, a line each."""
    lines = []
    for name in ("chaos", "origin"):
        report = REPORTS / f"{name}.json"
        if report.exists():
            numbers = {
                key: value for key, value in json.loads(report.read_text()).items() if type(value) in (int, float)
            }
            lines.append(f"{name}: " + ", ".join(f"{key} {value}" for key, value in numbers.items()))
    return lines


def main(names: Sequence[str]) -> int:
    """Run the suites and return the process's exit code."""
    unknown = set(names) - set(SUITES)
    if unknown:
        print(f"no such suite: {', '.join(sorted(unknown))}; there are: {', '.join(SUITES)}", file=sys.stderr)
        return 2
    REPORTS.mkdir(parents=True, exist_ok=True)
    for report in REPORTS.glob("*.json"):
        report.unlink()
    with ThreadPoolExecutor(int(os.environ.get("TEST_JOBS", "2"))) as pool:
        tallies = list(pool.map(run_suite, names or default_suites()))
    passed = sum(tally.passed for tally in tallies)
    failed = sum(tally.failed for tally in tallies)
    print("\n".join([*figures(), f"{passed} passed, {failed} failed"]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
