# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account in which host certificates are set up, repaired, issued and revoked, so that every action is used."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tests import pki
from tests.playbooks import Project
from tests.sandbox.client import Sandbox

from .by_hand import change_function, change_role
from .policies import controller_policy_arn
from .signing import access_key_of

NAME = "certwright"
TABLE = "certificates"
CRL_FUNCTION = "certwright-crl"
BUCKET = "certwright-crl-123456789012-us-east-1"
ANOTHER_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}],
}


class Certificates:
    """The runs, one after the other. Between them somebody else changes things, without a playbook."""

    def __init__(self, sandbox: Sandbox, project: Project) -> None:
        self.sandbox = sandbox
        self._project = project
        # An inventory is read before the first task.
        project.access_key = access_key_of("plugins/inventory/cert_inventory")

    def set_up(self) -> None:
        self._bootstrap()

    def set_up_again(self) -> None:
        """With everything changed that can be, by the variables or by somebody else."""
        self._change_by_hand()
        self._bootstrap(
            certificate_platform_tags={"Project": "certwright", "Stage": "test"},
            certificate_platform_table_kms_key_id=self._client("kms").create_key()["KeyMetadata"]["Arn"],
            certificate_platform_notification_email="pki@example.com",
            certificate_platform_crl_expiration_days=7,
            certificate_platform_profile_duration_seconds=900,
            certificate_platform_host_role_policies=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        )

    def register(self) -> None:
        """A new record, and one that is there."""
        known, new = self.sandbox.node_ids()
        self._client("dynamodb").put_item(TableName=TABLE, Item={"hostID": {"S": known}})
        records = [{"host_id": host_id, "key_algorithm": "EC_prime256v1"} for host_id in (known, new)]
        self._play("register_nodes", host_certificates_nodes=records)

    def rotate(self) -> None:
        """One certificate works, the other does not."""
        _working, broken = self.sandbox.node_ids()
        self._cut_outputs()
        self._play(
            "rotate_host_certificates",
            status=2,
            host_certificates_serial=[100],
            host_certificates_validation_command=f'test "$AWS_SSM_INSTANCE_ID" != {broken}',
        )

    def bring_lists(self) -> None:
        """The function imports a list, puts another in its place, and tells the topic that it cannot look for the former."""
        self._client("events").disable_rule(Name=CRL_FUNCTION)
        self._forget_the_list()
        for _list in range(2):
            self.sandbox.control("POST", "/crl/publish")
            self._run_the_function()
        refusal = {"kind": "error", "code": "AccessDeniedException", "status": 403, "times": None}
        self.sandbox.control("POST", "/faults", {"service": "rolesanywhere", "operation": "ListCrls", **refusal})
        self._run_the_function()
        self.sandbox.control("DELETE", "/faults")

    def revoke(self) -> None:
        """A record's certificate, before there is a list, and then one by its serial number."""
        self._leave_the_list_to_the_role()
        self._cut_outputs()
        self._play(
            "revoke_host_certificate",
            certificate_revocation_host_ids=self.sandbox.node_ids()[:1],
            certificate_revocation_remove_files=True,
        )
        valid = [one for one in self.sandbox.control("GET", "/certificates") if not one["revokedAt"]]
        self._play("revoke_host_certificate", certificate_revocation_serials=[valid[-1]["serial"]])

    def _bootstrap(self, **variables: Any) -> None:
        self._play(
            "bootstrap",
            certificate_platform_vars_file=str(self._project.variables_file),
            certificate_platform_roles_anywhere=True,
            certificate_platform_crl=True,
            **variables,
        )

    def _play(self, playbook: str, status: int = 0, **variables: Any) -> None:
        played = self._project.play(playbook, **variables)
        assert played.status == status, played.output

    def _client(self, service: str) -> Any:
        return self.sandbox.client(service)

    def _variable(self, name: str) -> str:
        return yaml.safe_load(self._project.variables_file.read_text())[name]

    def _cut_outputs(self) -> None:
        """Cut what the nodes say in the next answer, so that it has to be asked for."""
        fault = {"service": "ssm", "operation": "ListCommandInvocations", "kind": "output_cut", "bytes": 40}
        self.sandbox.control("POST", "/faults", fault)

    def _leave_the_list_to_the_role(self) -> None:
        """Take back what the function has brought, and have the list missing when it is first looked for."""
        self._forget_the_list()
        fault = {"service": "s3", "operation": "GetObject", "kind": "error", "code": "NoSuchKey", "status": 404}
        self.sandbox.control("POST", "/faults", fault)

    def _forget_the_list(self) -> None:
        anywhere = self._client("rolesanywhere")
        for crl in anywhere.list_crls()["crls"]:
            anywhere.delete_crl(crlId=crl["crlId"])

    def _run_the_function(self) -> None:
        """As its rule does when the list is published, but to the end."""
        (key,) = self._client("s3").list_objects_v2(Bucket=BUCKET, Prefix="crl/")["Contents"]
        event = {"detail": {"bucket": {"name": BUCKET}, "object": {"key": key["Key"]}}}
        run = self._client("lambda").invoke(FunctionName=CRL_FUNCTION, Payload=json.dumps(event))
        assert "FunctionError" not in run, run["Payload"].read()

    def _change_by_hand(self) -> None:
        self._change_documents_and_topic()
        self._change_roles()
        self._change_function()
        arn = self._variable("host_certificates_certificate_authority_arn")
        pca = self._client("acm-pca")
        pca.update_certificate_authority(CertificateAuthorityArn=arn, Status="DISABLED")
        pca.delete_certificate_authority(CertificateAuthorityArn=arn)
        bundle = pki.authority("another CA").pem
        self._client("rolesanywhere").update_trust_anchor(
            trustAnchorId=self._variable("host_certificates_trust_anchor_arn").rpartition("/")[2],
            source={"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": bundle}},
        )

    def _change_documents_and_topic(self) -> None:
        ssm, name = self._client("ssm"), "Certwright-StageKey"
        content = json.loads(ssm.get_document(Name=name)["Content"])
        changed = ssm.update_document(
            Name=name,
            Content=json.dumps({**content, "description": "changed by hand"}),
            DocumentVersion="$LATEST",
            TargetType="/",
        )
        version = changed["DocumentDescription"]["DocumentVersion"]
        ssm.update_document_default_version(Name=name, DocumentVersion=version)
        self._client("sns").set_topic_attributes(
            TopicArn=self._variable("host_certificates_topic_arn"),
            AttributeName="DisplayName",
            AttributeValue="changed by hand",
        )

    def _change_roles(self) -> None:
        iam = self._client("iam")
        for role in ("certwright-host", CRL_FUNCTION):
            change_role(self.sandbox, role)
        basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        iam.detach_role_policy(RoleName=CRL_FUNCTION, PolicyArn=basic)
        policy = controller_policy_arn(self.sandbox)
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=json.dumps(ANOTHER_POLICY), SetAsDefault=True)
        iam.delete_policy_version(PolicyArn=policy, VersionId="v1")

    def _change_function(self) -> None:
        change_function(self.sandbox, CRL_FUNCTION, "revocation-list")
        self._client("lambda").update_function_configuration(FunctionName=CRL_FUNCTION, Timeout=60)
        self._client("events").put_targets(
            Rule=CRL_FUNCTION, Targets=[{"Id": "another", "Arn": self._variable("host_certificates_topic_arn")}]
        )
