# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # For a module that works on a list and returns one result for each element.
    DOCUMENTATION = r"""
options:
  on_failure:
    description:
      - What to do when some elements of the list failed. Whatever it says, all elements are attempted and all are
        reported.
      - V(fail) fails the task after everything was attempted.
      - V(report) lets the task succeed; the failed elements are in RV(ignore:failures).
    type: str
    choices: [fail, report]
    default: fail
"""
