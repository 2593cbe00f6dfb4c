# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lambda functions that run: each invocation from the function's zip, in a process with a clean path and environment.

As in AWS a function finds its own package and boto3, nothing of the machine that the sandbox runs on. Services may
invoke a function only with a permission in its resource policy; asynchronous invocations are retried twice and then
go to the function's dead-letter queue or failure destination.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from . import instance, permissions, profile
from .errors import Refused

RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
"""What AWS's Python runtime brings along."""
ASYNC_ATTEMPTS = 3
_RUNTIME = Path(__file__).with_name("lambda_runtime.py")


def find(function_arn: str) -> LambdaFunction:
    """The function that an ARN, with or without qualifier, names.

    :raises Refused: ResourceNotFoundException
    """
    try:
        region, account = function_arn.split(":")[3:5]
        return lambda_backends[account][region].get_function(function_arn)
    except (UnknownFunctionException, ValueError, KeyError) as error:
        raise Refused("ResourceNotFoundException", f"Resource not found for ARN '{function_arn}'.") from error


def permits(function: LambdaFunction, service: str, source_arn: str) -> bool:
    """Whether the function's resource policy lets a service invoke it on behalf of a resource."""
    return permissions.permits(function.policy.statements, service, "lambda:InvokeFunction", source_arn)


def invoke_later(function: LambdaFunction, event: Any) -> None:
    """Run a function in the background, as asynchronous invocations do."""
    threading.Thread(target=_attempts, args=(function, event), daemon=True).start()


def _attempts(function: LambdaFunction, event: Any) -> None:
    config = function.event_invoke_config[-1].config if function.event_invoke_config else {}
    retries = config.get("MaximumRetryAttempts", ASYNC_ATTEMPTS - 1)
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(profile.current().lambda_retry_s)
        payload, failed = invoke(function, event)
        if not failed:
            return
    destination = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if destination:
        record = {"requestPayload": event, "responsePayload": json.loads(payload)}
        context = {"functionArn": function.function_arn, "condition": "RetriesExhausted"}
        _deliver(destination, json.dumps({"version": "1.0", "requestContext": context, **record}))
    dead_letters = getattr(function, "dead_letter_config", {}).get("TargetArn")
    if dead_letters:
        _deliver(dead_letters, json.dumps(event))


def _deliver(arn: str, message: str) -> None:
    service, region, account, name = arn.split(":", 5)[2:]
    if service == "sns":
        sns_backends[account][region].publish(message, arn=arn)
    elif service == "sqs":
        sqs_backends[account][region].send_message(name, message)


def invoke(function: LambdaFunction, event: Any) -> tuple[str, bool]:
    """Run a function now: the payload that it answers, and whether it failed. What it prints goes to its log group."""
    request_id = str(uuid.uuid4())
    log_group = f"/aws/lambda/{function.function_name}"
    invocation = {
        "handler": function.handler,
        "event": event,
        "context": {
            "function_name": function.function_name,
            "function_version": str(function.version),
            "invoked_function_arn": function.function_arn,
            "memory_limit_in_mb": str(function.memory_size),
            "aws_request_id": request_id,
            "log_group_name": log_group,
            "log_stream_name": request_id,
            "timeout": float(function.timeout),
        },
    }
    package = _unpacked(function.code_bytes, function.code_sha_256)
    outcome, printed = _in_process(invocation, package, _environment(function, package), float(function.timeout))
    log = f"START RequestId: {request_id} Version: {function.version}\n{printed}\nEND RequestId: {request_id}"
    function.logs_backend.ensure_log_group(log_group)
    function.save_logs(log)
    return outcome["payload"], outcome.get("failed", False)


def _environment(function: LambdaFunction, package: Path) -> dict[str, str]:
    own = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": f"{package}:{_runtime_packages()}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(package),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "_HANDLER": function.handler,
        "TZ": ":UTC",
    }
    aws = {name: value for name, value in instance.own_environment.items() if name.startswith("AWS_")}
    of_function = {
        "AWS_ACCESS_KEY_ID": instance.access_key_of_function(function.function_name),
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
    }
    return {**function.environment_vars, **own, **aws, **of_function}


