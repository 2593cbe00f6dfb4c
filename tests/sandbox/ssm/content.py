# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of a Command document: checked as CreateDocument does, and its steps as the agent reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from ..errors import Refused

MAX_BYTES = 64 * 1024
PARAMETER_TYPES = ("String", "StringList", "Boolean", "Integer", "MapList", "StringMap")
PLATFORMS = {"aws:runShellScript": ("Linux", "MacOS"), "aws:runPowerShellScript": ("Windows", "Linux", "MacOS")}
TOP_LEVEL = {"schemaVersion", "description", "parameters", "mainSteps", "runtimeConfig"}
STEP_MEMBERS = {"action", "name", "inputs", "precondition"}
INPUTS = {"runCommand", "workingDirectory", "timeoutSeconds", "onFailure", "finallyStep", "id"}
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Step:
    """One step: what it runs, with its variables not yet filled in.

    :param on_failure: ``exit``, ``successAndExit`` or empty: whether a failure of this step ends the document
    :param precondition: as in the document, ``{"StringEquals": ["platformType", "Linux"]}``
    """

    name: str
    action: str
    run_command: str | list[str]
    working_directory: str
    timeout_seconds: str
    on_failure: str
    finally_step: bool
    precondition: Mapping[str, list[str]]


@dataclass(frozen=True)
class Content:
    """A parsed document."""

    text: str
    parameters: Mapping[str, Mapping[str, Any]]
    steps: tuple[Step, ...]

    @property
    def platforms(self) -> list[str]:
        return sorted({platform for step in self.steps for platform in PLATFORMS[step.action]})


def parse(text: str, document_format: str) -> Content:
    """Read and check a document.

    :raises Refused: InvalidDocumentContent, InvalidDocumentSchemaVersion or MaxDocumentSizeExceeded
    """
    if len(text.encode()) > MAX_BYTES:
        raise Refused("MaxDocumentSizeExceeded", f"The document content exceeds {MAX_BYTES} bytes.")
    members = _loaded(text, document_format)
    if set(members) - TOP_LEVEL:
        raise _invalid(f"unknown members {', '.join(sorted(set(members) - TOP_LEVEL))}")
    version = str(members.get("schemaVersion"))
    if version == "2.2":
        steps = tuple(_main_steps(members.get("mainSteps")))
    elif version == "1.2":
        steps = tuple(_runtime_config(members.get("runtimeConfig")))
    else:
        raise Refused("InvalidDocumentSchemaVersion", f"Schema version {version} is not supported.")
    parameters = members.get("parameters") or {}
    _check_parameters(parameters)
    content = Content(text, parameters, steps)
    _check_variables(content)
    return content


def _loaded(text: str, document_format: str) -> dict[str, Any]:
    try:
        members = json.loads(text) if document_format == "JSON" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise _invalid(f"not {document_format}: {error}") from error
    if not isinstance(members, dict):
        raise _invalid("not an object")
    return members


def _main_steps(steps: Any) -> Iterator[Step]:
    if not isinstance(steps, list) or not steps:
        raise _invalid("mainSteps is missing")
    names = [step.get("name") for step in steps if isinstance(step, dict)]
    if len(set(names)) != len(steps) or None in names:
        raise _invalid("each of mainSteps needs a name of its own")
    for step in steps:
        if set(step) - STEP_MEMBERS:
            raise _invalid(f"step {step['name']}: unknown members {', '.join(sorted(set(step) - STEP_MEMBERS))}")
        yield _step(step["name"], step.get("action"), step.get("inputs"), step.get("precondition") or {})


def _runtime_config(config: Any) -> Iterator[Step]:
    if not isinstance(config, dict) or not config:
        raise _invalid("runtimeConfig is missing")
    for action, settings in config.items():
        for inputs in settings.get("properties", []):
            yield _step(action, action, inputs, {})


def _step(name: str, action: Any, inputs: Any, precondition: Mapping[str, list[str]]) -> Step:
    if action not in PLATFORMS:
        raise _invalid(f"step {name}: the sandbox runs {', '.join(PLATFORMS)}, not {action}")
    if not isinstance(inputs, dict) or not isinstance(inputs.get("runCommand"), str | list):
        raise _invalid(f"step {name}: inputs.runCommand is missing")
    if set(inputs) - INPUTS:
        raise _invalid(f"step {name}: unknown inputs {', '.join(sorted(set(inputs) - INPUTS))}")
    if set(precondition) - {"StringEquals"} or len(precondition.get("StringEquals", ["", ""])) != 2:
        raise _invalid(f"step {name}: precondition is StringEquals with two values")
    return Step(
        name=name,
        action=action,
        run_command=inputs["runCommand"],
        working_directory=inputs.get("workingDirectory", ""),
        timeout_seconds=str(inputs.get("timeoutSeconds", 3600)),
        on_failure=inputs.get("onFailure", ""),
        finally_step=str(inputs.get("finallyStep", False)).lower() == "true",
        precondition=precondition,
    )


def _check_parameters(parameters: Any) -> None:
    for name, definition in parameters.items():
        if not re.fullmatch(r"\w+", name):
            raise _invalid(f"parameter {name}: a name has letters, digits and underscores")
        if definition.get("type") not in PARAMETER_TYPES:
            raise _invalid(f"parameter {name}: type is one of {', '.join(PARAMETER_TYPES)}")
        try:
            pattern = re.compile(definition.get("allowedPattern", ""))
        except re.error as error:
            raise _invalid(f"parameter {name}: allowedPattern: {error}") from error
        default = definition.get("default")
        if isinstance(default, str) and "allowedPattern" in definition and not pattern.fullmatch(default):
            raise _invalid(f"parameter {name}: the default does not match allowedPattern")


def _check_variables(content: Content) -> None:
    for step in content.steps:
        lines = [step.run_command] if isinstance(step.run_command, str) else step.run_command
        for text in (*lines, step.working_directory, step.timeout_seconds):
            undefined = set(VARIABLE.findall(text)) - set(content.parameters)
            if undefined:
                raise _invalid(f"step {step.name}: undefined parameters {', '.join(sorted(undefined))}")


def _invalid(reason: str) -> Refused:
    return Refused("InvalidDocumentContent", f"The content for the document is not valid: {reason}")
