# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWS account in which the chaos suite works: what ``certificate_platform`` makes, made in a moment."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from ansible_collections.certwright.aws.plugins.module_utils.host_table import flows
from ansible_collections.certwright.aws.plugins.module_utils.ssm import documents
from tests import private_ca
from tests.sandbox.client import Sandbox

TABLE = "certificates"
LOADED = "opt/loaded"
"""Where on a node the services leave the certificate that they have loaded, by the record's id."""
SCRIPTS = Path(__file__).resolve().parents[2] / "roles" / "certificate_platform" / "files" / "documents"


class Account:
    """A host table, a CA and a topic whose messages can be read, in a sandbox. Make one with :meth:`prepared`."""

    def __init__(self, sandbox: Sandbox, authority_arn: str, topic_arn: str) -> None:
        self.sandbox = sandbox
        self.authority_arn = authority_arn
        self.topic_arn = topic_arn
        self.records: dict[str, dict[str, Any]] = {}
        self.common_names: dict[str, str] = {}
        self.dynamodb = sandbox.client("dynamodb")
        self.ssm = sandbox.client("ssm")
        self._sqs = sandbox.client("sqs")
        self._queue_url = self._subscribed_queue()

    @classmethod
    def prepared(cls, sandbox: Sandbox) -> Account:
        """Make what ``certificate_platform`` makes, but for the policy."""
        _create_table(sandbox.client("dynamodb"))
        _create_documents(sandbox.client("ssm"))
        topic_arn = sandbox.client("sns").create_topic(Name="certificates")["TopicArn"]
        return cls(sandbox, private_ca.active_root(sandbox.client("acm-pca")), topic_arn)

    def variables(self, **changes: Any) -> dict[str, Any]:
        """The role's variables for a run here."""
        return {
            "host_certificates_table_name": TABLE,
            "host_certificates_topic_arn": self.topic_arn,
            "host_certificates_certificate_authority_arn": self.authority_arn,
            "host_certificates_key_algorithm": "EC_prime256v1",
            **changes,
        }

    def register(self, node_id: str, name: str = "", **settings: Any) -> str:
        """Register a record with a common name of its own, by which its certificates are counted; its id."""
        host_id = f"{node_id}#{name}" if name else node_id
        record = {
            "host_id": host_id,
            "common_name": f"record-{len(self.records)}.example",
            "reload_command": loading(host_id),
            **settings,
        }
        self.adopt(record)
        (outcome,) = flows.register(self.dynamodb, TABLE, [record], known_nodes=None, check_mode=False)
        assert not outcome.failed, outcome.reason
        return host_id

    def adopt(self, record: dict[str, Any]) -> None:
        """Know a record that somebody else registers."""
        self.records[record["host_id"]] = record
        self.common_names[record["host_id"]] = record["common_name"]

    def mark_due(self, host_ids: Sequence[str]) -> None:
        """Have the next run renew the certificates, as a user does by removing the expiry."""
        flows.mark_due(self.dynamodb, TABLE, host_ids)

    def end_leases(self, host_ids: Sequence[str]) -> None:
        """Let the leases of runs that are gone end, as they do by themselves after ``host_certificates_lease_seconds``."""
        for host_id in host_ids:
            if "leaseUntil" in self.row(host_id):
                self.change_row(host_id, leaseUntil=1)

    def row(self, host_id: str) -> dict[str, Any]:
        """What the host table says of a record, by attribute."""
        read = TypeDeserializer().deserialize
        item = self.dynamodb.get_item(TableName=TABLE, Key={"hostID": {"S": host_id}}, ConsistentRead=True)["Item"]
        return {name: read(value) for name, value in item.items()}

    def change_row(self, host_id: str, **attributes: str | int) -> None:
        """Write attributes by hand."""
        write = TypeSerializer().serialize
        for name, value in attributes.items():
            self.dynamodb.update_item(
                TableName=TABLE,
                Key={"hostID": {"S": host_id}},
                UpdateExpression="SET #name = :value",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":value": write(value)},
            )

    def issued(self) -> Counter[str]:
        """How many certificates the CA has issued, by common name."""
        return Counter(row["subject"].removeprefix("CN=") for row in self.sandbox.control("GET", "/certificates"))

    def newest_arns(self) -> dict[str, str]:
        """The certificate that the CA has issued last for each common name, whatever its clock said."""
        rows = self.sandbox.control("GET", "/certificates")
        return {row["subject"].removeprefix("CN="): row["certificateArn"] for row in rows}

    @contextmanager
    def later(self, seconds: int) -> Iterator[None]:
        """While the context lasts, it is so much later for AWS; on nodes and controllers it is not."""
        self.sandbox.control("POST", "/clock", {"offset_seconds": seconds})
        try:
            yield
        finally:
            self.sandbox.control("POST", "/clock", {"offset_seconds": 0})

    def messages(self) -> list[str]:
        """The messages that the topic has sent since the last time."""
        texts = []
        while received := self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                texts.append(json.loads(message["Body"])["Message"])
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        return texts

    def node_root(self, host_id: str) -> Path:
        """The root directory of a record's node, seen from outside."""
        return self.sandbox.nodes_dir / host_id.partition("#")[0]

    def on_node(self, node_id: str, command: str) -> str:
        """Run a shell command on a node, beside Systems Manager; what it printed."""
        finished = self.sandbox.control("POST", f"/nodes/{node_id}/run", {"command": command})
        assert finished["exit_code"] == 0, finished
        return finished["stdout"]

    def plan(self, **fault: Any) -> None:
        self.sandbox.control("POST", "/faults", fault)

    def clear_faults(self) -> None:
        self.sandbox.control("DELETE", "/faults")

    def _subscribed_queue(self) -> str:
        url = self._sqs.create_queue(QueueName="certificates")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        self.sandbox.client("sns").subscribe(TopicArn=self.topic_arn, Protocol="sqs", Endpoint=attributes["QueueArn"])
        return url


def loading(host_id: str) -> str:
    """The reload command of a service that loads the record's certificate and leaves it in :data:`LOADED`."""
    root = "$CERTWRIGHT_ROOT"  # empty in a container
    installed = f"{root}/etc/pki/certwright/{host_id}/current/cert.pem"
    return f'mkdir -p "{root}/{LOADED}" && cp "{installed}" "{root}/{LOADED}/{host_id}"'


def _create_table(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "hostID", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "hostID", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )


def _create_documents(ssm: Any) -> None:
    for name, content in shipped_documents().items():
        ssm.create_document(Name=name, Content=content, DocumentType="Command", DocumentFormat="JSON", TargetType="/")


def shipped_documents() -> Mapping[str, str]:
    """The content of each document of the collection, by its name."""
    common = (SCRIPTS / documents.PREFIX_SCRIPT).read_text()
    return {
        name: documents.render(document, common, (SCRIPTS / document.script).read_text())
        for name, document in documents.SHIPPED.items()
    }
