# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states of an origin header: present, rotated, absent. Each flow can be repeated and resumed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..renewal import duration_text
from ..secretsmanager import api
from ..secretsmanager.api import CURRENT, PREVIOUS
from .parts import OriginHeader
from .probe import Expectation
from .report import Report, Snapshot, take_snapshot
from .rotation import Rotation, final_values, retire
from .secret import OriginSecret, is_live, next_version_id, secret_of
from .secret_settings import SecretWish, ensure_secret


def ensure_present(origin: OriginHeader, wish: SecretWish, *, check_mode: bool) -> Report:
    """Have the secret exist, the edges send its current value, and the gates demand it, in an order that is safe.

    The gates come first where they demand the header already, last where they do not: at no time is a request of an
    edge refused. While a rotation is under way, what it needs is left alone.

    :raises InputError: it cannot be done as asked; nothing was changed
    :raises WaitTimeout: a change did not take effect in time; run again to go on from there
    """
    described, secret, before = _look(origin)
    existed = secret is not None
    origin.check(_values_of_a_rotation(origin, secret))
    changes = ensure_secret(
        origin.secrets,
        origin.secret_id,
        described,
        wish,
        value_length=origin.settings.value_length,
        check_mode=check_mode,
    )
    if secret is None and not check_mode:
        secret = origin.read_secret()
    if secret and _converge(origin, secret, before, check_mode=check_mode):
        changes.append("distributions or origin differed")
    if not changes:
        return Report(False, "kept", "everything is as it should be", before, before)
    if check_mode:
        versions = secret.version_ids() if secret else {CURRENT: "(new)"}
        after = before.converged(versions, origin.settings.retire_previous)
    else:
        after = take_snapshot(origin, origin.read_secret())
    return Report(True, "updated" if existed else "created", ", ".join(changes), before, after)


def ensure_rotated(
    origin: OriginHeader, wish: SecretWish, *, min_age: timedelta | None, now: datetime, check_mode: bool
) -> Report:
    """Rotate the value when it is old enough, after repairing what :func:`ensure_present` would repair.

    A rotation that was interrupted is resumed whatever its age. A secret that does not exist is created, not rotated.

    :param min_age: of the current value, None for any
    :param now: aware
    :raises InputError: it cannot be done as asked; nothing was changed
    :raises StateError: the test of the new value failed, and the edges were set back
    :raises WaitTimeout: a change did not take effect in time; run again to go on from there
    """
    present = ensure_present(origin, wish, check_mode=check_mode)
    if present.action == "created":
        return present
    secret = origin.read_secret()
    resumed = secret.pending_id is not None
    age = max(now - secret.current.created, timedelta(0))
    age_text = f"the value is {duration_text(age)} old"
    if min_age is not None:
        age_text += f", min_age is {duration_text(min_age)}"
        if not resumed and age < min_age:
            return present.because(age_text)
    action, reason = ("resumed", "a rotation was not finished") if resumed else ("rotated", age_text)
    if check_mode:
        versions = {CURRENT: secret.pending_id or next_version_id(secret.current.id), PREVIOUS: secret.current.id}
        after = present.before.rotated(versions, origin.settings.retire_previous)
        return Report(True, action, reason, present.before, after)
    rotation = Rotation(origin)
    secret = rotation.create_secret(secret)
    if secret.pending is None:
        return present.because("another run has rotated the value meanwhile")
    for step in (rotation.set_secret, rotation.test_secret, rotation.finish_secret):
        step(secret.pending.id)
    return Report(True, action, reason, present.before, take_snapshot(origin, origin.read_secret()))


def ensure_absent(origin: OriginHeader, *, recovery_window_in_days: int, check_mode: bool) -> Report:
    """Have the gates demand the header no longer, then the edges send it no longer, then delete the secret.

    :param recovery_window_in_days: how long the secret can be restored
    :raises InputError: without its rule a web ACL would refuse every request; nothing was changed
    :raises WaitTimeout: the origin still demands the header, and the edges still send it; run again
    """
    described, _secret, before = _look(origin)
    delete = is_live(described)
    if not (before.demanded_anywhere or before.sends_anything or delete):
        return Report(False, "kept", "it is absent", before, before)
    origin.check_removal()
    if not check_mode:
        origin.open()
        if before.sends_anything:
            origin.await_origin(Expectation("no header", None, True))
            origin.send_nothing()
        if delete:
            api.delete_secret(origin.secrets, origin.secret_id, recovery_window_in_days)
    return Report(True, "removed", "it was present", before, before.emptied())


def _look(origin: OriginHeader) -> tuple[dict[str, Any] | None, OriginSecret | None, Snapshot]:
    """What DescribeSecret answers, the secret unless it is missing or deleted, and everything as it is."""
    described = api.describe_secret(origin.secrets, origin.secret_id)
    secret = secret_of(origin.secrets, described)
    return described, secret, take_snapshot(origin, secret)


def _values_of_a_rotation(origin: OriginHeader, secret: OriginSecret | None) -> list[str]:
    """The two values that a gate has to accept while it rotates, with stand-ins for those that do not exist yet."""
    usable = secret.usable_values() if secret else []
    return [*usable, *(character * origin.settings.value_length for character in "xy"[len(usable) :])]


def _converge(origin: OriginHeader, secret: OriginSecret, before: Snapshot, *, check_mode: bool) -> bool:
    """Bring edges and gates to the secret's current value, and tell whether that is a change."""
    allowed = secret.usable_values()
    widen = origin.accept_too(secret, check_mode=check_mode)
    send = origin.send(secret.current, secret, unless=allowed, check_mode=True)
    if send and not check_mode:
        if before.demanded_anywhere:
            origin.await_origin(Expectation(CURRENT, secret.current.value, True))
        origin.send(secret.current, secret, unless=allowed)

    def final(accepted: list[str] | None) -> list[str]:
        return final_values(secret, accepted, origin.settings.retire_previous)

    finish = origin.accept(final, check_mode=True)
    if (send or finish) and not check_mode:
        origin.await_deployed(allowed)
    if finish and not check_mode:
        retire(origin)
    return widen or send or finish
