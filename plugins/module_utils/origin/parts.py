# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that takes part in an origin header: the secret, the edges that send its value, the gates that demand it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ..errors import StateError
from ..scheduler import Outcome, run_each
from . import elbv2, wafv2
from .edges import Edge, EdgeState
from .gates import Accepted, Choose, Gate, ListenerGate, WafGate, together
from .probe import Answer, Expectation, Prober, observe
from .secret import OriginSecret, Version, read_secret, refuse_stale
from .settings import Settings
from .timer import Timer

if TYPE_CHECKING:
    from botocore.client import BaseClient

Clients = Callable[[str, "str | None"], "BaseClient"]
"""Makes a client for a service and a Region; without a Region, for the one that was configured."""

TEST_TIMEOUT_S = 30


class OriginHeader:
    """One header with its secret, its edges and its gates.

    :param prober: asks the origin; None when it cannot be asked
    :raises InputError: the settings name something that cannot take part
    """

    def __init__(
        self, settings: Settings, secret_id: str, clients: Clients, timer: Timer, prober: Prober | None
    ) -> None:
        clients = cache(clients)
        self.settings = settings
        self.secret_id = secret_id
        self.secrets = clients("secretsmanager", None)
        self._timer = timer
        cloudfront = clients("cloudfront", None)
        self.edges = [Edge(cloudfront, choice, settings.header_name, timer) for choice in settings.distributions]
        self.gates = _gates(settings, clients, timer)
        self._prober = prober

    def read_secret(self) -> OriginSecret:
        """The secret as it is now.

        :raises InputError: it does not exist or is no origin secret
        """
        return read_secret(self.secrets, self.secret_id)

    def read_edges(self) -> dict[str, EdgeState]:
        """The distributions as they are now, by id."""
        outcomes = run_each(self.edges, lambda edge: edge.read())
        return {outcome.item.id: outcome.result() for outcome in outcomes}

    def read_gates(self) -> dict[str, list[str] | None]:
        """The values that each gate accepts now, by ARN; None for a gate that does not demand the header."""
        outcomes = run_each(self.gates, lambda gate: gate.accepted())
        return {outcome.item.arn: outcome.result() for outcome in outcomes}

    def check(self, values: Sequence[str]) -> None:
        """Refuse what could not be carried through with these values, before anything is changed.

        :raises InputError: with what is wrong, where, and what would be right
        """
        longest = max(values, key=len)
        for sending in run_each(self.edges, lambda edge: edge.check(longest)):
            sending.result()
        for demanding in run_each(self.gates, lambda gate: gate.check(values)):
            demanding.result()

    def send(
        self, version: Version, secret: OriginSecret, *, unless: Collection[str] = (), check_mode: bool = False
    ) -> bool:
        """Have every edge send the value of ``version``, and tell whether that is a change.

        :param secret: of which it is a version; when it was relabelled meanwhile, no further edge is changed
        :param unless: origins that are sent one of these values are left alone
        :raises StateError: another run has relabelled the secret
        """
        outcomes = run_each(
            self.edges,
            lambda edge: edge.send(
                version.value,
                unless=unless,
                confirm=lambda: refuse_stale(self.secrets, secret),
                check_mode=check_mode,
            ),
        )
        return _any_changed(outcomes)

    def accept_too(self, secret: OriginSecret, *, check_mode: bool = False) -> bool:
        """Have every gate that demands the header accept the current and the pending value; tell whether that is a change.

        Nothing that is accepted already is taken away.

        :raises StateError: another run has relabelled the secret
        """
        values = secret.usable_values()

        def choose(accepted: Accepted) -> Accepted:
            if accepted is None or set(values) <= set(accepted):
                return None
            refuse_stale(self.secrets, secret)
            return together(accepted, values)

        return self.accept(choose, check_mode=check_mode)

    def accept(self, choose: Choose, *, check_mode: bool = False) -> bool:
        """Have every gate accept what ``choose`` says; tell whether that is a change."""
        outcomes = run_each(self.gates, lambda gate: gate.accept(choose, check_mode=check_mode))
        return _any_changed(outcomes)

    def check_removal(self) -> None:
        """Refuse to stop demanding the header where that would shut everybody out.

        :raises InputError: with the reason
        """
        for outcome in run_each(self.gates, lambda gate: gate.check_removal()):
            outcome.result()

    def open(self) -> None:
        """Have no gate demand the header any longer."""
        for outcome in run_each(self.gates, lambda gate: gate.remove()):
            outcome.result()

    def send_nothing(self) -> None:
        """Have no edge send the header any longer."""
        for outcome in run_each(self.edges, lambda edge: edge.remove()):
            outcome.result()

    @property
    def probed(self) -> bool:
        """Whether the origin can be asked."""
        return self._prober is not None

    def ask_origin(self, expectations: Sequence[Expectation]) -> list[Answer]:
        """What the origin answers now; nothing when it cannot be asked."""
        return self._prober.ask_all(expectations) if self._prober else []

    def await_origin(self, *expectations: Expectation) -> None:
        """Return when a change of the gates has reached the origin: as observed, or else after the configured wait.

        :raises WaitTimeout: it did not within ``propagation_timeout``
        """
        settings = self.settings
        if self._prober is None:
            self._timer.wait(settings.propagation_wait, "the change to reach the origin (propagation_wait)")
            return
        observe(
            self._prober,
            expectations,
            self._timer,
            settle_s=settings.settle_time,
            timeout_s=settings.propagation_timeout,
        )

    def test_origin(self, expectations: Sequence[Expectation]) -> None:
        """Have the origin answer every request as expected once; without test URLs nothing is tested.

        :raises WaitTimeout: it did not, with the answer that was wrong
        """
        if self._prober is not None:
            timeout_s = min(TEST_TIMEOUT_S, self.settings.propagation_timeout)
            observe(self._prober, expectations, self._timer, settle_s=0, timeout_s=timeout_s)

    def await_deployed(self, allowed: Collection[str]) -> None:
        """Return when every distribution is Deployed and sends nothing but ``allowed`` values.

        :raises StateError: a distribution is configured to send another value
        :raises WaitTimeout: they were not Deployed within ``deployment_timeout``
        """
        deploying: list[str] = []

        def attempt() -> bool | None:
            states = self.read_edges()
            self.refuse_other_values(states, allowed)
            deploying[:] = [edge_id for edge_id, state in states.items() if not state.deployed]
            return None if deploying else True

        self._timer.until(
            attempt,
            timeout_s=self.settings.deployment_timeout,
            what=lambda: f"distribution {', '.join(deploying)} to be Deployed",
        )

    @staticmethod
    def refuse_other_values(states: dict[str, EdgeState], allowed: Collection[str]) -> None:
        """Refuse to go on when a distribution is configured to send another value than ``allowed``.

        :raises StateError: naming the distribution and the origin
        """
        for edge_id, state in states.items():
            for origin, sent in state.sent.items():
                if sent not in allowed:
                    raise StateError(
                        f"distribution {edge_id} was changed meanwhile and no longer sends origin {origin} the right "
                        "value: the origin still accepts what it accepted; run again"
                    )


