# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping secret values out of error messages: AWS sometimes quotes the request that it refuses."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..errors import AwsError

HIDDEN = "********"


@contextmanager
def hiding(values: Iterable[str]) -> Iterator[None]:
    """Blank out ``values``, plain and as base64, in whatever AwsError leaves the block.

    botocore's exception is dropped from the chain then, for its text says the same.
    """
    secrets = [text for value in values if value for text in (value, base64.b64encode(value.encode()).decode())]
    try:
        yield
    except AwsError as error:
        detail = error.detail
        for secret in secrets:
            detail = detail.replace(secret, HIDDEN)
        if detail != error.detail:
            raise AwsError(error.operation, error.code, detail) from None
        raise
