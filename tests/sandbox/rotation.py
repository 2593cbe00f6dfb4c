# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Secrets Manager rotates a secret: asynchronously, in four steps of a Lambda function, again when a step fails."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

from . import clock, lambdas, profile, rotation_schedule
from .errors import Refused

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PRINCIPAL = "secretsmanager.amazonaws.com"
NO_FUNCTION = "No Lambda rotation function ARN is associated with this secret."
INCOMPLETE = "A previous rotation isn't complete. That rotation will be reattempted."

lock = threading.RLock()
"""Held while an operation or a rotation reads and changes secrets, never while a function runs."""
on_event: list[Any] = []
"""Functions that get (event name, secret) when a rotation starts, succeeds, fails or is abandoned."""


class Rotation:
    """The rotation of one secret: how it is configured, and the run that is under way."""

    def __init__(self) -> None:
        self.enabled: bool | None = None
        self.function_arn: str | None = None
        self.rules: dict[str, Any] = {}
        self.window: rotation_schedule.Window | None = None
        self.last_rotated: int | None = None
        self._run: object | None = None

    def described(self) -> dict[str, Any]:
        """Members of DescribeSecret; a secret that was never configured has none."""
        if self.enabled is None:
            return {}
        described = {
            "RotationEnabled": self.enabled,
            "RotationLambdaARN": self.function_arn,
            "LastRotatedDate": self.last_rotated,
            "NextRotationDate": self.window.end.timestamp() if self.window and self.enabled else None,
        }
        return described | ({"RotationRules": rotation_schedule.as_held(self.rules)} if self.rules else {})

    def configure(self, secret: Any, function_arn: str | None, rules: dict[str, Any] | None) -> None:
        """Take over the configuration of a RotateSecret request, when it is acceptable."""
        function_arn = function_arn or self.function_arn
        if not function_arn:
            raise Refused("InvalidRequestException", NO_FUNCTION)
        if not lambdas.permits(lambdas.find(function_arn), PRINCIPAL, secret.arn):
            raise Refused(
                "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
                f"access to the principal {PRINCIPAL}.",
            )
        if rules:
            rotation_schedule.check(rules)
            self.rules = rules
        self.function_arn, self.enabled = function_arn, True
        self._plan()
        scheduler.watch(secret)

    def start(self, secret: Any, token: str) -> None:
        """Begin to rotate to a version with this id. The same token again is the same request again."""
        pending, current = secret.holder("AWSPENDING"), secret.holder("AWSCURRENT")
        if token in (pending, current) and token in secret.versions:
            return
        if pending not in (None, current):
            self._begin(secret, pending)
            raise Refused("InvalidRequestException", INCOMPLETE)
        secret.add_version(token, ["AWSPENDING"], None, None)
        self._begin(secret, token)

    def rehearse(self, secret: Any, token: str) -> None:
        """Run only testSecret, against a pending version that is a copy of the current one and goes away again."""
        if secret.holder("AWSPENDING") not in (None, secret.holder("AWSCURRENT")):
            raise Refused("InvalidRequestException", INCOMPLETE)
        current = secret.holder("AWSCURRENT")
        secret.add_version(token, ["AWSPENDING"], *(secret.value_of(current) if current else (None, None)))
        threading.Thread(target=self._rehearse, args=(secret, token), daemon=True).start()

    def cancel(self) -> None:
        """Turn automatic rotation off; a run under way ends before its next step."""
        if not self.function_arn:
            raise Refused("InvalidRequestException", NO_FUNCTION)
        self.enabled, self._run = False, None

    def abandon(self, secret: Any) -> None:
        """End a run, because somebody has stored a new current version meanwhile."""
        if self._run:
            self._run = None
            _tell("RotationAbandoned", secret)

    def rotate_if_due(self, secret: Any) -> None:
        """Begin the rotation of the schedule, when its window is open."""
        with lock:
            if self.enabled and self.window and self.window.start <= clock.now() and not self._run:
                self._plan()
                pending = secret.holder("AWSPENDING")
                if pending in (None, secret.holder("AWSCURRENT")):
                    self.start(secret, str(uuid.uuid4()))
                else:
                    self._begin(secret, pending)

    def _plan(self) -> None:
        self.window = rotation_schedule.next_window(self.rules, clock.now()) if self.rules else None

    def _begin(self, secret: Any, token: str) -> None:
        if not self._run:
            self._run = run = object()
            _tell("RotationStarted", secret)
            threading.Thread(target=self._attempts, args=(secret, token, run), daemon=True).start()

    def _attempts(self, secret: Any, token: str, run: object) -> None:
        for attempt in range(profile.current().rotation_attempts):
            if attempt:
                time.sleep(profile.current().rotation_retry_s)
            done = self._steps(secret, token, STEPS, run)
            with lock:
                if self._run is not run:
                    return
                done = done and secret.holder("AWSCURRENT") == token
                _tell("RotationSucceeded" if done else "RotationFailed", secret)
                if done:
                    self.last_rotated = int(clock.epoch())
                    break
        with lock:
            self._run = None if self._run is run else self._run

    def _rehearse(self, secret: Any, token: str) -> None:
        succeeded = self._steps(secret, token, ["testSecret"], None)
        with lock:
            _tell("TestRotationSucceeded" if succeeded else "TestRotationFailed", secret)
            secret.versions.pop(token, None)

    def _steps(self, secret: Any, token: str, steps: Sequence[str], run: object | None) -> bool:
        """Run the steps in order; False when one failed or the run was ended from outside."""
        event = {"SecretId": secret.arn, "ClientRequestToken": token, "RotationToken": str(uuid.uuid4())}
        for step in steps:
            if run and self._run is not run:
                return False
            try:
                function = lambdas.find(str(self.function_arn))
            except Refused:
                return False
            if not lambdas.permits(function, PRINCIPAL, secret.arn):
                return False
            _answer, failed = lambdas.invoke(function, {"Step": step, **event})
            if failed:
                return False
        return True


def _tell(name: str, secret: Any) -> None:
    for listener in on_event:
        listener(name, secret)


class _Scheduler:
    """Looks at AWS's clock for secrets whose rotation window has opened."""

    INTERVAL_S = 0.1

    def __init__(self) -> None:
        self._secrets: dict[str, Any] = {}
        self._thread: threading.Thread | None = None

    def watch(self, secret: Any) -> None:
        self._secrets[secret.arn] = secret
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, daemon=True)
            self._thread.start()

    def forget(self) -> None:
        """Watch no secret any more: there are none after a reset."""
        self._secrets.clear()

    def _look(self) -> None:
        while True:
            time.sleep(self.INTERVAL_S)
            for secret in list(self._secrets.values()):
                if not secret.is_deleted():
                    secret.rotation.rotate_if_due(secret)


scheduler = _Scheduler()
