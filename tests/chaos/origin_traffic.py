# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Continuous requests: through the edges, where all must be answered, and directly to the origin, where none may be."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.origin_site import HEADER

PAUSE_S = 0.015
TIMEOUT_S = 30
REFUSED = 403
EXAMPLES = 5


@dataclass
class Tally:
    """What became of the requests of one kind."""

    sent: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)

    def count(self, outcome: str, right: bool) -> None:
        self.sent += 1
        if not right:
            self.wrong += 1
            if len(self.examples) < EXAMPLES:
                self.examples.append(outcome)


class Client(threading.Thread):
    """Sends one request after the other over a kept connection until it is stopped.

    :param headers: called for each request
    :param right: tells whether an answer's status is as it should be
    """

    def __init__(self, url: str, headers: Callable[[], Mapping[str, str]], right: Callable[[int], bool]) -> None:
        super().__init__(daemon=True)
        self.tally = Tally()
        self.phase = ""
        self._address = urlsplit(url).netloc
        self._headers, self._right = headers, right
        self._stopping = threading.Event()
        self._began = time.monotonic()

    def run(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_S)
        while not self._stopping.wait(PAUSE_S):
            headers = self._headers()
            try:
                connection.request("GET", "/shop", headers=dict(headers))
                response = connection.getresponse()
                response.read()
                outcome, right = f"status {response.status}", self._right(response.status)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                outcome, right = f"{type(error).__name__}: {error}", False
            self.tally.count(f"{time.monotonic() - self._began:.2f} s, {self.phase}: {outcome}", right)

    def stop(self) -> Tally:
        self._stopping.set()
        self.join(TIMEOUT_S)
        return self.tally


class Traffic:
    """A client for each edge, and one that goes to the origin itself with no value, an empty, a wrong and old ones."""

    def __init__(self, edges: list[Mapping[str, Any]], origin: Mapping[str, Any]) -> None:
        self._retired: list[str] = []
        self._turns = itertools.count()
        self._edges = [Client(edge["url"], dict, lambda status: status == 200) for edge in edges]
        self._direct = Client(origin["url"], self._attempt, lambda status: status == REFUSED)
        for client in self._clients:
            client.start()

    @property
    def _clients(self) -> list[Client]:
        return [*self._edges, self._direct]

    def begin(self, phase: str) -> None:
        """Name what goes on, for the examples of what went wrong."""
        for client in self._clients:
            client.phase = phase

    def retire(self, value: str) -> None:
        """Try this value too from now on, which the origin must not accept any longer."""
        self._retired.append(value)

    def stop(self) -> tuple[Tally, Tally]:
        """What became of the requests through the edges, and of the direct ones."""
        through = Tally()
        for tally in [client.stop() for client in self._edges]:
            through.sent += tally.sent
            through.wrong += tally.wrong
            through.examples += tally.examples
        return through, self._direct.stop()

    def _attempt(self) -> dict[str, str]:
        values = [None, "", "a wrong value", *self._retired]
        value = values[next(self._turns) % len(values)]
        return {} if value is None else {HEADER: value}
