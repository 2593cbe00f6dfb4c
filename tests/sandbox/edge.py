# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real HTTP: origins behind a proxy that enforces a web ACL or listener rules, and edges in front of them.

``POST /origin`` starts an origin, ``POST /edge`` an edge of a distribution; both listen on 127.0.0.1. An edge finds
its origin by the DomainName in the distribution's configuration, so an origin is started with that name. Answers and
counts name headers and rules, never values.
"""

from __future__ import annotations

import http.client
import itertools
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from moto.cloudfront.exceptions import NoSuchDistribution
from moto.wafv2.exceptions import WAFNonexistentItemException

from . import cloudfront, control, elbv2, faults, propagation, wafv2
from .waf_evaluation import Decision, WebRequest, decide

Headers = list[tuple[str, str]]
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
FAULT_KINDS = frozenset({"kill", "delay"})
NOT_PASSED = HOP_BY_HOP | {"content-length", "date", "server"}


@dataclass(frozen=True)
class Reply:
    """An HTTP response."""

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = ()


class Server:
    """An HTTP server on a free port; subclasses say how a request is answered."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self._counting = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        return self._http.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: WebRequest) -> Reply:
        """The reply to a request."""
        raise NotImplementedError

    def counted(self, request: WebRequest) -> Reply:
        """The reply to a request, counted by its status."""
        reply = self.answer(request)
        with self._counting:
            self.statuses[reply.status] += 1
        return reply

    def counts(self) -> dict[str, Any]:
        """How many requests there were, how many of them were refused, and the number of each status."""
        with self._counting:
            statuses = dict(self.statuses)
        refused = sum(count for status, count in statuses.items() if status >= 400)
        return {"requests": sum(statuses.values()), "refused": refused, "statuses": statuses}

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # one packet for head and body
        timeout = 60

        def handle_any(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = list(self.headers.items())
            reply = server.counted(WebRequest(self.command, url.path, url.query, headers, self.client_address[0], body))
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = handle_any

        def log_message(self, *_line: Any) -> None:
            """Nothing: requests are counted."""

    return Handler


class Origin(Server):
    """A web server that only what its web ACL and its listener's rules let pass can reach."""

    def __init__(self, domain_name: str, web_acl_arn: str | None, listener_arn: str | None) -> None:
        self.domain_name, self.web_acl_arn, self.listener_arn = domain_name, web_acl_arn, listener_arn
        self.rules: Counter[str] = Counter()
        self.decide(WebRequest("GET", "/", "", []))  # refuses ARNs that name nothing
        super().__init__()

    def decide(self, request: WebRequest) -> Decision:
        """What enforces in front of the origin: the web ACL first, then the listener."""
        decision = Decision(True, "nothing enforces")
        if self.web_acl_arn:
            policy = wafv2.enforced(self.web_acl_arn)
            decision = decide(policy, request) if policy else decision
        if decision.allowed and self.listener_arn:
            rules = elbv2.in_effect(self.listener_arn)
            decision = rules.decide(request) if rules else decision
        return decision

    def answer(self, request: WebRequest) -> Reply:
        self._take_fault(request)
        decision = self.decide(request)
        with self._counting:
            self.rules[decision.rule] += 1
        if not decision.allowed:
            return Reply(decision.status, decision.body.encode(), decision.headers)
        seen = {"origin": self.domain_name, "path": request.path, "headers": [name for name, _value in request.headers]}
        return Reply(200, json.dumps(seen).encode(), [("Content-Type", "application/json")])

    def _take_fault(self, request: WebRequest) -> None:
        """Suffer a planned fault of the service ``origin``: its operation is the path, a blank, and the names of
        the request's ``X-`` headers, for example ``/probe x-origin-verify``."""
        names = sorted(name.lower() for name, _value in request.headers if name.lower().startswith("x-"))
        fault = faults.plan.take(f"origin:{request.path} {' '.join(names)}", FAULT_KINDS)
        if fault:
            time.sleep(fault.seconds)
            fault.kill()

    def described(self) -> dict[str, Any]:
        names = {"url": self.url, "domain_name": self.domain_name}
        return {**names, **self.counts(), "rules": dict(self.rules)}


class Edge(Server):
    """A distribution's edge locations behind one address: each request meets one of them."""

    def __init__(self, distribution_id: str) -> None:
        self.distribution_id = distribution_id
        cloudfront.deployed(distribution_id)  # refuses an id that names nothing
        self._connections = threading.local()
        super().__init__()

    def answer(self, request: WebRequest) -> Reply:
        config = cloudfront.deployed(self.distribution_id)
        if config is None or not config["Enabled"]:
            return Reply(403, b"The distribution is not deployed or disabled\n")
        if config["WebACLId"]:
            policy = wafv2.enforced(config["WebACLId"])
            decision = decide(policy, request) if policy else Decision(True, "")
            if not decision.allowed:
                return Reply(decision.status, decision.body.encode(), decision.headers)
        definition = _origin_of(config, request.path)
        origin = servers.by_domain(definition["DomainName"])
        if origin is None:
            return Reply(502, f"No origin has the name {definition['DomainName']}\n".encode())
        return self._forwarded(request, definition, origin.port)

    def _forwarded(self, request: WebRequest, definition: Mapping[str, Any], port: int) -> Reply:
        custom = [(item["HeaderName"], item["HeaderValue"]) for item in definition["CustomHeaders"].get("Items", [])]
        dropped = HOP_BY_HOP | {name.lower() for name, _value in custom} | {"host", "content-length"}
        headers = [(name, value) for name, value in request.headers if name.lower() not in dropped]
        headers += [*custom, ("Host", definition["DomainName"]), ("Via", "1.1 edge.sandbox (CloudFront)")]
        path = definition["OriginPath"] + request.path + (f"?{request.query}" if request.query else "")
        kept = vars(self._connections).pop(port, None)  # of this thread, that is, of this viewer's connection
        for connection in filter(None, (kept, http.client.HTTPConnection("127.0.0.1", port, timeout=30))):
            try:
                connection.request(request.method, path, request.body or None, dict(headers))
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException):
                connection.close()  # a kept connection may have been closed meanwhile: then a new one is tried
                continue
            vars(self._connections)[port] = connection
            passed = [pair for pair in response.getheaders() if pair[0].lower() not in NOT_PASSED]
            return Reply(response.status, body, passed)
        return Reply(502, b"The origin does not answer\n")

    def described(self) -> dict[str, Any]:
        return {"url": self.url, "distribution_id": self.distribution_id, **self.counts()}


