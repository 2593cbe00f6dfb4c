# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a certificate is due for renewal, and why: the one decision that modules, roles and inventory share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from .errors import InputError

State = Literal["missing", "failed", "expired", "due", "valid"]

_DURATION = re.compile(r"(\d{1,9})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Verdict:
    """The decision on one certificate.

    ``state`` is what users see and group by; ``reason`` completes "renewed because it …" or "kept because it …",
    for example ``expires in 9 h, renewal window 24 h``.
    """

    due: bool
    state: State
    reason: str


def renewal_verdict(
    *,
    expiry: datetime | None,
    now: datetime,
    renew_before: timedelta,
    revoked: bool = False,
    drifted: bool = False,
    forced: bool = False,
    failed: bool = False,
) -> Verdict:
    """Decide whether a certificate is due.

    :param expiry: when the certificate ends (aware), None when there is no certificate or none is recorded
    :param renew_before: how long before ``expiry`` the renewal window opens
    :param revoked: the certificate was revoked
    :param drifted: the certificate differs from what is asked for now
    :param forced: the user asked for a renewal whatever the expiry
    :param failed: the last attempt to renew failed; it is attempted again
    """
    if failed:
        return Verdict(True, "failed", "last attempt failed")
    if expiry is None:
        return Verdict(True, "missing", "no certificate recorded")
    left = expiry - now
    if left <= timedelta(0):
        return Verdict(True, "expired", f"expired {duration_text(-left)} ago")
    ends = f"expires in {duration_text(left)}, renewal window {duration_text(renew_before)}"
    causes = {
        "revoked": revoked,
        "differs from what is asked for": drifted,
        ends: left <= renew_before,
        f"renewal forced, {ends}": forced,
    }
    cause = next((text for text, applies in causes.items() if applies), None)
    return Verdict(True, "due", cause) if cause else Verdict(False, "valid", ends)


def parse_duration(text: str) -> timedelta:
    """Read a duration such as ``48h``, ``7d``, ``30m`` or ``1d12h``.

    :raises InputError: it is none
    """
    compact = text.strip().lower()
    parts = _DURATION.findall(compact)
    if not parts or _DURATION.sub("", compact).strip():
        raise InputError(
            f"{text!r} is not a duration: write a number and s, m, h, d or w, for example 48h, 7d or 1d12h"
        )
    try:
        return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    except OverflowError as error:
        raise InputError(f"{text!r} is longer than a duration can be") from error


def duration_text(duration: timedelta) -> str:
    """A duration for people, in its two largest fitting units: ``9 h``, ``6 d 3 h``, ``45 min``."""
    minutes = int(duration.total_seconds() // 60)
    if minutes < 1:
        return f"{int(duration.total_seconds())} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 72:
        return f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
