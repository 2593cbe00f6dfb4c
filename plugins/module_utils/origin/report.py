# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users are shown of an origin header: which version of the secret is sent and accepted where, never a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..secretsmanager.api import CURRENT, PENDING, PREVIOUS
from .edges import EdgeState
from .parts import OriginHeader
from .secret import UNKNOWN, OriginSecret
from .settings import RetirePrevious


@dataclass(frozen=True)
class Snapshot:
    """An origin header at one moment, its values by the labels of their versions.

    :param secret_arn: None without a secret
    :param versions: version ids by label; empty without a secret
    :param distributions: by distribution and origin what is sent: a label, ``unknown``, or None for no header
    :param gates: by ARN what is accepted: labels, or None where the header is not demanded
    """

    secret_arn: str | None
    versions: dict[str, str]
    distributions: dict[str, dict[str, str | None]]
    gates: dict[str, list[str] | None]

    def as_result(self) -> dict[str, Any]:
        """As modules return it, and as their diff shows it."""
        return {"versions": self.versions, "distributions": self.distributions, "gates": self.gates}

    def converged(self, versions: dict[str, str], retire_previous: RetirePrevious) -> Snapshot:
        """As it will be when it is present with these versions; a rotation under way is left as it is."""
        usable = {CURRENT, PENDING} & versions.keys()
        kept = usable | ({PREVIOUS} if retire_previous == "next_rotation" else set())
        return Snapshot(
            self.secret_arn,
            versions,
            {
                edge: {origin: label if label in usable else CURRENT for origin, label in sent.items()}
                for edge, sent in self.distributions.items()
            },
            {arn: sorted(usable | (kept & set(accepted or []))) for arn, accepted in self.gates.items()},
        )

    def rotated(self, versions: dict[str, str], retire_previous: RetirePrevious) -> Snapshot:
        """As it will be after a rotation to these versions."""
        accepted = [CURRENT, PREVIOUS] if retire_previous == "next_rotation" else [CURRENT]
        return Snapshot(
            self.secret_arn,
            versions,
            {edge: dict.fromkeys(sent, CURRENT) for edge, sent in self.distributions.items()},
            {arn: list(accepted) for arn in self.gates},
        )

    def emptied(self) -> Snapshot:
        """As it will be when it is absent."""
        nothing_sent = {edge: dict.fromkeys(sent) for edge, sent in self.distributions.items()}
        return Snapshot(None, {}, nothing_sent, dict.fromkeys(self.gates))

    @property
    def sends_anything(self) -> bool:
        """Whether an edge sends the header."""
        return any(label is not None for sent in self.distributions.values() for label in sent.values())

    @property
    def demanded_anywhere(self) -> bool:
        """Whether a gate demands the header."""
        return any(accepted is not None for accepted in self.gates.values())


def take_snapshot(
    origin: OriginHeader, secret: OriginSecret | None, states: dict[str, EdgeState] | None = None
) -> Snapshot:
    """Look at every edge and gate.

    :param secret: None when it does not exist; whatever is sent or accepted is ``unknown`` then
    :param states: the edges, where they were read just now
    """

    def label(value: str | None) -> str | None:
        if value is None:
            return None
        return secret.label(value) if secret else UNKNOWN

    return Snapshot(
        secret.arn if secret else None,
        secret.version_ids() if secret else {},
        {
            edge: {origin_id: label(value) for origin_id, value in state.sent.items()}
            for edge, state in (states or origin.read_edges()).items()
        },
        {
            arn: None if values is None else sorted(str(label(value)) for value in values)
            for arn, values in origin.read_gates().items()
        },
    )


@dataclass(frozen=True)
class Report:
    """What a flow did, or in check mode would do. ``reason`` completes "action, because …"."""

    changed: bool
    action: str
    reason: str
    before: Snapshot
    after: Snapshot

    def because(self, reason: str) -> Report:
        """The same, with another reason."""
        return replace(self, reason=reason)

    def as_result(self) -> dict[str, Any]:
        """As modules return it."""
        return {
            "changed": self.changed,
            "action": self.action,
            "reason": self.reason,
            "secret_arn": self.after.secret_arn,
            "origin_header": self.after.as_result(),
            "diff": {"before": self.before.as_result(), "after": self.after.as_result()},
        }
