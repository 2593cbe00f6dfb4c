# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SSM Agent as far as its registration goes: it has AWS's options, and the sandbox decides."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

REGISTRATION = Path("/var/lib/amazon/ssm/registration")


def registered(code: str, activation_id: str, region: str) -> str:
    """Register this machine and return its id, or end with what the sandbox said."""
    control = Path("/etc/sandbox-control").read_text().strip()
    request = urllib.request.Request(  # noqa: S310 - the sandbox's own URL
        f"{control}/activations/{activation_id}/register",
        data=json.dumps({"code": code, "region": region, "kind": "simulated"}).encode(),
        method="POST",
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as reply:
            node_id: str = json.load(reply)["id"]
            return node_id
    except urllib.error.HTTPError as error:
        sys.exit(f"error calling RegisterManagedInstance with code {code}: {json.load(error)['error']}")


def main() -> None:
    given = sys.argv[1:]
    if given[:2] != ["-register", "-y"] or given[2::2] != ["-code", "-id", "-region"]:
        sys.exit(f"unknown options: {given}")
    code, activation_id, region = given[3::2]
    node_id = registered(code, activation_id, region)
    os.umask(0o077)
    REGISTRATION.write_text(json.dumps({"ManagedInstanceID": node_id, "Region": region}))


if __name__ == "__main__":
    main()
