# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``aws_signing_helper credential-process`` for the sandbox's nodes.

AWS's own program is written in Go and cannot be had from PyPI. This one has the same options and answers the same,
and leaves the work to AWS's client for Python, ``iam-rolesanywhere-session``. It runs on the node, and reads key and
certificate there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="aws_signing_helper")
    command = parser.add_subparsers(required=True, metavar="COMMAND").add_parser("credential-process")
    for name in ("certificate", "private-key", "trust-anchor-arn", "profile-arn", "role-arn"):
        command.add_argument(f"--{name}", required=True)
    command.add_argument("--intermediates")
    command.add_argument("--role-session-name")
    command.add_argument("--session-duration", type=int, default=3600)
    return parser.parse_args()


def credentials(options: argparse.Namespace) -> dict[str, Any]:
    """Credentials in the form that AWS SDKs expect of a ``credential_process``."""
    import logging

    from iam_rolesanywhere_session import IAMRolesAnywhereSession

    logging.disable(logging.CRITICAL)  # what goes wrong is told once, by this program
    session = IAMRolesAnywhereSession(
        profile_arn=options.profile_arn,
        role_arn=options.role_arn,
        trust_anchor_arn=options.trust_anchor_arn,
        certificate=options.certificate,
        private_key=options.private_key,
        certificate_chain=options.intermediates,
        session_duration=options.session_duration,
        role_session_name=options.role_session_name,
        region=options.trust_anchor_arn.split(":")[3],
        endpoint=os.environ["SIGNING_HELPER_ENDPOINT"],
        verify=os.environ["SIGNING_HELPER_CA"],
    )
    held = session.get_refreshable_credentials()
    frozen = held.get_frozen_credentials()
    return {
        "Version": 1,
        "AccessKeyId": frozen.access_key,
        "SecretAccessKey": frozen.secret_key,
        "SessionToken": frozen.token,
        "Expiration": held._expiry_time.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def main() -> int:
    try:
        print(json.dumps(credentials(arguments())))
    except Exception as error:  # whatever the client raises, as the original does
        print(error, file=sys.stderr)
        return 1
    return 0


def install(root: Path, *, interpreter: str, packages: str, seen_at: str, endpoint: str, ca: str) -> str:
    """Put the program on a node, and return its directory there.

    :param interpreter: a Python as the node sees it, and ``packages`` where it finds the client
    :param seen_at: the node's root as the node sees it, empty for ``/``
    :param ca: what the endpoint's certificate is trusted by, in PEM
    """
    directory = root / "opt/aws"
    directory.mkdir(exist_ok=True)
    (directory / "sandbox-ca.pem").write_text(ca)
    (directory / "signing_helper.py").write_text(Path(__file__).read_text())
    launcher = directory / "aws_signing_helper"
    launcher.write_text(
        "#!/bin/sh\n"
        f"export PYTHONPATH={packages} PYTHONDONTWRITEBYTECODE=1 LD_LIBRARY_PATH={Path(interpreter).parents[1]}/lib\n"
        f"export SIGNING_HELPER_ENDPOINT={endpoint} SIGNING_HELPER_CA={seen_at}/opt/aws/sandbox-ca.pem\n"
        f'exec {interpreter} {seen_at}/opt/aws/signing_helper.py "$@"\n'
    )
    launcher.chmod(0o755)
    return "/opt/aws"


if __name__ == "__main__":
    sys.exit(main())
