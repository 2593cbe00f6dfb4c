# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create a load balancer and a distribution in front of it, and print what they are called.

amazon.aws.elb_application_lb does not create a listener with rules at the first attempt.
"""

from __future__ import annotations

import json
import sys

import boto3


def fixed(status: str) -> dict[str, object]:
    """The action that answers every request with a status."""
    return {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status, "ContentType": "text/plain"}}


def main(name: str) -> None:
    """Create everything under one name."""
    ec2, elb, cloudfront = (boto3.client(service) for service in ("ec2", "elbv2", "cloudfront"))
    vpc = ec2.create_vpc(CidrBlock="10.97.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.97.{number}.0/24", AvailabilityZone=f"us-east-1{zone}")
        for number, zone in enumerate("ab")
    ]
    ids = [subnet["Subnet"]["SubnetId"] for subnet in subnets]
    balancer = elb.create_load_balancer(Name=name, Subnets=ids)["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[fixed("403")])[
        "Listeners"
    ][0]["ListenerArn"]
    conditions = [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}]
    rule = elb.create_rule(ListenerArn=listener, Priority=1, Conditions=conditions, Actions=[fixed("200")])["Rules"][0]
    origin = {
        "Id": "app",
        "DomainName": f"{name}.example.com",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
    }
    config = {
        "CallerReference": name,
        "Comment": name,
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "app",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        },
    }
    distribution = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    print(json.dumps({"listener_arn": listener, "rule_arn": rule["RuleArn"], "distribution_id": distribution}))


if __name__ == "__main__":
    main(sys.argv[1])
