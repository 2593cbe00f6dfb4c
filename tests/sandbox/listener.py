# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP listeners, plain and TLS: HTTP/1.1 with kept-alive connections over werkzeug's threaded server."""

from __future__ import annotations

import io
import os
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

WsgiApplication = Callable[..., Any]


class DropConnection(Exception):
    """Raised by the application to have the client's connection reset without a reply."""


class Handler(MotoRequestHandler):
    """Serves a request with two differences from werkzeug's handler: it keeps the connection, and it can reset it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        # Read to the end whatever the application does, or the rest would be taken for the next request.
        body = self._read_body(environ)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        try:
            self._reply(*self._run_application(environ))
        except DropConnection:
            self._reset_connection()

    def handle_expect_100(self) -> bool:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the sandbox keeps its own log of calls."""

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return environ["wsgi.input"].read()
        return self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))

    def _run_application(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        started: list[Any] = []
        chunks = self.server.app(environ, lambda status, headers, _exc_info=None: started.extend((status, headers)))
        body = b"".join(chunks)
        status, headers = started
        return status, headers, body

    def _reply(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code, _space, reason = status.partition(" ")
        self.send_response(int(code), reason)
        names = set()
        for name, value in headers:
            self.send_header(name, value)
            names.add(name.lower())
        if "content-length" not in names and int(code) not in {204, 304}:
            self.send_header("Content-Length", str(len(body)))
        # One write for head and body, so that no client waits for the second packet.
        self._headers_buffer.append(b"\r\n")
        self.wfile.write(b"".join(self._headers_buffer) + (b"" if self.command == "HEAD" else body))
        self._headers_buffer.clear()

    def _reset_connection(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Closing the descriptor itself, because the handler's file objects keep the socket object open.
        os.close(self.connection.detach())


def listen(application: WsgiApplication, tls: ssl.SSLContext | None = None) -> BaseWSGIServer:
    """A server on a free port of 127.0.0.1, bound but not yet serving."""
    return make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler, ssl_context=tls)
