# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody else changes in an account, without a playbook."""

from __future__ import annotations

import io
import json
import zipfile

from tests.sandbox.client import Sandbox

ANOTHER_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def change_role(sandbox: Sandbox, role: str) -> None:
    """Change the description of a role, and who may assume it."""
    iam = sandbox.client("iam")
    iam.update_role(RoleName=role, Description="changed by hand")
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(ANOTHER_TRUST))


def change_function(sandbox: Sandbox, function: str, statement_id: str) -> None:
    """Change the code of a function, and whom a statement of its policy lets invoke it."""
    functions = sandbox.client("lambda")
    functions.update_function_code(FunctionName=function, ZipFile=another_package())
    functions.remove_permission(FunctionName=function, StatementId=statement_id)
    functions.add_permission(
        FunctionName=function,
        StatementId=statement_id,
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )


def another_package() -> bytes:
    """A function's package that is none of ours."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("another.py", "def handler(event, context): pass\n")
    return package.getvalue()
