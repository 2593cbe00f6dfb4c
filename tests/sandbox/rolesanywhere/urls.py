# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which requests the service answers, in the form that moto looks for."""

from __future__ import annotations

from . import responses, sessions

url_bases = [r"https?://rolesanywhere\.(.+)\.amazonaws\.com"]
# CreateSession first: the second pattern matches its path too.
url_paths = {
    "{0}/sessions$": sessions.create_session,
    "{0}/(?P<path>.+)$": responses.RolesAnywhereResponse.dispatch,
}
