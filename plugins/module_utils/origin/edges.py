# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sending side: a CloudFront distribution that adds the header to what it asks its origins for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from . import cloudfront, header
from .optimistic import rewrite
from .redaction import hiding
from .settings import DistributionChoice
from .timer import Timer

if TYPE_CHECKING:
    from botocore.client import BaseClient


@dataclass(frozen=True)
class EdgeState:
    """A distribution as it was read. ``sent`` is the header's value by origin, None where it is not sent."""

    deployed: bool
    enabled: bool
    sent: dict[str, str | None] = field(repr=False)
    config: dict[str, Any] = field(repr=False)
    etag: str


class Edge:
    """One distribution and the origins of it that get the header."""

    def __init__(self, client: BaseClient, choice: DistributionChoice, header_name: str, timer: Timer) -> None:
        self._client = client
        self._choice = choice
        self._header_name = header_name
        self._timer = timer
        self.id = choice.id

    def read(self) -> EdgeState:
        """The distribution as it is now.

        :raises InputError: it or a chosen origin does not exist
        :raises AwsError: AWS refused
        """
        answer = cloudfront.get_distribution(self._client, self.id)
        config = answer["Distribution"]["DistributionConfig"]
        origin_ids = header.chosen_origins(config, self.id, self._choice.origins)
        return EdgeState(
            deployed=answer["Distribution"]["Status"] == "Deployed",
            enabled=config["Enabled"],
            sent=header.header_values(config, origin_ids, self._header_name),
            config=config,
            etag=answer["ETag"],
        )

    def check(self, value: str) -> None:
        """Refuse a distribution that cannot be made to send ``value``.

        :raises InputError: with the reason
        """
        state = self.read()
        if not state.enabled:
            raise InputError(f"distribution {self.id} is disabled: enable it, or leave it out")
        wanted = header.with_header(state.config, list(state.sent), self._header_name, value)
        header.check_header_limits(wanted, list(state.sent), self.id)

    def send(
        self, value: str, *, unless: Collection[str], confirm: Callable[[], None], check_mode: bool = False
    ) -> bool:
        """Have the chosen origins sent ``value``, and tell whether that is a change.

        :param unless: origins that are sent one of these values are left alone
        :param confirm: called after the distribution was read and before it is changed; raises when it must not be
        :raises AwsError: AWS refused
        """

        def plan(state: EdgeState) -> dict[str, Any] | None:
            origin_ids = [origin for origin, sent in state.sent.items() if sent != value and sent not in unless]
            if not origin_ids:
                return None
            confirm()
            return header.with_header(state.config, origin_ids, self._header_name, value)

        return self._rewrite(plan, check_mode)

    def remove(self) -> None:
        """Have the chosen origins sent no such header.

        :raises AwsError: AWS refused
        """

        def plan(state: EdgeState) -> dict[str, Any] | None:
            origin_ids = [origin for origin, sent in state.sent.items() if sent is not None]
            return header.without_header(state.config, origin_ids, self._header_name) if origin_ids else None

        self._rewrite(plan, check_mode=False)

    def _rewrite(self, plan: Callable[[EdgeState], dict[str, Any] | None], check_mode: bool) -> bool:
        return rewrite(
            self.read, plan, self._write, conflicts=cloudfront.CONFLICTS, timer=self._timer, check_mode=check_mode
        )

    def _write(self, state: EdgeState, config: dict[str, Any]) -> None:
        origins = config["Origins"]["Items"]
        items = [item for origin in origins for item in origin.get("CustomHeaders", {}).get("Items", [])]
        with hiding(item["HeaderValue"] for item in items):
            cloudfront.update_distribution(self._client, self.id, config, state.etag)
