# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rotation of an origin header's value: Secrets Manager's four steps, for the module and the Lambda function alike.

No request is refused on the way, because every step keeps to one rule: *the origin accepts each value that an edge may
be sending*. Values are only added to what the origin accepts, until every distribution is Deployed with the new one;
only then, and only if nobody has begun another rotation, are the others taken away.

Every step can be repeated, and finds out by itself what a step that was cut off has left undone.
"""

from __future__ import annotations

from ..errors import AwsError, StateError, WaitTimeout
from ..secretsmanager import api
from ..secretsmanager.api import CURRENT, PENDING, PREVIOUS
from .gates import Accepted, together
from .parts import OriginHeader
from .probe import Expectation, refusals
from .secret import OriginSecret, Version, ensure_pending
from .settings import RetirePrevious


class Rotation:
    """The steps of one rotation, named as Secrets Manager names them."""

    def __init__(self, origin: OriginHeader) -> None:
        self._origin = origin

    def create_secret(self, secret: OriginSecret, rotation_token: str | None = None) -> OriginSecret:
        """Make the pending version, unless there is one.

        :param secret: as it was when the rotation was decided
        :param rotation_token: what Secrets Manager handed to the rotation function
        :return: the secret with its pending version, or without one when another run has finished the rotation
        """
        origin = self._origin
        return ensure_pending(origin.secrets, secret, origin.settings.value_length, rotation_token=rotation_token)

    def set_secret(self, version_id: str) -> None:
        """Have the origin accept the pending value beside the current one, then have the edges send it.

        :raises InputError: it cannot be carried through; nothing was changed
        :raises WaitTimeout: the origin does not accept the pending value in time; the edges were not changed
        """
        secret = self._secret(version_id)
        if secret.pending is None:
            return
        self._origin.check(secret.usable_values())
        self._origin.accept_too(secret)
        if self._origin.send(secret.pending, secret, check_mode=True):
            self._origin.await_origin(Expectation(PENDING, secret.pending.value, True))
            self._origin.send(secret.pending, secret)

    def test_secret(self, version_id: str) -> None:
        """Ask the origin: the pending and the current value must pass, no value, an empty and a wrong one must not.

        When they do not, the edges are set back to the current value; the pending version is kept for inspection, and
        is tried again by the next rotation.

        :raises StateError: the test failed
        """
        secret = self._secret(version_id)
        try:
            self._origin.test_origin([*self._expected_to_pass(secret), *refusals()])
        except WaitTimeout as problem:
            self._roll_back(version_id, problem)

    def finish_secret(self, version_id: str) -> None:
        """Once every distribution is Deployed with the new value, make it AWSCURRENT and retire the old one.

        :raises StateError: a distribution sends another value
        :raises WaitTimeout: the distributions are not Deployed in time; the origin accepts both values
        """
        secret = self._secret(version_id)
        new = secret.pending or secret.current
        self._origin.await_deployed({new.value})
        if secret.pending:
            self._move_current(secret, secret.pending)
        retire(self._origin)

    def _secret(self, version_id: str) -> OriginSecret:
        """The secret, of which ``version_id`` must be the pending or the current version."""
        secret = self._origin.read_secret()
        if version_id not in (secret.current.id, secret.pending_id):
            raise StateError(
                f"version {version_id} of secret {secret.name} is neither AWSPENDING nor AWSCURRENT: "
                "another rotation has taken its place"
            )
        return secret

    def _expected_to_pass(self, secret: OriginSecret) -> list[Expectation]:
        """The current value, and the pending one if it was set.

        It was not when Secrets Manager only tries out a rotation function, with a version of its own making.
        """
        expected = [Expectation(CURRENT, secret.current.value, True)]
        if secret.pending:
            value = secret.pending.value
            sent = [state.sent.values() for state in self._origin.read_edges().values()]
            accepted = [values or [] for values in self._origin.read_gates().values()]
            if any(value in values for values in [*sent, *accepted]):
                expected.append(Expectation(PENDING, value, True))
        return expected

    def _roll_back(self, version_id: str, problem: WaitTimeout) -> None:
        """Set the edges back to the current value, unless another run has finished this rotation meanwhile."""
        secret = self._secret(version_id)
        if secret.pending is None:
            return
        rolled_back = self._origin.send(secret.current, secret)
        # Another run that finishes just now may have retired the value that the edges are set back to.
        self._origin.accept(lambda accepted: None if accepted is None else together(accepted, [secret.current.value]))
        consequence = (
            "the distributions were set back to AWSCURRENT, and AWSPENDING is kept: the next rotation tries it again"
            if rolled_back
            else "the distributions still send AWSCURRENT"
        )
        raise StateError(f"the test failed: {problem}; {consequence}") from None

    def _move_current(self, secret: OriginSecret, pending: Version) -> None:
        client = self._origin.secrets
        try:
            api.move_current(client, secret.arn, from_version=secret.current.id, to_version=pending.id)
        except AwsError:
            # The reply to a first attempt was lost, or another run of the same rotation was faster.
            if self._origin.read_secret().current.id != pending.id:
                raise
        api.remove_pending(client, secret.arn, pending.id)


def final_values(secret: OriginSecret, accepted: Accepted, retire_previous: RetirePrevious) -> list[str]:
    """What a gate accepts in the end, when every edge sends the current value.

    While a rotation is under way that is the pending value too, and whatever is accepted already.
    """
    if secret.pending:
        return together(accepted or [], secret.usable_values())
    keeps_previous = retire_previous == "next_rotation" and secret.previous is not None
    kept = [secret.previous.value] if keeps_previous and secret.previous else []
    return together([secret.current.value], [value for value in kept if value in (accepted or [])])


def retire(origin: OriginHeader) -> bool:
    """Have every gate demand the header and accept what it should in the end; tell whether that is a change.

    To be called when every distribution is Deployed with the current value. Whether that still holds is looked up
    between each gate's reading and its writing: a rotation that was begun before is seen, and one that is begun after
    changes the gate's lock token.

    :raises WaitTimeout: the origin does not act accordingly in time; it was configured all the same
    """
    retired: dict[str, Expectation] = {}

    def choose(accepted: Accepted) -> list[str]:
        secret = origin.read_secret()
        origin.refuse_other_values(origin.read_edges(), secret.usable_values())
        final = final_values(secret, accepted, origin.settings.retire_previous)
        for value in set(accepted or []) - set(final):
            retired[value] = Expectation(secret.label(value) or PREVIOUS, value, False)
        return final

    changed = origin.accept(choose)
    if changed and origin.probed:
        current = Expectation(CURRENT, origin.read_secret().current.value, True)
        try:
            origin.await_origin(current, *refusals(), *retired.values())
        except WaitTimeout as problem:
            raise WaitTimeout(f"everything is set up, but {problem}") from None
    return changed
