# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing something that others may change too: read, plan, write, and all of it again after a conflict."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from ..errors import AwsError
from .timer import Timer

State = TypeVar("State")
Change = TypeVar("Change", bound=Collection[Any])

ATTEMPTS = 8


def rewrite(
    read: Callable[[], State],
    plan: Callable[[State], Change | None],
    write: Callable[[State, Change], None],
    *,
    conflicts: Collection[str],
    timer: Timer,
    check_mode: bool,
) -> bool:
    """Make a change to what ``read`` finds, until a write is not refused because of somebody else's.

    :param plan: the change that a state needs, None for none; it is asked again after each conflict
    :param write: writes the change, on condition that the state is still the one that was read
    :param conflicts: AWS's codes for a write that lost
    :return: whether what was found first needed a change
    :raises AwsError: a write failed otherwise, or lost :data:`ATTEMPTS` times
    """
    state = read()
    change = plan(state)
    needed = change is not None
    if check_mode:
        return needed
    for attempt in range(ATTEMPTS):
        if change is None:
            break
        try:
            write(state, change)
            break
        except AwsError as error:
            if error.code not in conflicts or attempt == ATTEMPTS - 1:
                raise
        timer.back_off(attempt)
        state = read()
        change = plan(state)
    return needed
