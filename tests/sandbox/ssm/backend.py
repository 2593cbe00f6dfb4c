# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of Systems Manager in one account and Region."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from moto.ssm.models import Document, Documents, SimpleSystemManagerBackend

from .. import profile
from ..errors import Refused
from ..nodes import fleet
from ..nodes.fleet import Node
from . import content, managed, parameters
from .agent import Work
from .commands import Command, Invocation
from .dispatch import Dispatcher

RESERVED_PREFIXES = ("aws", "amazon", "amzn", "awsec2", "awsconfigremediation", "awssupport")
RUNNABLE_TARGETS = ("/", "/AWS::EC2::Instance", "/AWS::SSM::ManagedInstance")
RUN_SHELL_SCRIPT = """\
{
  "schemaVersion": "1.2",
  "description": "Run a shell script or specify the commands to run.",
  "parameters": {
    "commands": {"type": "StringList", "description": "(Required) Commands to run.", "minItems": 1},
    "workingDirectory": {"type": "String", "default": "", "maxChars": 4096},
    "executionTimeout": {
      "type": "String", "default": "3600",
      "allowedPattern": "([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|(172[0-7][0-9]{2})|(172800)"
    }
  },
  "runtimeConfig": {
    "aws:runShellScript": {
      "properties": [{
        "id": "0.aws:runShellScript",
        "runCommand": "{{ commands }}",
        "workingDirectory": "{{ workingDirectory }}",
        "timeoutSeconds": "{{ executionTimeout }}"
      }]
    }
  }
}
"""

dispatcher = Dispatcher()


