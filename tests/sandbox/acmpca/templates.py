# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private CA's certificate templates: what each puts into a certificate, and what may be passed through it.

From the user guide's "template definitions". ``<name>[_CSR|_API|_APICSRPassthrough]/V1``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from .errors import refusal

_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:acm-pca:::template/([A-Za-z0-9_]+)/V1")
_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
DEFAULT_ARN = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"


@dataclass(frozen=True)
class Template:
    """A template: its fixed extensions, and which passthroughs its variant allows.

    ``extensions`` are (value, critical) pairs; key identifiers, alternative names and distribution points are added
    to them when a certificate is issued. ``path_length`` counts for CA templates, None is no limit.
    """

    arn: str
    extensions: tuple[tuple[x509.ExtensionType, bool], ...]
    is_ca: bool = False
    is_root: bool = False
    path_length: int | None = None
    csr_passthrough: bool = False
    api_passthrough: bool = False


def key_usage(*uses: str) -> x509.KeyUsage:
    """The extension KeyUsage with the named bits of :data:`_USES` set."""
    return x509.KeyUsage(**{use: use in uses for use in _USES})


_SIGNING = key_usage("digital_signature")
_END_ENTITY = key_usage("digital_signature", "key_encipherment")
_CA = key_usage("digital_signature", "key_cert_sign", "crl_sign")
_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH

_LEAF_EXTENSIONS: dict[str, tuple[tuple[x509.ExtensionType, bool], ...]] = {
    "EndEntityCertificate": ((_END_ENTITY, True), (x509.ExtendedKeyUsage([_SERVER, _CLIENT]), False)),
    "EndEntityClientAuthCertificate": ((_END_ENTITY, True), (x509.ExtendedKeyUsage([_CLIENT]), False)),
    "EndEntityServerAuthCertificate": ((_END_ENTITY, True), (x509.ExtendedKeyUsage([_SERVER]), False)),
    "CodeSigningCertificate": (
        (_SIGNING, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), True),
    ),
    "OCSPSigningCertificate": (
        (_SIGNING, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), True),
    ),
    "BlankEndEntityCertificate": (),
}


def _catalogue() -> dict[str, Template]:
    leaves = [_leaf(name, variant) for name in _LEAF_EXTENSIONS for variant in _variants(name.startswith("Blank"))]
    roots = [_root(variant) for variant in ("", "_APIPassthrough")]
    subordinates = [
        _subordinate(blank, length, variant)
        for blank in (False, True)
        for length in range(4)
        for variant in _variants(blank)
    ]
    return {template.arn: template for template in leaves + roots + subordinates}


def _variants(blank: bool) -> tuple[str, ...]:
    passthroughs = ("_CSRPassthrough", "_APIPassthrough", "_APICSRPassthrough")
    return passthroughs if blank else ("", *passthroughs)


def _leaf(name: str, variant: str) -> Template:
    constraints = (x509.BasicConstraints(ca=False, path_length=None), False)
    return _template(name, variant, (constraints, *_LEAF_EXTENSIONS[name]))


def _root(variant: str) -> Template:
    constraints = (x509.BasicConstraints(ca=True, path_length=None), True)
    return _template("RootCACertificate", variant, (constraints, (_CA, True)), is_ca=True, is_root=True)


def _subordinate(blank: bool, length: int, variant: str) -> Template:
    constraints = (x509.BasicConstraints(ca=True, path_length=length), True)
    name = f"{'Blank' if blank else ''}SubordinateCACertificate_PathLen{length}"
    extensions = (constraints,) if blank else (constraints, (_CA, True))
    return _template(name, variant, extensions, is_ca=True, path_length=length)


def _template(
    name: str,
    variant: str,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...],
    *,
    is_ca: bool = False,
    is_root: bool = False,
    path_length: int | None = None,
) -> Template:
    return Template(
        arn=f"arn:aws:acm-pca:::template/{name}{variant}/V1",
        extensions=extensions,
        is_ca=is_ca,
        is_root=is_root,
        path_length=path_length,
        csr_passthrough="CSR" in variant,
        api_passthrough="API" in variant,
    )


CATALOGUE = _catalogue()


def find(arn: str | None) -> Template:
    """The template of an ARN; without one the default, EndEntityCertificate/V1.

    :raises JsonRESTError: AWS has no such template
    """
    match = _ARN.fullmatch(arn or DEFAULT_ARN)
    template = CATALOGUE.get(f"arn:aws:acm-pca:::template/{match[1]}/V1") if match else None
    if template is None:
        raise refusal("InvalidArgsException", f"The template {arn} is not a valid template.")
    return template
