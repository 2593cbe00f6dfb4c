# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private CA's refusals, by the codes of its API."""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError


def refusal(code: str, message: str) -> JsonRESTError:
    """An exception that the server turns into AWS's 400 reply, for example ``InvalidStateException``."""
    return JsonRESTError(code, message)


def not_found(arn: str) -> JsonRESTError:
    return refusal("ResourceNotFoundException", f"Could not find resource with ARN {arn}.")


def wrong_state(arn: str, status: str) -> JsonRESTError:
    return refusal(
        "InvalidStateException", f"The certificate authority {arn} is in the {status} state: the action is not allowed."
    )
