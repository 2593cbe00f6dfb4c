# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node is told to do for a record: its settings, put into the fields of a document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import InputError
from ..x509 import Certificate, certificate_der, parse_certificate, split_chain
from . import payload
from .payload import NodeRecord
from .request import LINE_SEPARATOR, openssl_config
from .request_hash import request_hash
from .settings import RecordSettings

HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")


@dataclass(frozen=True)
class Limits:
    """How long a node may take, in seconds.

    :ivar command_timeout: for each command of the user, and for the lock of a record that another run holds
    :ivar endpoint_timeout: for the TLS endpoint to serve the new certificate after the reload
    """

    command_timeout: int = 60
    endpoint_timeout: int = 15


@dataclass(frozen=True)
class ChainedCertificate:
    """A certificate and its chain, which ends in a root, as Private CA returns them."""

    certificate: Certificate
    chain: tuple[str, ...]

    @classmethod
    def parse(cls, certificate: str, chain: str) -> ChainedCertificate:
        """Read both from PEM.

        :raises InputError: one of them holds no certificate, or the chain does not end in a root
        """
        links = tuple(split_chain(chain))
        if not links:
            raise InputError("certificate_chain holds no PEM certificate; give the chain up to the root")
        if not parse_certificate(links[-1]).self_signed:
            raise InputError(
                "certificate_chain does not end in a self-signed root certificate; give the chain up to the root"
            )
        return cls(parse_certificate(certificate), links)


def stage(
    settings: RecordSettings, pending_public_key: str | None, limits: Limits, *, dry_run: bool = False
) -> NodeRecord:
    """Make a key and a CSR, or find those of an earlier run.

    :param pending_public_key: SHA-256 of the public key of a certificate that was issued and may be installed already
    """
    return payload.node_record(
        payload.STAGE_FIELDS,
        {
            **_common(settings, limits, dry_run),
            "key_algorithm": settings.key_algorithm,
            "request_hash": request_hash(settings),
            "request": openssl_config(settings).replace("\n", LINE_SEPARATOR),
            "pending_public_key": pending_public_key,
        },
    )


def install(
    settings: RecordSettings, issued: ChainedCertificate, limits: Limits, *, dry_run: bool = False
) -> NodeRecord:
    """Install a certificate beside the key that was staged for it."""
    *intermediates, root = (certificate_der(pem) for pem in issued.chain)
    roles_anywhere = (settings.trust_anchor_arn, settings.profile_arn, settings.role_arn)
    return payload.node_record(
        payload.INSTALL_FIELDS,
        {
            **_common(settings, limits, dry_run),
            **_endpoint(settings),
            "serial": issued.certificate.serial,
            "certificate": (certificate_der(issued.certificate.pem),),
            "intermediates": tuple(intermediates),
            "root_certificate": (root,),
            "validation_command": settings.validation_command,
            "reload_command": settings.reload_command,
            "endpoint_timeout": limits.endpoint_timeout,
            "signinghelper_path": settings.signinghelper_path if all(roles_anywhere) else None,
            "trust_anchor_arn": settings.trust_anchor_arn,
            "profile_arn": settings.profile_arn,
            "role_arn": settings.role_arn,
        },
    )


def read(settings: RecordSettings, limits: Limits) -> NodeRecord:
    """Report what is installed and served."""
    return payload.node_record(payload.READ_FIELDS, {**_common(settings, limits, False), **_endpoint(settings)})


def remove(settings: RecordSettings, limits: Limits, *, dry_run: bool = False) -> NodeRecord:
    """Remove what was installed for the record."""
    return payload.node_record(payload.REMOVE_FIELDS, _common(settings, limits, dry_run))


def _common(settings: RecordSettings, limits: Limits, dry_run: bool) -> Mapping[str, str | int | bool | None]:
    return {
        "host_id": settings.host_id,
        "state_dir": settings.state_dir,
        "cert_path": settings.cert_path,
        "key_path": settings.key_path,
        "cacert_path": settings.cacert_path,
        "csr_path": settings.csr_path,
        "owner": settings.owner,
        "group": settings.group,
        "mode": settings.mode,
        "command_timeout": limits.command_timeout,
        "dry_run": dry_run,
    }


def _endpoint(settings: RecordSettings) -> Mapping[str, str | None]:
    name = settings.server_name
    return {"tls_endpoint": settings.tls_endpoint, "server_name": name if HOST_NAME.fullmatch(name) else None}
