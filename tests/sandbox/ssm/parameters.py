# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters of a command: checked as SendCommand does, filled in as the agent does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..errors import Refused
from .content import MAX_BYTES, VARIABLE, Content

Values = Mapping[str, Any]


def checked(content: Content, given: Mapping[str, list[str]]) -> Values:
    """The value of each of the document's parameters: a string, or a list for StringList.

    :param given: as in the request, a list of strings for each parameter
    :raises Refused: InvalidParameters, or MaxDocumentSizeExceeded where document and values are too large together
    """
    if len(content.text.encode()) + len(json.dumps(given).encode()) > MAX_BYTES:
        raise Refused("MaxDocumentSizeExceeded", f"Document content and parameters exceed {MAX_BYTES} bytes.")
    unknown = set(given) - set(content.parameters)
    if unknown:
        raise _invalid(f"the document has no parameter {', '.join(sorted(unknown))}")
    return {name: _value(name, definition, given.get(name)) for name, definition in content.parameters.items()}


def filled(template: str, values: Values) -> str:
    """A text with ``{{ name }}`` replaced by the parameter's value."""
    return VARIABLE.sub(lambda found: _as_text(values.get(found[1], found[0])), template)


def filled_lines(template: str | list[str], values: Values) -> list[str]:
    """The lines of runCommand; a line that is nothing but a StringList parameter becomes the list's lines."""
    lines: list[str] = []
    for line in [template] if isinstance(template, str) else template:
        only = VARIABLE.fullmatch(line.strip())
        value = values.get(only[1]) if only else None
        lines += value if isinstance(value, list) else [filled(line, values)]
    return lines


def exported(content: Content, values: Values) -> dict[str, str]:
    """The environment variables that parameters with interpolationType ENV_VAR are handed over in."""
    return {
        f"SSM_{name}": _as_text(values[name])
        for name, definition in content.parameters.items()
        if definition.get("interpolationType") == "ENV_VAR"
    }


def _value(name: str, definition: Mapping[str, Any], given: list[str] | None) -> Any:
    if given is None:
        if "default" not in definition:
            raise _invalid(f"parameter {name} is required")
        return definition["default"]
    is_list = definition["type"] == "StringList"
    if not is_list and len(given) != 1:
        raise _invalid(f"parameter {name} takes one value")
    for text in given:
        _check_text(name, definition, text)
    least, most = definition.get("minItems", 0), definition.get("maxItems", len(given))
    if is_list and not int(least) <= len(given) <= int(most):
        raise _invalid(f"parameter {name} takes {least} to {most} values")
    return given if is_list else given[0]


def _check_text(name: str, definition: Mapping[str, Any], text: str) -> None:
    if definition["type"] == "Boolean" and text.lower() not in {"true", "false"}:
        raise _invalid(f"parameter {name} is true or false")
    if definition["type"] == "Integer" and not re.fullmatch(r"-?\d+", text):
        raise _invalid(f"parameter {name} is a number")
    if "allowedValues" in definition and text not in [str(value) for value in definition["allowedValues"]]:
        raise _invalid(f"parameter {name} is one of {definition['allowedValues']}")
    if "allowedPattern" in definition and not re.fullmatch(definition["allowedPattern"], text):
        raise _invalid(f"parameter {name} does not match {definition['allowedPattern']}")
    if not int(definition.get("minChars", 0)) <= len(text) <= int(definition.get("maxChars", len(text))):
        raise _invalid(f"parameter {name} is too short or too long")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _invalid(reason: str) -> Refused:
    return Refused("InvalidParameters", f"Invalid parameters: {reason}")
