# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the server finds Systems Manager; moto reads these two names."""

from __future__ import annotations

from .responses import Responses

url_bases = [r"https?://ssm\.(.+)\.amazonaws\.com"]
url_paths = {"{0}/$": Responses.dispatch}
