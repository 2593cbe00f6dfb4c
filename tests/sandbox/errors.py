# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a service of the sandbox refuses a request."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class Refused(ServiceException):
    """An error reply, ``Refused("InvalidDocument", "…")``; moto serialises it in the protocol of the request.

    moto's own class cannot be raised outside moto: it looks up the service by the name of its module.
    """
