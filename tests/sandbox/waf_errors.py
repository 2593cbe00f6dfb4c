# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WAF's errors that moto lacks or names otherwise."""

from __future__ import annotations

from moto.wafv2.exceptions import WAFv2ClientError


class _WafError(WAFv2ClientError):
    def __init__(self, message: str) -> None:
        super().__init__(type(self).__name__, message)


class WAFInvalidParameterException(_WafError):
    """Something in the request is not acceptable."""


class WAFLimitsExceededException(_WafError):
    """The rules need more capacity than the web ACL or rule group has."""


class WAFDuplicateItemException(_WafError):
    """The name is taken."""


class WAFAssociatedItemException(_WafError):
    """The resource is in use elsewhere."""


class WAFUnavailableEntityException(_WafError):
    """A resource that the request refers to was created too recently."""
