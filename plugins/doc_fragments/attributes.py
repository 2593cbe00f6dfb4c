# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # For a module that changes something: full check mode, diff and idempotence.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and tell what would change, without changing it.
  diff_mode:
    support: full
    description: Returns details on what has changed, or would change in C(check_mode), never a secret.
  idempotent:
    support: full
    description: Run again with the same options, it changes nothing.
  action_group:
    support: full
    description: Use C(group/certwright.aws.all) in C(module_defaults) to set defaults for this module.
    membership:
      - certwright.aws.all
"""

    # For a module that only reads.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode); this module never changes anything.
  diff_mode:
    support: N/A
    description: Returns details on what has changed, or would change in C(check_mode).
  idempotent:
    support: full
    description: This module never changes anything.
  action_group:
    support: full
    description: Use C(group/certwright.aws.all) in C(module_defaults) to set defaults for this module.
    membership:
      - certwright.aws.all
"""