class Backend(SimpleSystemManagerBackend):
    """moto's backend with checked documents, commands that are carried out, and managed nodes."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.activations = managed.Activations(region_name)
        self.commands: dict[str, Command] = {}
        document = Document("Amazon", "AWS-RunShellScript", "", RUN_SHELL_SCRIPT, "Command", "JSON", [], [], "/")
        document.platform_types = ["Linux", "MacOS"]
        self._documents["AWS-RunShellScript"] = Documents(document)

    def reset(self) -> None:
        for command in self.commands.values():
            dispatcher.cancel(command, [])
        super().reset()

    @property
    def _url_module(self) -> ModuleType:
        from . import urls

        return urls

    def create_document(self, **request: Any) -> Documents:
        name, target = request["name"], request["target_type"]
        if name.lower().startswith(RESERVED_PREFIXES):
            raise Refused("ValidationException", f"Document name {name} has a reserved prefix.")
        request["document_type"] = request["document_type"] or "Command"
        if request["document_type"] != "Command":
            raise Refused("ValidationException", "The sandbox has documents of the type Command only.")
        if target and target not in RUNNABLE_TARGETS:
            raise Refused("ValidationException", f"Target type {target} is not one of {', '.join(RUNNABLE_TARGETS)}.")
        parsed = content.parse(request["content"], request["document_format"])
        documents = super().create_document(**request)
        self._prepare(documents.get_latest_version(), parsed, "Creating")
        return documents

    def update_document(self, **request: Any) -> dict[str, Any]:
        parsed = content.parse(request["content"], request["document_format"])
        documents = self._get_documents(request["name"])
        if documents.get_latest_version().owner == "Amazon":
            raise Refused("AccessDeniedException", f"{request['name']} belongs to Amazon.")
        request["target_type"] = request["target_type"] or documents.get_latest_version().target_type
        description = super().update_document(**request)
        self._prepare(documents.get_latest_version(), parsed, "Updating")
        return {**description, "Status": "Updating", "PlatformTypes": parsed.platforms}

    def update_document_default_version(self, name: str, document_version: str) -> dict[str, Any]:
        if not self._get_documents(name).exists(document_version):
            raise Refused("InvalidDocumentVersion", "The document version is not valid or does not exist.")
        return super().update_document_default_version(name, document_version)

    def document_versions(self, name: str) -> list[dict[str, Any]]:
        """The answer to ListDocumentVersions, newest first."""
        documents = self._get_documents(name)
        return [
            {
                "Name": name,
                "DocumentVersion": document.document_version,
                "VersionName": document.version_name or None,
                "CreatedDate": document.created_date,
                "IsDefaultVersion": document.document_version == documents.default_version,
                "DocumentFormat": document.document_format,
                "Status": document.status,
            }
            for document in sorted(documents.versions.values(), key=lambda one: -int(one.document_version))
        ]

    def _prepare(self, document: Document, parsed: content.Content, until_active: str) -> None:
        document.platform_types = parsed.platforms
        document.status = until_active
        dispatcher.later(profile.current().document_active_s, setattr, document, "status", "Active")

    def run_command(self, request: Mapping[str, Any]) -> Command:
        """SendCommand.

        :param request: as AWS's model has it, checked against the model
        :raises Refused: the command cannot be sent at all
        """
        document = self._runnable_document(request)
        parsed = content.parse(document.content, document.document_format)
        given = request.get("Parameters", {})
        values = parameters.checked(parsed, given)
        nodes = self._addressed(request)
        command_id = str(uuid.uuid4())
        command = Command(
            id=command_id,
            document_name=document.name,
            document_version=request.get("DocumentVersion", ""),
            content=parsed,
            given=given,
            values=values,
            comment=request.get("Comment", ""),
            timeout_s=request.get("TimeoutSeconds", 3600),
            max_concurrency=request.get("MaxConcurrency", "50"),
            max_errors=request.get("MaxErrors", "0"),
            instance_ids=request.get("InstanceIds", []),
            targets=request.get("Targets", []),
            invocations={
                node.id: Invocation(node.id, node.name, Work(command_id, document.name, parsed, values))
                for node in nodes
            },
        )
        self.commands[command_id] = command
        dispatcher.send(command)
        return command

    def cancel_command(self, command_id: str, node_ids: list[str]) -> None:
        command = self.command(command_id)
        unknown = set(node_ids) - set(command.invocations)
        if unknown:
            raise Refused("InvalidInstanceId", f"Instances [{', '.join(sorted(unknown))}] are not in the command")
        dispatcher.cancel(command, node_ids)

    def command(self, command_id: str) -> Command:
        """:raises Refused: no such command"""
        if command_id not in self.commands:
            raise Refused("InvalidCommandId", f"The command ID {command_id} is not valid.")
        return self.commands[command_id]

    def deregister(self, node_id: str) -> None:
        """:raises Refused: the node is not there, or is an EC2 instance"""
        node = fleet().get(node_id)
        if node is None or not node.is_hybrid or node.region != self.region_name:
            raise Refused("InvalidInstanceId", f"Instance {node_id} is not a registered managed instance")
        fleet().remove(node_id)

    def add_tags_to_resource(self, resource_type: str, resource_id: str, tags: dict[str, str]) -> None:
        if resource_type == "ManagedInstance":
            self._hybrid_node(resource_id).tags.update(tags)
        else:
            super().add_tags_to_resource(resource_type, resource_id, tags)

    def remove_tags_from_resource(self, resource_type: str, resource_id: str, keys: list[str]) -> None:
        if resource_type == "ManagedInstance":
            for key in keys:
                self._hybrid_node(resource_id).tags.pop(key, None)
        else:
            super().remove_tags_from_resource(resource_type, resource_id, keys)

    def list_tags_for_resource(self, resource_type: str, resource_id: str) -> dict[str, str]:
        if resource_type == "ManagedInstance":
            return self._hybrid_node(resource_id).tags
        return super().list_tags_for_resource(resource_type, resource_id)

    def _hybrid_node(self, node_id: str) -> Node:
        node = fleet().get(node_id)
        if node is None or not node.is_hybrid:
            raise Refused("InvalidResourceId", f"The resource ID {node_id} is not valid.")
        return node

    def _runnable_document(self, request: Mapping[str, Any]) -> Document:
        name = request["DocumentName"].rpartition("/")[2]
        documents = self._documents.get(name)
        if documents is None:
            raise Refused("InvalidDocument", f"Document with name {name} does not exist.")
        version = request.get("DocumentVersion", "$DEFAULT")
        document = documents.find(None if version == "$DEFAULT" else version, strict=False)
        if document is None:
            raise Refused("InvalidDocumentVersion", f"Document {name} has no version {version}.")
        if document.status in {"Creating", "Updating"}:
            raise Refused("InvalidDocument", f"Document {name} is not active yet.")
        if not document.target_type:
            raise Refused("InvalidDocument", f"Document {name} has no target type: it cannot run on any resource.")
        wanted = request.get("DocumentHash")
        if wanted and (request.get("DocumentHashType", "Sha256") != "Sha256" or wanted != document.hash):
            raise Refused("InvalidDocument", f"The hash of document {name} is {document.hash}, not {wanted}.")
        return document

    def _addressed(self, request: Mapping[str, Any]) -> list[Node]:
        node_ids, targets = request.get("InstanceIds", []), request.get("Targets", [])
        if bool(node_ids) == bool(targets):
            raise Refused("ValidationException", "Name either InstanceIds or Targets.")
        if len(set(node_ids)) < len(node_ids):
            raise Refused("DuplicateInstanceId", "An instance ID is given twice.")
        if targets:
            return managed.targets(self.region_name, targets)
        return managed.commandable(self.region_name, node_ids)
