# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CloudFront distributions: configuration kept as it was sent, ETags that mean something, deployment that takes time.

moto rebuilds a configuration from the members that it knows and accepts any ETag. Here the parsed request is what is
held, with the defaults that CloudFront fills in, and an update replaces it as a whole.
"""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from moto.cloudfront import urls as moto_urls
from moto.cloudfront.exceptions import (
    DistributionAlreadyExists,
    InvalidIfMatchVersion,
    NoSuchDistribution,
    OriginDoesNotExist,
)
from moto.cloudfront.models import ActiveTrustedSigners, CloudFrontBackend, cloudfront_backends, random_id
from moto.cloudfront.responses import CloudFrontResponse
from moto.core.common_models import BaseModel
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.wafv2.models import GLOBAL_REGION, wafv2_backends

from . import clock, profile
from .cloudfront_headers import check_custom_headers
from .errors import Refused
from .propagation import Rollout

Config = dict[str, Any]

EDGE_LOCATIONS = 3
_CONFIG_DEFAULTS: Config = {
    "Aliases": {"Quantity": 0},
    "DefaultRootObject": "",
    "OriginGroups": {"Quantity": 0},
    "CacheBehaviors": {"Quantity": 0},
    "CustomErrorResponses": {"Quantity": 0},
    "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
    "PriceClass": "PriceClass_All",
    "ViewerCertificate": {"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": "TLSv1"},
    "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
    "WebACLId": "",
    "HttpVersion": "http2",
    "IsIPV6Enabled": True,
    "ContinuousDeploymentPolicyId": "",
    "Staging": False,
}
_ORIGIN_DEFAULTS: Config = {
    "OriginPath": "",
    "CustomHeaders": {"Quantity": 0},
    "ConnectionAttempts": 3,
    "ConnectionTimeout": 10,
    "OriginShield": {"Enabled": False},
    "OriginAccessControlId": "",
}
_one_at_a_time = threading.Lock()


class StrictDistribution(BaseModel):
    """A distribution: identity, configuration as last written, and the configuration that edges use."""

    def __init__(self, account_id: str, config: Config) -> None:
        self.id = self.distribution_id = random_id()
        self.arn = f"arn:aws:cloudfront::{account_id}:distribution/{self.id}"
        self.domain_name = f"{random_id(uppercase=False)}.cloudfront.net"
        self.location = f"https://cloudfront.amazonaws.com/2020-05-31/distribution/{self.id}"
        self.rollout: Rollout[Config] = Rollout(self.arn, places=EDGE_LOCATIONS)
        self.replace(config)

    def replace(self, config: Config) -> None:
        """Store a new configuration in place of the old, and begin to deploy it."""
        self.distribution_config = config
        self.etag = random_id()
        self.last_modified_time: datetime = clock.now()
        self.rollout.write(config, profile.current().cloudfront_deploy_s)

    def advance(self) -> None:
        """Called by moto at each read; here time alone moves a distribution on."""

    @property
    def status(self) -> str:
        return "Deployed" if self.rollout.settled() else "InProgress"

    def described(self) -> dict[str, Any]:
        """The distribution as GetDistribution and, with its configuration's members, ListDistributions answer it."""
        return {
            "Id": self.id,
            "ARN": self.arn,
            "ETag": self.etag,
            "Status": self.status,
            "LastModifiedTime": self.last_modified_time,
            "InProgressInvalidationBatches": 0,
            "DomainName": self.domain_name,
            "ActiveTrustedSigners": ActiveTrustedSigners(),
            "DistributionConfig": self.distribution_config,
        }


