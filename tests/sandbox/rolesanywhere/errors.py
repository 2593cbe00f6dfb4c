# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of IAM Roles Anywhere, with the HTTP statuses of its model."""

from __future__ import annotations

from ..errors import Refused


class RolesAnywhereError(Refused):
    """The class's name is AWS's error code."""

    status: int

    def __init__(self, message: str) -> None:
        super().__init__(type(self).__name__, message)


class ValidationException(RolesAnywhereError):
    """The request is not acceptable as it stands."""

    status = 400


class AccessDeniedException(RolesAnywhereError):
    """The caller may not do this; with CreateSession also: the certificate is not good for it."""

    status = 403


class ResourceNotFoundException(RolesAnywhereError):
    """There is no such trust anchor, profile or CRL."""

    status = 404


class TooManyTagsException(RolesAnywhereError):
    """The resource would have more tags than it may."""

    status = 400
