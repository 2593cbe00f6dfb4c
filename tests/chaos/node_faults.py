# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong on a node: programs that stand before the machine's, and mounts that make a disk full or read-only.

Everything is done to the node from outside; the documents that run there are the collection's, unchanged.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .account import Account

PROGRAMS = "usr/local/bin"
PLAN, COUNT = "run/kill-before", "run/commands"

# The agent finds its shell by PATH. This one runs a document's script in bash, which can count the script's commands,
# those of its subshells too, and kills the script and all that it started before one of them.
COUNTING_SHELL = r"""#!/bin/bash
case $*,$(cat /run/kill-before 2>/dev/null) in
  "-c /var/lib/amazon/ssm/"*_script.sh,[0-9]*) ;;
  *) exec /bin/sh "$@" ;;
esac
exec /bin/bash -c '
  read -r kill_before </run/kill-before
  set -o functrace
  trap "echo >>/run/commands; mapfile -t ran </run/commands
    [ \${#ran[@]} -lt $kill_before ] || { rm -f /run/kill-before; kill -KILL 0; }" DEBUG
  . "$0"' "$2"
"""
NEVER = 10**6


class NodeKiller:
    """Kills the scripts that run on one node."""

    def __init__(self, root: Path) -> None:
        self._plan, self._count = root / PLAN, root / COUNT
        write_program(root / PROGRAMS / "sh", COUNTING_SHELL)

    def kill_before(self, number: int = NEVER) -> None:
        """Kill the script that runs the ``number``-th command from now on, before that command; count them at least."""
        self._count.unlink(missing_ok=True)
        self._plan.write_text(f"{number}\n")

    @property
    def has_killed(self) -> bool:
        return not self._plan.exists()

    def disarm(self) -> int:
        """Count and kill no more; how many commands have run since :meth:`kill_before`."""
        self._plan.unlink(missing_ok=True)
        return self._count.read_bytes().count(b"\n") if self._count.exists() else 0


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@contextmanager
def program(path: Path, text: str) -> Iterator[None]:
    """While the context lasts, have another program at a path, or one where there is none."""
    before = path.read_text() if path.exists() else None
    write_program(path, text)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            write_program(path, before)


def openssl_program(first: str) -> str:
    """An openssl that does something first, in shell, with the arguments that it was given."""
    return f'#!/bin/sh\n{first}\nexec /usr/bin/openssl "$@"\n'


@contextmanager
def full_disk(account: Account, node_id: str, directory: str) -> Iterator[None]:
    """While the context lasts, keep a directory on a small disk that has no block left."""
    path = shlex.quote(directory)
    account.on_node(
        node_id,
        f"mkdir -p {path} && cp -a {path} /run/disk && mount -t tmpfs -o size=256k tmpfs {path} && "
        f"cp -a /run/disk/. {path} && rm -rf /run/disk && {{ cat /dev/zero >{path}/filling 2>/dev/null || true; }}",
    )
    try:
        yield
    finally:
        account.on_node(
            node_id,
            f"rm {path}/filling && cp -a {path} /run/disk && umount {path} && cp -a /run/disk/. {path} && rm -rf /run/disk",
        )


@contextmanager
def read_only(account: Account, node_id: str, directory: str) -> Iterator[None]:
    """While the context lasts, forbid even root to write to a directory."""
    path = shlex.quote(directory)
    account.on_node(node_id, f"mkdir -p {path} && mount --bind {path} {path} && mount -o remount,bind,ro {path}")
    try:
        yield
    finally:
        account.on_node(node_id, f"umount {path}")
