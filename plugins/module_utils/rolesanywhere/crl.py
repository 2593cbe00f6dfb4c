# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificate revocation lists: imported once for each name, and from then on changed in place."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..aws import call
from ..errors import AwsError, InputError, StateError, WaitTimeout
from ..x509 import iso, normalized_serial, parse_crl, split_chain
from .api import CRL, TRUST_ANCHOR, Resource, get, list_all
from .flows import Outcome, Wanted, ensure_present, held_by, the_one
from .revocation import check_issuer, der_of, pem_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

MAX_CRLS = 2
"""CRLs of one trust anchor; AWS does not raise it."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0


def ensure_crl(
    client: BaseClient, pca: BaseClient | None, content: str | bytes | None, wanted: Wanted, *, check_mode: bool
) -> Outcome:
    """Import a CRL, or put it in the place of the one with its name.

    :param pca: asked for the certificate of the CA that a trust anchor refers to, to check who signed the CRL; None
        leaves that to AWS, as where cryptography is not installed
    :param content: the CRL in DER, PEM or base64 of DER; None leaves the one that is there
    :raises InputError: it is no CRL, that of another CA, or one too many
    :raises AwsError: AWS refused
    """
    der = der_of(content) if content is not None else None
    if der is not None:
        wanted = replace(wanted, members={**wanted.members, "crlData": pem_of(der)})
    held = _held(client, wanted)
    if held is None and der is None:
        raise InputError(f"CRL {wanted.name!r} does not exist, and to import it takes content or s3_bucket and s3_key")
    if der is not None and pca is not None and (held is None or der_of(held["crlData"]) != der):
        anchor_arn = held["trustAnchorArn"] if held else wanted.within["trustAnchorArn"]
        check_issuer(der, _authorities(client, pca, anchor_arn), f"trust anchor {anchor_arn}")
    return ensure_present(client, CRL, held, wanted, check_mode=check_mode)


def read_crl(s3: BaseClient, bucket: str, key: str) -> bytes:
    """Read a CRL that Private CA published.

    :raises InputError: there is no such bucket
    :raises StateError: it has not been published yet
    :raises AwsError: AWS refused
    """
    try:
        body: bytes = call(s3, "get_object", Bucket=bucket, Key=key)["Body"].read()
    except AwsError as error:
        if error.code == "NoSuchBucket":
            raise InputError(f"bucket {bucket} does not exist") from error
        if error.code == "NoSuchKey":
            raise StateError(
                f"s3://{bucket}/{key} does not exist: Private CA publishes a CA's first CRL after it issued a certificate "
                "that refers to it, about 30 minutes later"
            ) from error
        raise
    return body


def await_crl(
    s3: BaseClient,
    bucket: str,
    key: str,
    serials: Collection[str],
    *,
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bytes:
    """Read a CRL once it revokes all of these certificates.

    :param serials: serial numbers in hexadecimal, in any of the forms that AWS and openssl print
    :raises InputError: a serial number is none, what is there is no CRL, or there is no such bucket
    :raises WaitTimeout: it does not revoke them in time, or is not there
    :raises AwsError: AWS refused
    """
    wanted = {normalized_serial(serial) for serial in serials}
    deadline, pause = clock() + timeout_s, FIRST_PAUSE_S
    while True:
        content, lack = _published(s3, bucket, key, wanted)
        if content is not None:
            return content
        if clock() + pause > deadline:
            raise WaitTimeout(
                f"{lack}; waited {timeout_s:g} s. Private CA publishes a CRL about 30 minutes after a revocation"
            )
        sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


def _published(s3: BaseClient, bucket: str, key: str, serials: set[str]) -> tuple[bytes | None, str]:
    """A CRL if it revokes these certificates by now; else None, and what it lacks."""
    try:
        content = read_crl(s3, bucket, key)
    except StateError as error:
        return None, str(error)
    crl = parse_crl(der_of(content))
    missing = sorted(serials - set(crl.serials))
    if not missing:
        return content, ""
    return None, f"the CRL of {iso(crl.last_update)} in s3://{bucket}/{key} does not revoke {', '.join(missing)}"


def _held(client: BaseClient, wanted: Wanted) -> Resource | None:
    """The CRL that is meant; None when it is to be imported and there is room for it."""
    if wanted.arn is not None:
        return held_by(client, CRL, wanted)
    crls = list_all(client, CRL)
    held = the_one(CRL, crls, wanted)
    anchor_arn = wanted.within["trustAnchorArn"]
    others = [item for item in crls if item["trustAnchorArn"] == anchor_arn]
    if held is None and len(others) >= MAX_CRLS:
        names = " and ".join(f"{item['name']!r} ({CRL.arn_of(item)})" for item in others)
        raise InputError(
            f"trust anchor {anchor_arn} has the CRLs {names}, and AWS allows {MAX_CRLS}: give the name of the one to put "
            "this in the place of, or delete one"
        )
    return held


def _authorities(client: BaseClient, pca: BaseClient, anchor_arn: str) -> list[str]:
    """The PEM certificates of a trust anchor's CAs."""
    try:
        source: dict[str, Any] = get(client, TRUST_ANCHOR, anchor_arn)["source"]
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            raise InputError(f"trust anchor {anchor_arn} does not exist in {client.meta.region_name}") from error
        raise
    data = source["sourceData"]
    if source["sourceType"] == "AWS_ACM_PCA":
        found = call(pca, "get_certificate_authority_certificate", CertificateAuthorityArn=data["acmPcaArn"])
        return [found["Certificate"]]
    return split_chain(data["x509CertificateData"])