def _in_process(
    invocation: Mapping[str, Any], package: Path, environment: Mapping[str, str], timeout: float
) -> tuple[dict[str, Any], str]:
    """What the runtime reported and what was printed."""
    read_end, write_end = os.pipe()
    command = [sys.executable, "-S", "-P", str(_RUNTIME), str(write_end)]
    with (
        subprocess.Popen(
            command,
            cwd=package,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(write_end,),
        ) as process,
        os.fdopen(read_end) as reply,
    ):
        os.close(write_end)
        try:
            printed, _errors = process.communicate(json.dumps(invocation).encode(), timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            printed, _errors = process.communicate()
            return _failure(f"Task timed out after {timeout:.2f} seconds"), printed.decode(errors="replace")
        text = reply.read()
    outcome = json.loads(text) if text else _failure(f"Runtime exited with status {process.returncode}")
    return outcome, printed.decode(errors="replace")


def _failure(message: str) -> dict[str, Any]:
    return {"payload": json.dumps({"errorMessage": message}), "failed": True}


@functools.cache
def _scratch() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="certwright-lambda-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


@functools.cache
def _runtime_packages() -> Path:
    """A directory with AWS's runtime packages and nothing else."""
    directory = _scratch() / "runtime"
    directory.mkdir()
    for name in RUNTIME_PACKAGES:
        found = importlib.util.find_spec(name)
        if found and found.origin:
            origin = Path(found.origin)
            source = origin.parent if origin.name == "__init__.py" else origin
            (directory / source.name).symlink_to(source)
    return directory


_unpacking = threading.Lock()


def _unpacked(code: bytes, digest: str) -> Path:
    """The directory of a package, unpacked once."""
    directory = _scratch() / ("".join(c for c in digest if c.isalnum()))
    with _unpacking:
        if not directory.exists():
            with zipfile.ZipFile(io.BytesIO(code)) as archive:
                archive.extractall(directory)
    return directory


def _invoked(function: LambdaFunction, body: str, headers: Any, response_headers: dict[str, str]) -> str | bytes:
    """The Invoke operation: at once, later, or only checked."""
    event = json.loads(body) if body else {}
    kind = headers.get("x-amz-invocation-type", "RequestResponse")
    if kind == "Event":
        invoke_later(function, event)
        return b""
    if kind == "DryRun":
        return b""
    payload, failed = invoke(function, event)
    if failed:
        response_headers["x-amz-function-error"] = "Unhandled"
    return payload.encode()


def _with_dead_letters(initialise: Any, configuration: Any, update: Any) -> tuple[Any, Any, Any]:
    """moto's methods, but with a function's dead-letter queue, which moto drops."""

    @functools.wraps(initialise)
    def remembering(
        function: LambdaFunction, account_id: str, spec: dict[str, Any], *others: Any, **named: Any
    ) -> None:
        initialise(function, account_id, spec, *others, **named)
        function.dead_letter_config = spec.get("DeadLetterConfig") or {}  # type: ignore[attr-defined]

    @functools.wraps(configuration)
    def telling(function: LambdaFunction, on_create: bool = False) -> dict[str, Any]:
        held = getattr(function, "dead_letter_config", None)
        return {**configuration(function, on_create), **({"DeadLetterConfig": held} if held else {})}

    @functools.wraps(update)
    def updating(function: LambdaFunction, config_updates: dict[str, Any]) -> dict[str, Any]:
        if "DeadLetterConfig" in config_updates:
            function.dead_letter_config = config_updates["DeadLetterConfig"]  # type: ignore[attr-defined]
        update(function, config_updates)
        return function.get_configuration()

    return remembering, telling, updating


def install() -> None:
    """Have moto run functions in this way."""
    if getattr(LambdaFunction.invoke, "__module__", "") == __name__:
        return
    LambdaFunction.invoke = _invoked  # type: ignore[method-assign,assignment]
    patched = _with_dead_letters(
        LambdaFunction.__init__, LambdaFunction.get_configuration, LambdaFunction.update_configuration
    )
    LambdaFunction.__init__, LambdaFunction.get_configuration, LambdaFunction.update_configuration = patched  # type: ignore[method-assign]
