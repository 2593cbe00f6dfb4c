# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's CloudFront, seen through boto3 with moto's mock in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudfront.models import CloudFrontBackend
from moto.cloudfront.responses import CloudFrontResponse

from tests.sandbox import cloudfront, profile

RARE = {
    "OriginAccessControlId": "E2EXAMPLE",
    "ResponseCompletionTimeout": 40,
    "CustomOriginConfig": {
        "HTTPPort": 80,
        "HTTPSPort": 443,
        "OriginProtocolPolicy": "http-only",
        "IpAddressType": "dualstack",
        "OriginMtlsConfig": {"ClientCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1"},
    },
}
BEHAVIOR = {
    "TargetOriginId": "o",
    "ViewerProtocolPolicy": "allow-all",
    "GrpcConfig": {"Enabled": True},
    "FunctionAssociations": {
        "Quantity": 1,
        "Items": [{"FunctionARN": "arn:aws:cloudfront::123456789012:function/f", "EventType": "viewer-request"}],
    },
}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    profile.change({"cloudfront_deploy_s": 0})
    yield
    profile.restore()


@pytest.fixture(scope="module")
def client() -> Any:
    return boto3.client("cloudfront", "us-east-1", aws_access_key_id="A" * 20, aws_secret_access_key="s")


@pytest.fixture
def cdn(client: Any) -> Iterator[Any]:
    cloudfront.install()
    with mock_aws():
        yield client


def headers(*pairs: tuple[str, str]) -> dict[str, Any]:
    items = [{"HeaderName": name, "HeaderValue": value} for name, value in pairs]
    return {"Quantity": len(items), "Items": items}


def config(**origin: Any) -> dict[str, Any]:
    return {
        "CallerReference": "ref",
        "Comment": "the shop",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "origin.example.com", **RARE, **origin}]},
        "DefaultCacheBehavior": BEHAVIOR,
    }


def code_of(failure: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = failure.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_moto_still_offers_the_hooks() -> None:
    assert "_url_module" in dir(CloudFrontBackend)
    for name in ("create_distribution_with_tags", "update_distribution", "delete_distribution", "get_distribution"):
        assert hasattr(CloudFrontBackend, name)
        assert hasattr(CloudFrontResponse, name)


def test_what_was_sent_comes_back_with_the_defaults_filled_in(cdn: Any) -> None:
    made = cdn.create_distribution(DistributionConfig=config())
    held = cdn.get_distribution_config(Id=made["Distribution"]["Id"])
    origin = held["DistributionConfig"]["Origins"]["Items"][0]
    assert {name: origin[name] for name in RARE} == RARE
    assert origin["CustomHeaders"] == {"Quantity": 0}
    assert held["DistributionConfig"]["DefaultCacheBehavior"] == BEHAVIOR
    assert held["DistributionConfig"]["Aliases"] == {"Quantity": 0}
    assert held["ETag"] == made["ETag"]
    listed = cdn.list_distributions()["DistributionList"]["Items"][0]
    assert listed["Id"] == made["Distribution"]["Id"]
    assert listed["Comment"] == "the shop"


def test_an_update_replaces_everything_and_needs_the_newest_etag(cdn: Any) -> None:
    made = cdn.create_distribution(DistributionConfig=config(OriginPath="/a"))
    identity = made["Distribution"]["Id"]
    changed = cdn.update_distribution(Id=identity, IfMatch=made["ETag"], DistributionConfig=config())
    assert changed["ETag"] != made["ETag"]
    assert cdn.get_distribution(Id=identity)["ETag"] == changed["ETag"]
    assert changed["Distribution"]["DistributionConfig"]["Origins"]["Items"][0]["OriginPath"] == ""
    with pytest.raises(ClientError) as failure:
        cdn.update_distribution(Id=identity, IfMatch=made["ETag"], DistributionConfig=config())
    assert code_of(failure) == ("PreconditionFailed", 412)
    with pytest.raises(ClientError) as failure:
        cdn.update_distribution(Id=identity, DistributionConfig=config())
    assert code_of(failure) == ("InvalidIfMatchVersion", 400)
    other = {**config(), "CallerReference": "another"}
    with pytest.raises(ClientError) as failure:
        cdn.update_distribution(Id=identity, IfMatch=changed["ETag"], DistributionConfig=other)
    assert code_of(failure) == ("IllegalUpdate", 400)


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ([(f"x-{n}", "v") for n in range(11)], "TooManyOriginCustomHeaders"),
        ([("X-Amz-Secret", "v")], "InvalidArgument"),
        ([("Host", "v")], "InvalidArgument"),
        ([("x" * 257, "v")], "InvalidArgument"),
        ([("a b", "v")], "InvalidArgument"),
        ([("x-a", "v" * 1784)], "InvalidArgument"),
        ([("x-a", "v"), ("X-A", "w")], "InvalidArgument"),
        ([(f"x-{n}", "v" * 1700) for n in range(7)], "InvalidArgument"),
    ],
)
def test_headers_that_cloudfront_refuses(cdn: Any, pairs: list[tuple[str, str]], code: str) -> None:
    with pytest.raises(ClientError) as failure:
        cdn.create_distribution(DistributionConfig=config(CustomHeaders=headers(*pairs)))
    assert code_of(failure) == (code, 400)