def _origin_of(config: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """The origin that serves a path: that of the first behavior whose pattern fits, else the default's."""
    behaviors = config["CacheBehaviors"].get("Items", [])
    chosen = next(
        (one for one in behaviors if _pattern(one["PathPattern"]).fullmatch(path)), config["DefaultCacheBehavior"]
    )
    origins = {origin["Id"]: origin for origin in config["Origins"]["Items"]}
    groups = {group["Id"]: group for group in config["OriginGroups"].get("Items", [])}
    target = chosen["TargetOriginId"]
    if target in groups:
        target = groups[target]["Members"]["Items"][0]["OriginId"]
    return origins[target]


def _pattern(path_pattern: str) -> re.Pattern[str]:
    escaped = re.escape(path_pattern if path_pattern.startswith("/") else f"/{path_pattern}")
    return re.compile(escaped.replace(r"\*", ".*").replace(r"\?", "."))


@dataclass
class _Servers:
    """Every origin and edge that runs, by id."""

    running: dict[str, Any] = field(default_factory=dict)
    numbers: Any = field(default_factory=itertools.count)

    def start_origin(self, body: dict[str, Any]) -> dict[str, Any]:
        number = next(self.numbers)
        name = body.get("domain_name") or f"origin-{number}.sandbox.test"
        if self.by_domain(name):
            raise ValueError(f"an origin named {name} runs already")
        try:
            return self._started(f"o-{number}", Origin(name, body.get("web_acl_arn"), body.get("listener_arn")))
        except WAFNonexistentItemException as error:
            raise LookupError(f"web ACL {body['web_acl_arn']}") from error

    def start_edge(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._started(f"e-{next(self.numbers)}", Edge(body["distribution_id"]))
        except NoSuchDistribution as error:
            raise LookupError(f"distribution {body['distribution_id']}") from error

    def _started(self, key: str, server: Any) -> dict[str, Any]:
        self.running[key] = server
        return {"id": key, **server.described()}

    def described(self, _body: Any, key: str) -> dict[str, Any]:
        return {"id": key, **self.running[key].described()}

    def stop(self, _body: Any, key: str) -> dict[str, Any]:
        self.running.pop(key).stop()
        return {}

    def stop_all(self) -> None:
        for key in list(self.running):
            self.stop({}, key)

    def by_domain(self, name: str) -> Origin | None:
        return next((one for one in self.running.values() if getattr(one, "domain_name", None) == name), None)


servers = _Servers()


def _propagation(_body: Any) -> list[dict[str, Any]]:
    return propagation.log()


def _forget_propagation(_body: Any) -> dict[str, Any]:
    propagation.forget()
    return {}


def install() -> None:
    """Register the control routes."""
    control.route("POST", "/origin", servers.start_origin)
    control.route("POST", "/edge", servers.start_edge)
    for path in ("/origin/<key>", "/edge/<key>"):
        control.route("GET", path, servers.described)
        control.route("DELETE", path, servers.stop)
    control.route("GET", "/propagation", _propagation)
    control.route("DELETE", "/propagation", _forget_propagation)
    control.on_reset(servers.stop_all)
    control.on_reset(propagation.forget)