class StrictCloudFrontBackend(CloudFrontBackend):
    """moto's CloudFront with distributions as :class:`StrictDistribution`."""

    @property
    def _url_module(self) -> Any:
        return sys.modules[__name__]

    def create_distribution_with_tags(
        self, distribution_config: Config, tags: list[dict[str, str]]
    ) -> tuple[Any, str, str]:
        config = self._checked(distribution_config)
        for held in self.distributions.values():
            if held.distribution_config["CallerReference"] == config["CallerReference"]:
                raise DistributionAlreadyExists(held.id)
        made: Any = StrictDistribution(self.account_id, config)
        self.distributions[made.id] = made
        self.tagger.tag_resource(made.arn, tags)
        return made, made.location, made.etag

    def update_distribution(self, dist_config: Config, _id: str, if_match: Any) -> tuple[Any, str, str]:
        held: Any = self._matching(_id, if_match)
        config = self._checked(dist_config)
        if config["CallerReference"] != held.distribution_config["CallerReference"]:
            raise Refused("IllegalUpdate", "The CallerReference of a distribution cannot be changed.")
        held.replace(config)
        return held, held.location, held.etag

    def delete_distribution(self, distribution_id: str, if_match: Any) -> None:
        held: Any = self._matching(distribution_id, if_match)
        if held.distribution_config["Enabled"] or held.status != "Deployed":
            raise Refused(
                "DistributionNotDisabled", "The distribution has not been disabled, or that is not deployed yet."
            )
        del self.distributions[distribution_id]

    def _matching(self, distribution_id: str, if_match: Any) -> Any:
        """The distribution, when the caller has read its newest version."""
        held = self.distributions.get(distribution_id)
        if held is None:
            raise NoSuchDistribution()
        if not if_match:
            raise InvalidIfMatchVersion()
        if if_match != held.etag:
            raise Refused("PreconditionFailed", "The If-Match version is not the newest of the distribution.")
        return held

    def _checked(self, sent: Config) -> Config:
        """The configuration as CloudFront would hold it, when it is acceptable."""
        for path, listing in _listings(sent, "DistributionConfig"):
            count = len(listing.get("Items") or [])
            if listing["Quantity"] != count:
                raise Refused("InconsistentQuantities", f"{path}: Quantity is {listing['Quantity']}, Items has {count}")
        config = {**copy.deepcopy(_CONFIG_DEFAULTS), **_without_empty_items(sent)}
        config["Origins"]["Items"] = [
            {**copy.deepcopy(_ORIGIN_DEFAULTS), **origin} for origin in config["Origins"]["Items"]
        ]
        origin_ids = [origin["Id"] for origin in config["Origins"]["Items"]]
        if len(set(origin_ids)) != len(origin_ids):
            raise Refused("InvalidArgument", f"Two origins have the same Id: {origin_ids}")
        behaviors = [config["DefaultCacheBehavior"], *config["CacheBehaviors"].get("Items", [])]
        groups = [group["Id"] for group in config["OriginGroups"].get("Items", [])]
        if any(behavior["TargetOriginId"] not in [*origin_ids, *groups] for behavior in behaviors):
            raise OriginDoesNotExist()
        for origin in config["Origins"]["Items"]:
            check_custom_headers(origin)
        self._check_web_acl(config["WebACLId"])
        return config

    def _check_web_acl(self, arn: str) -> None:
        if arn and arn not in wafv2_backends[self.account_id][GLOBAL_REGION].wacls:
            raise Refused("InvalidWebACLId", f"The web ACL {arn} does not exist or has not the scope CLOUDFRONT")


def _listings(value: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every ``{"Quantity": n, "Items": [...]}`` in a configuration, with its path."""
    if isinstance(value, Mapping):
        if "Quantity" in value:
            yield path, value
        for name, member in value.items():
            yield from _listings(member, f"{path}.{name}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _listings(member, f"{path}[{index}]")


def _without_empty_items(value: Any) -> Any:
    """A copy in which a listing of nothing has no Items, as CloudFront answers it."""
    if isinstance(value, Mapping):
        return {
            name: _without_empty_items(member)
            for name, member in value.items()
            if not (name == "Items" and not member and "Quantity" in value)
        }
    return [_without_empty_items(member) for member in value] if isinstance(value, list) else value


class StrictCloudFrontResponse(CloudFrontResponse):
    """The operations that answer distributions; everything else is moto's."""

    def call_action(self) -> TYPE_RESPONSE:
        with _one_at_a_time:  # an ETag is checked and replaced in one step
            return super().call_action()

    def create_distribution(self) -> ActionResult:
        return self._distribution(*self.backend.create_distribution(self._get_param("DistributionConfig"), []))

    def create_distribution_with_tags(self) -> ActionResult:
        sent = self._get_param("DistributionConfigWithTags")
        tags = sent.get("Tags", {}).get("Items") or []
        return self._distribution(*self.backend.create_distribution(sent["DistributionConfig"], tags))

    def get_distribution(self) -> ActionResult:
        held, etag = self.backend.get_distribution(self._get_param("Id"))
        return self._distribution(held, None, etag)

    def update_distribution(self) -> ActionResult:
        config, if_match = self._get_param("DistributionConfig"), self._get_param("IfMatch")
        return self._distribution(*self.backend.update_distribution(config, self._get_param("Id"), if_match))

    def list_distributions(self) -> ActionResult:
        marker, most = self._get_param("Marker"), self._get_int_param("MaxItems")
        page, next_marker = self.backend.list_distributions(marker=marker, max_items=most)
        listing = {
            "Marker": marker or "",
            "NextMarker": next_marker,
            "MaxItems": most or 100,
            "IsTruncated": next_marker is not None,
            "Quantity": len(page),
            "Items": [{**held.distribution_config, **held.described()} for held in page] or None,
        }
        return ActionResult({"DistributionList": listing})

    def _distribution(self, held: Any, location: str | None, etag: str) -> ActionResult:
        return ActionResult({"Distribution": held.described(), "Location": location, "ETag": etag})


url_bases = moto_urls.url_bases
url_paths = dict.fromkeys(moto_urls.url_paths, StrictCloudFrontResponse.dispatch)


def deployed(distribution_id: str) -> Config | None:
    """The configuration that an edge location picked at random uses now; None before the first deployment.

    :raises NoSuchDistribution: there is none with this id
    """
    for _account, _partition, backend in cloudfront_backends.iter_backends():
        held: Any = backend.distributions.get(distribution_id)
        if held is not None:
            return held.rollout.anywhere()
    raise NoSuchDistribution()


def install() -> None:
    """Put the strict CloudFront in the place of moto's."""
    backend: type[CloudFrontBackend] = StrictCloudFrontBackend
    cloudfront_backends.backend = backend