def connect(settings: Settings, secret_id: str, clients: Clients, timer: Timer) -> OriginHeader:
    """The origin header that the settings describe.

    :raises InputError: the settings name something that cannot take part
    """
    prober = None
    if settings.test_urls:
        prober = Prober(
            settings.test_urls,
            settings.header_name,
            refused_status=settings.test_refused_status,
            accepted_status=settings.test_accepted_status,
            ca_path=settings.test_ca_path,
        )
    return OriginHeader(settings, secret_id, clients, timer, prober)


def _any_changed(outcomes: Iterable[Outcome[Any, bool]]) -> bool:
    changes = [outcome.result() for outcome in outcomes]  # the whole list, so that no error is passed over
    return any(changes)


def _gates(settings: Settings, clients: Clients, timer: Timer) -> list[Gate]:
    waf = [
        *(wafv2.parse_arn(arn, "web ACL") for arn in settings.web_acls),
        *(wafv2.parse_arn(arn, "rule group") for arn in settings.rule_groups),
    ]
    listener_rules = [(arn, elbv2.region_of_rule(arn)) for arn in settings.listener_rules]
    return [
        *(WafGate(clients("wafv2", resource.region), resource, settings, timer) for resource in waf),
        *(ListenerGate(clients("elbv2", region), arn, settings.header_name, timer) for arn, region in listener_rules),
    ]
