# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every place where the sandbox takes hold of moto. A new moto that moved one of them fails here first."""

from __future__ import annotations

import moto.backend_index
import moto.backends
import moto.core.responses
import moto.core.utils
import pytest
from moto.awslambda.models import LambdaFunction
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.exceptions import ServiceException
from moto.core.model import OperationModel
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.events.models import Rule
from moto.kms.models import KmsBackend
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler
from moto.s3 import notifications
from moto.s3.responses import S3Response
from moto.ssm.models import Document, Documents, SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse
from werkzeug.serving import WSGIRequestHandler

SERVICES = ("acm-pca", "cloudfront", "dynamodb", "elbv2", "secretsmanager", "ssm", "wafv2")


@pytest.mark.parametrize("service", SERVICES)
def test_a_backend_can_be_replaced(service: str) -> None:
    backends = moto.backends.get_backend(service)
    assert isinstance(backends, BackendDict)
    assert issubclass(backends.backend, BaseBackend)
    assert isinstance(BaseBackend._url_module, property)


def test_a_service_can_be_added() -> None:
    assert isinstance(moto.backend_index.backend_url_patterns, list)
    assert "import_module(" in _source(moto.backends._import_backend)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Rule, "send_to_targets"),
        (LambdaFunction, "invoke"),
        (LambdaFunction, "_invoke_lambda"),
        (S3Response, "serialized"),
        (notifications, "_send_event_bridge_message"),
        (notifications, "_detail_type"),
    ],
)
def test_a_function_that_the_sandbox_replaces_is_there(owner: object, name: str) -> None:
    assert callable(getattr(owner, name))


def test_backends_forget_everything_at_a_reset() -> None:
    assert callable(moto_api_backend.reset)
    assert callable(BackendDict.reset)


def test_moto_lists_itself_for_each_request() -> None:
    assert {"ssm", "dynamodb"} <= set(moto.backends.list_of_moto_modules())
    assert "dispatch" not in moto.core.responses.method_names_from_class(object)
    assert "method_names_from_class(" in _source(moto.core.responses.BaseResponse.call_action)
    assert "backends.list_of_moto_modules()" in _source(DomainDispatcherApplication.get_backend_for_host)


def test_moto_does_not_answer_what_it_lacks() -> None:
    assert "raise NotImplementedError" in _source(moto.core.responses.BaseResponse.call_action)


def test_errors_are_serialised_in_the_protocol_of_the_service() -> None:
    class Refused(ServiceException):
        pass

    model = moto.core.utils.get_service_model("ssm")
    reply = get_serializer_class("ssm", "json")(OperationModel({}, model)).serialize(Refused("InvalidDocument", "no"))
    assert reply["status_code"] == 400
    assert "InvalidDocument" in reply["body"]


def test_requests_are_routed_by_botocores_models() -> None:
    assert callable(get_service_router("cloudfront").match)


def test_the_request_handler_can_be_extended() -> None:
    assert issubclass(MotoRequestHandler, WSGIRequestHandler)
    for name in ("make_environ", "run_wsgi"):
        assert callable(getattr(MotoRequestHandler, name))


def test_systems_manager_keeps_documents_as_expected() -> None:
    backend = SimpleSystemManagerBackend("us-east-1", "123456789012")
    content = '{"schemaVersion": "2.2", "mainSteps": []}'
    document = Document("Amazon", "AWS-X", "", content, "Command", "JSON", [], [], "/")
    backend._documents["AWS-X"] = Documents(document)
    assert backend.describe_document("AWS-X", "", "")["Hash"] == document.hash
    assert backend._documents["AWS-X"].find(None, strict=False) is document
    for name in ("create_document", "update_document", "send_command", "list_commands", "get_command_invocation"):
        assert callable(getattr(SimpleSystemManagerResponse, name))


def test_dynamodb_has_what_the_sandbox_overrides() -> None:
    for name in ("transact_write_items", "put_item", "update_item", "delete_item", "get_item", "get_table"):
        assert callable(getattr(DynamoDBBackend, name))
    for name in ("transact_write_items", "batch_write_item", "batch_get_item", "call_action"):
        assert callable(getattr(DynamoHandler, name))
    assert callable(Table.describe)


def test_kms_resolves_ids() -> None:
    assert callable(KmsBackend.any_id_to_key_id)
    assert callable(KmsBackend.schedule_key_deletion)


def _source(function: object) -> str:
    import inspect

    return inspect.getsource(function)  # type: ignore[arg-type]
