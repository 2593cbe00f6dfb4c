# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from ansible_collections.certwright.aws.plugins.module_utils import aws, scheduler
from ansible_collections.certwright.aws.plugins.module_utils.aws import call, client_config, pages, translated
from ansible_collections.certwright.aws.plugins.module_utils.errors import AwsError


@pytest.fixture
def sns():
    return boto3.client("sns", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture
def ssm():
    return boto3.client("ssm", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")


def test_a_call_leaves_out_what_is_none(sns):
    with Stubber(sns) as stub:
        stub.add_response("publish", {"MessageId": "1"}, {"Message": "text", "Subject": ""})
        assert call(sns, "publish", Message="text", Subject="", TopicArn=None)["MessageId"] == "1"
        stub.assert_no_pending_responses()


def test_a_refusal_comes_with_operation_and_code(sns):
    with Stubber(sns) as stub:
        stub.add_client_error("publish", "ThrottledException", "Rate exceeded", 429)
        with pytest.raises(AwsError) as caught:
            call(sns, "publish", Message="text")
    assert str(caught.value) == "Publish failed: ThrottledException: Rate exceeded"
    assert caught.value.as_result() == {"error_code": "ThrottledException", "operation": "Publish"}


def test_a_resource_that_somebody_else_updates_is_tried_again(ssm, monkeypatch):
    waited = []
    monkeypatch.setattr(aws.time, "sleep", waited.append)
    with Stubber(ssm) as stub:
        stub.add_client_error("delete_document", "TooManyUpdates", "There are concurrent updates", 400)
        stub.add_client_error("delete_document", "TooManyUpdates", "There are concurrent updates", 400)
        stub.add_response("delete_document", {})
        call(ssm, "delete_document", Name="Certwright-StageKey")
        stub.assert_no_pending_responses()
    assert waited == list(aws.CONCURRENT_UPDATES_PAUSES_S[:2])


def test_a_resource_that_is_updated_without_end_is_given_up(ssm, monkeypatch):
    waited = []
    monkeypatch.setattr(aws.time, "sleep", waited.append)
    with Stubber(ssm) as stub:
        for _attempt in range(len(aws.CONCURRENT_UPDATES_PAUSES_S) + 1):
            stub.add_client_error("delete_document", "TooManyUpdates", "There are concurrent updates", 400)
        with pytest.raises(AwsError, match="DeleteDocument failed: TooManyUpdates"):
            call(ssm, "delete_document", Name="Certwright-StageKey")
    assert waited == list(aws.CONCURRENT_UPDATES_PAUSES_S)


def test_a_refusal_keeps_what_else_aws_said():
    refusal = {"Error": {"Code": "TransactionCanceledException", "Message": "no"}, "CancellationReasons": [{}]}
    error = translated(ClientError(refusal, "TransactWriteItems"), "TransactWriteItems")
    assert error.reply["CancellationReasons"] == [{}]


def test_a_refusal_without_a_message_says_so(sns):
    with Stubber(sns) as stub:
        stub.add_client_error("publish", "InternalError", "")
        with pytest.raises(AwsError, match="Publish failed: InternalError: AWS gave no message"):
            call(sns, "publish", Message="text")


def test_no_answer_is_an_error_of_the_same_kind():
    error = translated(EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "Publish")
    assert str(error).startswith("Publish failed: EndpointConnectionError: ")
    assert "127.0.0.1:1" in str(error)
    assert error.reply == {}


def test_a_request_that_cannot_be_sent_is_an_error_of_the_same_kind(sns):
    with pytest.raises(AwsError, match="Publish failed: ParamValidationError"):
        call(sns, "publish", Message=7)


def test_all_pages_until_one_is_refused(sns):
    first, second = [{"TopicArn": "arn:1"}], [{"TopicArn": "arn:2"}]
    with Stubber(sns) as stub:
        stub.add_response("list_topics", {"Topics": first, "NextToken": "more"}, {})
        stub.add_response("list_topics", {"Topics": second, "NextToken": "again"}, {"NextToken": "more"})
        stub.add_client_error("list_topics", "AuthorizationError", "no")
        found = pages(sns, "list_topics", NextToken=None)
        assert [next(found)["Topics"], next(found)["Topics"]] == [first, second]
        with pytest.raises(AwsError, match="ListTopics failed: AuthorizationError: no"):
            next(found)


def test_clients_wait_as_long_as_the_scheduler_has_workers():
    config = client_config()
    assert config.max_pool_connections == scheduler.MAX_WORKERS
    assert config.retries["mode"] == "adaptive"