def test_quantities_and_origins_must_fit(cdn: Any) -> None:
    wrong = {**headers(("x-a", "v")), "Quantity": 2}
    with pytest.raises(ClientError) as failure:
        cdn.create_distribution(DistributionConfig=config(CustomHeaders=wrong))
    assert code_of(failure) == ("InconsistentQuantities", 400)
    with pytest.raises(ClientError) as failure:
        cdn.create_distribution(DistributionConfig=config(Id="other"))
    assert code_of(failure)[0] == "NoSuchOrigin"


def test_deployment_takes_its_time_and_edges_disagree_meanwhile(cdn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: seconds[0])
    profile.change({"cloudfront_deploy_s": 10, "delay_seed": 3})
    made = cdn.create_distribution(DistributionConfig=config(OriginPath="/old"))
    identity = made["Distribution"]["Id"]
    assert made["Distribution"]["Status"] == "InProgress"
    seconds[0] = 111.0
    assert cdn.get_distribution(Id=identity)["Distribution"]["Status"] == "Deployed"
    cdn.update_distribution(Id=identity, IfMatch=made["ETag"], DistributionConfig=config(OriginPath="/new"))

    def seen() -> set[str]:
        answers = [cloudfront.deployed(identity) for _read in range(60)]
        return {answer["Origins"]["Items"][0]["OriginPath"] for answer in answers if answer}

    assert seen() == {"/old"}
    seconds[0] = 120.9
    assert seen() == {"/old", "/new"}
    assert cdn.get_distribution(Id=identity)["Distribution"]["Status"] == "InProgress"
    seconds[0] = 121.0
    assert seen() == {"/new"}
    assert cdn.get_distribution(Id=identity)["Distribution"]["Status"] == "Deployed"


def test_only_a_disabled_and_deployed_distribution_can_be_deleted(cdn: Any) -> None:
    made = cdn.create_distribution(DistributionConfig=config())
    identity = made["Distribution"]["Id"]
    with pytest.raises(ClientError) as failure:
        cdn.delete_distribution(Id=identity, IfMatch=made["ETag"])
    assert code_of(failure) == ("DistributionNotDisabled", 409)
    off = cdn.update_distribution(Id=identity, IfMatch=made["ETag"], DistributionConfig={**config(), "Enabled": False})
    cdn.delete_distribution(Id=identity, IfMatch=off["ETag"])
    with pytest.raises(ClientError) as failure:
        cdn.get_distribution(Id=identity)
    assert code_of(failure)[0] == "NoSuchDistribution"
