# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox as a WSGI application: moto behind the control endpoint, the counts, the faults and the quotas."""

from __future__ import annotations

import functools
import importlib
import io
import json
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import moto.backends
import moto.core.responses
from moto.core.model import OperationModel
from moto.core.request import Request
from moto.core.serialize import get_serializer_class
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Response

from . import calls, control, faults
from .errors import Refused
from .listener import DropConnection

SERVICES = (
    "acmpca",
    "cloudfront",
    "dynamodb",
    "edge",
    "elbv2",
    "events",
    "kms",
    "lambdas",
    "nodes",
    "rolesanywhere",
    "s3",
    "secretsmanager",
    "ssm",
    "wafv2",
)
NOT_IMPLEMENTED = "NotImplementedInSandbox"
log = logging.getLogger(__name__)
# Every service may answer codes that its model does not list, throttling above all.
warnings.filterwarnings("ignore", r"Exception\(Refused\) with code")


def install_services() -> None:
    """Put the sandbox's own services in the place of moto's."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # read by moto when the first account is made
    _cache_moto_listings()
    for name in SERVICES:
        importlib.import_module(f"{__package__}.{name}").install()


def _cache_moto_listings() -> None:
    """moto lists its directory and each class's methods anew for every request; neither changes while it runs."""
    moto.backends.list_of_moto_modules = functools.cache(
        lambda listed=moto.backends.list_of_moto_modules: set(listed())
    )
    moto.core.responses.method_names_from_class = functools.cache(moto.core.responses.method_names_from_class)


class Application:
    """One WSGI application for both listeners."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        body = request.get_data(cache=True, parse_form_data=False)
        if request.path.startswith(control.PREFIX + "/"):
            status, reply = control.answer(request.method, request.path, body)
            response = Response(reply, status, content_type="application/json")
        else:
            response = self._api_call(calls.classify(request, body), request, body)
        return response(environ, start_response)

    def _api_call(self, call: calls.Call, request: Request, body: bytes) -> Response:
        calls.ledger.count(call)
        fault = faults.plan.take(call.name)
        if fault and not fault.acts:
            _drop(call, fault)
        response = self._refusal(call, fault, request) or self._act(call, request, body)
        if fault and fault.drops:
            _drop(call, fault)
        calls.ledger.record(call, response.status_code, _error_code(response))
        return response

    def _refusal(self, call: calls.Call, fault: faults.Fault | None, request: Request) -> Response | None:
        """The answer to a call that AWS does not get to act upon; None when it acts."""
        if fault and fault.kind == "delay":
            time.sleep(fault.seconds)
        if fault and fault.kind == "error":
            return error_response(call, request, fault.code, fault.message, fault.status)
        if (fault and fault.kind == "throttle") or faults.quotas.exceeded(call.name):
            code, status = faults.throttling_of(call.service)
            return error_response(call, request, code, "Rate exceeded", status)
        return None

    def _act(self, call: calls.Call, request: Request, body: bytes) -> Response:
        environ = {**request.environ, "wsgi.input": io.BytesIO(body)}
        try:
            response = Response.from_app(self._moto, environ, buffered=True)
        except NotImplementedError as error:
            log.warning("%s is not implemented: %s", call.name, error)
            return _not_implemented(call, request)
        except Exception as error:
            log.exception("%s failed inside the sandbox", call.name)
            return error_response(call, request, "SandboxDefect", f"{type(error).__name__}: {error}", 400)
        # Flask's own page for a path without a handler; no AWS service answers 404 in HTML.
        if response.status_code == 404 and call.service != "s3" and response.mimetype == "text/html":
            return _not_implemented(call, request)
        if response.status_code < 300:
            calls.tell(call, body, response.get_data())
        return response


def error_response(call: calls.Call, request: Request, code: str, message: str, status: int) -> Response:
    """An AWS error in the protocol of the request."""
    known = calls.model_of(call, request)
    if known is None:
        return Response(json.dumps({"__type": code, "message": message}), status, content_type="application/json")
    model, protocol = known
    serializer = get_serializer_class(model.service_name, protocol)(OperationModel({}, model))
    reply = serializer.serialize(Refused(code, message))
    return Response(reply["body"], status, reply["headers"])


def _not_implemented(call: calls.Call, request: Request) -> Response:
    # A 4xx, because botocore would retry what moto answers: a 500.
    message = f"The sandbox does not implement {call.name}."
    return error_response(call, request, NOT_IMPLEMENTED, message, 400)


def _drop(call: calls.Call, fault: faults.Fault) -> NoReturn:
    """Give no reply: reset the connection, after killing the client where that is the fault."""
    fault.kill()
    calls.ledger.record(call, None, fault.kind)
    raise DropConnection


def _error_code(response: Response) -> str | None:
    return calls.error_code(response.headers, response.get_data()) if response.status_code >= 400 else None
