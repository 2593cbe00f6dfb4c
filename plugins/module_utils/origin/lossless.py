# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Noticing what botocore would lose of an answer that is to be sent back.

UpdateWebACL and UpdateDistribution replace everything, so whatever their Get counterpart returned has to be sent again.
botocore silently drops members that its model does not know: with an older botocore, such as a Lambda runtime brings,
a setting that AWS added since would be erased. :func:`watch` compares the raw answers with the model, and
:func:`refuse_losses` refuses to go on with an answer of which something was dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ..errors import StateError

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.model import OperationModel

_LOST = "CertwrightLostMembers"


def watch(client: BaseClient, operation: str) -> None:
    """Have every answer to an operation compared with botocore's model.

    :param operation: as AWS spells it, for example ``GetWebACL``
    """
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-parse.{service}.{operation}", _note_losses, unique_id=f"{_LOST}.{operation}")


def refuse_losses(answer: dict[str, Any], part: str, what: str) -> None:
    """Refuse an answer of which botocore dropped something that would have to be sent back.

    :param part: the part of the answer that is sent back, as a path: ``Distribution.DistributionConfig``
    :param what: what was read, for the message
    :raises StateError: naming the members that this botocore does not know
    """
    lost = [path for path in answer.get(_LOST, []) if path.startswith(f"{part}.")]
    if lost:
        raise StateError(
            f"{what} has settings that the installed botocore does not know and would erase ({', '.join(lost)}): "
            "nothing was changed; upgrade boto3 and botocore"
        )


def _note_losses(
    operation_model: OperationModel,
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_event: Any,
) -> None:
    if response_dict["status_code"] < 300 and response_dict["body"]:
        customized_response_dict[_LOST] = sorted(set(unknown_members(operation_model, response_dict["body"])))


def unknown_members(operation_model: OperationModel, body: bytes) -> Iterator[str]:
    """Paths of the members of an answer that botocore's model of the operation does not know."""
    shape: Any = operation_model.output_shape
    if operation_model.service_model.resolved_protocol == "json":
        yield from _unknown_in_json(shape, json.loads(body), "")
        return
    element = ElementTree.fromstring(body)  # noqa: S314 - the same parser that botocore reads AWS's answer with
    payload = shape.serialization.get("payload")
    wrapper = shape.serialization.get("resultWrapper")
    if payload:
        yield from _unknown_in_xml(shape.members[payload], element, f"{payload}.")
    for child in element:
        if wrapper and _tag(child) == wrapper:
            yield from _unknown_in_xml(shape, child, "")


def _unknown_in_json(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in value.items():
            if name in shape.members:
                yield from _unknown_in_json(shape.members[name], member, f"{path}{name}.")
            elif member is not None:
                yield f"{path}{name}"
    elif shape.type_name == "list" and isinstance(value, list):
        for member in value:
            yield from _unknown_in_json(shape.member, member, path)
    elif shape.type_name == "map" and isinstance(value, dict):
        for member in value.values():
            yield from _unknown_in_json(shape.value, member, path)


def _unknown_in_xml(shape: Any, element: ElementTree.Element, path: str) -> Iterator[str]:
    if shape.type_name == "list":
        for child in element:
            yield from _unknown_in_xml(shape.member, child, path)
    elif shape.type_name == "structure":
        known = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        for child in element:
            name, member = known.get(_tag(child), ("", None))
            if member is None:
                yield f"{path}{_tag(child)}"
            elif member.serialization.get("flattened"):
                yield from _unknown_in_xml(member.member, child, f"{path}{name}.")
            else:
                yield from _unknown_in_xml(member, child, f"{path}{name}.")


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
