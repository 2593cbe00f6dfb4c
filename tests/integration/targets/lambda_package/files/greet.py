# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A handler that uses the core."""

from ansible_collections.certwright.aws.plugins.module_utils.renewal import parse_duration


def handler(event, _context):
    """How many seconds a duration has."""
    return parse_duration(event["duration"]).total_seconds()
