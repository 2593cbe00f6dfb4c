# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking the origin itself whether it lets a request in: plain GET requests with one header, or without it."""

from __future__ import annotations

import http.client
import secrets
import ssl
import string
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError, WaitTimeout
from .timer import Timer

DEFAULT_REFUSED_STATUS = (403,)
REQUEST_TIMEOUT_S = 10


@dataclass(frozen=True)
class Expectation:
    """What should become of a request.

    :param what: what the request carries, for messages: ``AWSPENDING``, ``no header``
    :param value: the header's value, None for a request without the header
    :param let_in: whether the origin should let it in
    """

    what: str
    value: str | None = field(repr=False)
    let_in: bool


def refusals() -> list[Expectation]:
    """Requests that no origin may let in: without the header, with an empty one, and with a wrong value."""
    wrong = "".join(secrets.choice(string.ascii_letters + string.digits) for _place in range(32))
    return [
        Expectation("no header", None, False),
        Expectation("an empty value", "", False),
        Expectation("a wrong value", wrong, False),
    ]


@dataclass(frozen=True)
class Answer:
    """How the origin answered one request; ``let_in`` is None when the answer tells neither."""

    url: str
    expectation: Expectation
    let_in: bool | None
    detail: str

    @property
    def as_expected(self) -> bool:
        return self.let_in is self.expectation.let_in

    def __str__(self) -> str:
        wanted = "let in" if self.expectation.let_in else "refused"
        return f"{self.url} with {self.expectation.what} should be {wanted}, got {self.detail}"


class _KeepRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other; following it would carry the header elsewhere."""

    def redirect_request(self, *_request: Any) -> None:
        return None


class Prober:
    """Sends requests directly to the origin and judges the answers.

    :param urls: addresses that reach the origin without passing through CloudFront
    :param refused_status: HTTP status codes with which the origin refuses; any other below 400 lets a request in
    :param accepted_status: HTTP status codes of 400 and above that let a request in all the same
    :param ca_path: file with the certificates to trust instead of the system's, for ``https``
    :raises InputError: a URL is none of ``http`` or ``https``, or the CA file cannot be read
    """

    def __init__(
        self,
        urls: Sequence[str],
        header_name: str,
        *,
        refused_status: Sequence[int] = DEFAULT_REFUSED_STATUS,
        accepted_status: Sequence[int] = (),
        ca_path: str | None = None,
    ) -> None:
        self.urls = tuple(urls)
        self._header_name = header_name
        self._refused_status = frozenset(refused_status)
        self._accepted_status = frozenset(accepted_status)
        for url in urls:
            if not url.startswith(("http://", "https://")):
                raise InputError(f"test URL {url!r} must begin with http:// or https://")
        try:
            context = ssl.create_default_context(cafile=ca_path)
        except OSError as error:
            raise InputError(f"the CA file {ca_path} cannot be used: {error}") from error
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _KeepRedirects())

    def ask_all(self, expectations: Sequence[Expectation]) -> list[Answer]:
        """One request for each URL and expectation."""
        return [self._ask(url, expectation) for url in self.urls for expectation in expectations]

    def _ask(self, url: str, expectation: Expectation) -> Answer:
        headers = {"User-Agent": "certwright.aws origin probe", "Cache-Control": "no-cache"}
        if expectation.value is not None:
            headers[self._header_name] = expectation.value
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the constructor checks the scheme
        try:
            with self._opener.open(request, timeout=REQUEST_TIMEOUT_S) as response:
                status = response.status
        except urllib.error.HTTPError as error:
            status = error.code
            error.close()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            return Answer(url, expectation, None, f"no answer ({type(error).__name__}: {reason})")
        return Answer(url, expectation, self._judged(status), f"HTTP status {status}")

    def _judged(self, status: int) -> bool | None:
        if status in self._refused_status:
            return False
        return True if status < 400 or status in self._accepted_status else None


def observe(
    prober: Prober, expectations: Sequence[Expectation], timer: Timer, *, settle_s: float, timeout_s: float
) -> None:
    """Ask until the origin answers as expected, and goes on doing so.

    A change reaches the hosts that enforce it one after the other, and each request meets one of them. So the answers
    must be right for ``settle_s`` seconds without exception, and for as long as it took until they became right.

    :raises WaitTimeout: they were not within ``timeout_s``; the message tells the last wrong answer
    """
    started = last_wrong = timer.now()
    end = timer.limit(timeout_s)
    pause = min(0.5, settle_s / 20) or 0.5
    problem = "its answers were right, but not for long enough"
    while True:
        wrong = [answer for answer in prober.ask_all(expectations) if not answer.as_expected]
        now = timer.now()
        if wrong:
            last_wrong, problem = now, str(wrong[0])
        elif now - last_wrong >= max(settle_s, last_wrong - started):
            return
        if now >= end:
            raise WaitTimeout(f"the origin did not answer as expected within {now - started:.0f} s: {problem}")
        timer.pause(pause)
