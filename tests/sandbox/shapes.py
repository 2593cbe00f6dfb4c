# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a request against botocore's model of the service, as AWS does before it looks at what is asked.

botocore itself checks less on the client's side: no maximum, no pattern, no enumeration.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from botocore.model import ServiceModel, Shape
from botocore.session import get_session

_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "blob": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
}


@lru_cache
def input_shape(service: str, operation: str) -> Shape:
    """The model of an operation's request, for example of ``acm-pca`` and ``IssueCertificate``."""
    return _model(service).operation_model(operation).input_shape


@lru_cache
def _model(service: str) -> ServiceModel:
    return get_session().get_service_model(service)


def violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Yield what is wrong with a request in JSON form, in AWS's words; nothing when it fits its model."""
    expected = _TYPES.get(shape.type_name)
    if expected is not None and (
        not isinstance(value, expected) or (isinstance(value, bool) and shape.type_name != "boolean")
    ):
        yield f"Value at '{path}' failed to satisfy constraint: Member must be a {shape.type_name}"
        return
    if shape.type_name == "structure":
        yield from _structure_violations(shape, value, path)
    elif shape.type_name == "list":
        yield from _size_violations(shape, len(value), path, "length")
        for index, element in enumerate(value, 1):
            yield from violations(shape.member, element, f"{path}.{index}.member")
    elif shape.type_name == "string":
        yield from _string_violations(shape, value, path)
    elif shape.type_name == "blob":
        yield from _blob_violations(shape, value, path)
    elif shape.type_name in ("integer", "long"):
        yield from _size_violations(shape, value, path, "value")


def _structure_violations(shape: Shape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_below(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from violations(member, value[name], _below(path, name))


def _string_violations(shape: Shape, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield (
            f"Value '{value}' at '{path}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
        )
    yield from _size_violations(shape, len(value), path, "length")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(_as_python(pattern), value):
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"


def _blob_violations(shape: Shape, value: str, path: str) -> Iterator[str]:
    try:
        size = len(base64.b64decode(value, validate=True))
    except binascii.Error:
        yield f"Value at '{path}' failed to satisfy constraint: Member must be base64"
        return
    yield from _size_violations(shape, size, path, "length")


def _size_violations(shape: Shape, size: int, path: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"Value at '{path}' failed to satisfy constraint: Member must have {what} greater than or equal to {least}"
    if most is not None and size > most:
        yield f"Value at '{path}' failed to satisfy constraint: Member must have {what} less than or equal to {most}"


def _below(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


@lru_cache
def _as_python(pattern: str) -> str:
    """Java's regular expression for Python: its Unicode classes are the only difference that AWS's models use."""
    return pattern.replace(r"\p{L}\p{Z}\p{N}", r"\w\s").replace(r"\p{L}", r"\w").replace(r"\p{N}", r"\d")
