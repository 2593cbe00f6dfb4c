#!/usr/bin/python
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lambda_package
short_description: Build the deployment package of a Lambda function over this collection's core
version_added: 0.1.0
description:
  - Builds a zip file from a handler and those files of the collection's core that it imports, directly or through others.
  - The same sources give the same bytes on any controller, so M(amazon.aws.lambda) changes a function only when its code
    has changed. The files are stored, not compressed.
  - Only the handler and the core are packed. C(boto3) is part of Lambda's Python runtimes; whatever else a handler
    imports has to come from a layer.
  - This is an action plugin. It works on the controller, because Ansible sends a module none of the collection's files but
    those that the module itself imports.
options:
  handler:
    description:
      - The Python file with the handler. A relative path is looked for as M(ansible.builtin.copy) looks for its C(src).
      - It imports the core as C(ansible_collections.certwright.aws.plugins.module_utils), in Lambda too.
    type: path
    required: true
  dest:
    description: Where on the controller to write the zip file. The folder must exist.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and tell what would change, without changing it.
  diff_mode:
    support: full
    description: Returns details on what has changed, or would change in C(check_mode).
  idempotent:
    support: full
    description: Run again with the same options, it changes nothing.
  action:
    support: full
    description: Works on the controller.
seealso:
  - module: amazon.aws.lambda
author:
  - certwright.aws contributors (@certwright)
"""

EXAMPLES = r"""
- name: Build the package
  certwright.aws.lambda_package:
    handler: lambda/handler.py
    dest: /tmp/rotate-origin.zip
  register: package

- name: Create or update the function
  amazon.aws.lambda:
    name: rotate-origin
    zip_file: "{{ package.dest }}"
    runtime: python3.12
    handler: handler.handler
    role: arn:aws:iam::123456789012:role/rotate-origin
"""

RETURN = r"""
dest:
  description: The zip file.
  returned: success
  type: str
  sample: /tmp/rotate-origin.zip
sha256:
  description: Its SHA-256, in hexadecimal.
  returned: success
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
code_sha256:
  description: Its SHA-256 in base64, as Lambda tells it in C(CodeSha256).
  returned: success
  type: str
  sample: n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=
size:
  description: Its size in bytes.
  returned: success
  type: int
  sample: 114983
files:
  description: The names of the files in it.
  returned: success
  type: list
  elements: str
  sample: ["ansible_collections/certwright/aws/plugins/module_utils/aws.py", "handler.py"]
"""
