# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site whose origin header is set up, rotated, removed and set up again, so that every action is used."""

from __future__ import annotations

from typing import Any

from tests.origin_site import SECRET, Site
from tests.playbooks import Project
from tests.sandbox.client import Sandbox
from tests.waiting import wait_until

from .by_hand import another_package, change_function, change_role
from .policies import policy_of_role

FUNCTION = "rotate-origin-header"
ROTATION_S = 60
VISIBILITY = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "shop"}


class Origin:
    """The runs, one after the other. Between them somebody else changes things, without a playbook."""

    def __init__(self, sandbox: Sandbox, project: Project) -> None:
        self._sandbox = sandbox
        self._project = project
        site = Site(sandbox)
        self._guard_an_edge(site.distribution_ids[0])
        self._options = {
            **{f"origin_header_{name}": value for name, value in site.options.items() if name != "header_name"},
            "origin_header_rule_groups": [self._create_rule_group()],
            "origin_header_function_name": FUNCTION,
            "origin_header_settle_time": 0.1,
            "origin_header_propagation_timeout": 60,
            "origin_header_deployment_timeout": 60,
        }

    def set_up(self) -> None:
        self._play("setup_origin_header", origin_header_function=True, **self._network())

    def rotate(self) -> None:
        """By the controller, with everything changed that can be, by the variables or by somebody else; then by the function."""
        change_role(self._sandbox, FUNCTION)
        change_function(self._sandbox, FUNCTION, "secretsmanager")
        self._play(
            "rotate_origin_secret",
            origin_header_description="another",
            origin_header_tags={"Stage": "test"},
            origin_header_kms_key_id=self._client("kms").create_key()["KeyMetadata"]["Arn"],
            origin_header_function=True,
            origin_header_function_memory_size=512,
            origin_header_schedule_expression="rate(10 days)",
            origin_header_rotate_immediately=True,
            **self._network(),
        )
        self._await_rotation()

    def function_policy(self) -> dict[str, Any]:
        """The document of the policy that the role wrote for the function."""
        return policy_of_role(self._sandbox, FUNCTION, "rotate-origin-header")

    def remove(self) -> None:
        self._play("setup_origin_header", origin_header_state="absent")

    def set_up_again(self) -> None:
        """Without a function; the secret is restored."""
        self._play("setup_origin_header")

    def _play(self, playbook: str, **variables: Any) -> None:
        played = self._project.play(playbook, **self._options, **variables)
        assert played.status == 0, played.output

    def _await_rotation(self) -> None:
        """Wait until Secrets Manager has rotated the secret with the function."""
        secrets = self._client("secretsmanager")
        wait_until(lambda: "LastRotatedDate" in secrets.describe_secret(SecretId=SECRET), ROTATION_S)

    def _client(self, service: str) -> Any:
        return self._sandbox.client(service)

    def _network(self) -> dict[str, Any]:
        """What attaches the function to a VPC and gives it a layer."""
        ec2, functions = self._client("ec2"), self._client("lambda")
        layer = functions.publish_layer_version(LayerName="layer", Content={"ZipFile": another_package()})
        return {
            "origin_header_function_subnet_ids": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
            "origin_header_function_security_group_ids": [
                ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
            ],
            "origin_header_function_layers": [{"layer_version_arn": layer["LayerVersionArn"]}],
        }

    def _create_rule_group(self) -> str:
        group = self._client("wafv2").create_rule_group(
            Name="shop", Scope="REGIONAL", Capacity=50, VisibilityConfig=VISIBILITY
        )
        return group["Summary"]["ARN"]

    def _guard_an_edge(self, distribution_id: str) -> None:
        """Give the distribution a web ACL of its own."""
        acl = self._client("wafv2").create_web_acl(
            Name="edge", Scope="CLOUDFRONT", DefaultAction={"Allow": {}}, VisibilityConfig=VISIBILITY
        )
        cloudfront = self._client("cloudfront")
        held = cloudfront.get_distribution_config(Id=distribution_id)
        config = {**held["DistributionConfig"], "WebACLId": acl["Summary"]["ARN"]}
        cloudfront.update_distribution(Id=distribution_id, DistributionConfig=config, IfMatch=held["ETag"])
