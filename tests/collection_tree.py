# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lay the checkout out as Ansible wants it: ``ansible_collections/certwright/aws`` below a collections path.

``link`` makes ``build/ansible_collections`` with a link to the checkout, enough for everything but ansible-test,
which gets a copy (:func:`copy_to`). The AWS collections come from the virtual environment, so no Galaxy is needed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BUILD = CHECKOUT / "build"
INSTALLED = Path(sysconfig.get_path("purelib")) / "ansible_collections"


def link() -> Path:
    """Make ``build/ansible_collections`` and return ``build``, the collections path."""
    collections = BUILD / "ansible_collections"
    _link(collections / "certwright" / "aws", CHECKOUT)
    _link_dependencies(collections)
    return BUILD


def copy_to(root: Path) -> Path:
    """Copy the checkout's files (tracked, and new ones that are not ignored) below ``root`` and return the copy.

    The copy is a git repository of its own: ansible-test asks git for the files, and would else find none.
    """
    target = root / "ansible_collections" / "certwright" / "aws"
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        source = CHECKOUT / name
        if not source.is_file():
            continue
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, destination, follow_symlinks=False)
    subprocess.run(["git", "init", "-q", str(target)], check=True)
    _link_dependencies(root / "ansible_collections")
    return target


def _link_dependencies(collections: Path) -> None:
    for namespace in ("amazon", "community"):
        _link(collections / namespace, INSTALLED / namespace)


def _link(link_path: Path, target: Path) -> None:
    link_path.parent.mkdir(parents=True, exist_ok=True)
    if link_path.is_symlink() and link_path.resolve() == target.resolve():
        return
    link_path.unlink(missing_ok=True)
    link_path.symlink_to(target)


if __name__ == "__main__":
    if sys.argv[1:] != ["link"]:
        sys.exit("usage: python tests/collection_tree.py link")
    link()
