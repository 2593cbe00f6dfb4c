# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""X.509 names from the API's ASN1Subject and GeneralName structures."""

from __future__ import annotations

import ipaddress
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from .errors import refusal

_SUBJECT_OIDS = {
    "Country": NameOID.COUNTRY_NAME,
    "Organization": NameOID.ORGANIZATION_NAME,
    "OrganizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "DistinguishedNameQualifier": NameOID.DN_QUALIFIER,
    "State": NameOID.STATE_OR_PROVINCE_NAME,
    "CommonName": NameOID.COMMON_NAME,
    "SerialNumber": NameOID.SERIAL_NUMBER,
    "Locality": NameOID.LOCALITY_NAME,
    "Title": NameOID.TITLE,
    "Surname": NameOID.SURNAME,
    "GivenName": NameOID.GIVEN_NAME,
    "Initials": NameOID.INITIALS,
    "Pseudonym": NameOID.PSEUDONYM,
    "GenerationQualifier": NameOID.GENERATION_QUALIFIER,
}


def subject_name(subject: dict[str, Any]) -> x509.Name:
    """The X.500 name of an ASN1Subject, in the order country, organisation … common name."""
    custom = subject.get("CustomAttributes")
    standard = {name: value for name, value in subject.items() if name in _SUBJECT_OIDS and value}
    if custom and standard:
        raise refusal("InvalidArgsException", "CustomAttributes cannot be combined with the standard attributes.")
    if not custom and not standard:
        raise refusal("InvalidArgsException", "The subject is empty.")
    if custom:
        return x509.Name(
            [x509.NameAttribute(x509.ObjectIdentifier(item["ObjectIdentifier"]), item["Value"]) for item in custom]
        )
    return x509.Name(
        [x509.NameAttribute(oid, standard[name]) for name, oid in _SUBJECT_OIDS.items() if name in standard]
    )


def general_name(name: dict[str, Any]) -> x509.GeneralName:
    """One GeneralName: exactly one of its members counts."""
    if len(name) != 1:
        raise refusal("InvalidArgsException", "A GeneralName must have exactly one member.")
    kind, value = next(iter(name.items()))
    try:
        return _general_name(kind, value)
    except ValueError as error:
        raise refusal("InvalidArgsException", f"{kind} {value!r} is not valid: {error}") from error


def _general_name(kind: str, value: Any) -> x509.GeneralName:
    if kind == "DnsName":
        return x509.DNSName(value)
    if kind == "IpAddress":
        return x509.IPAddress(ipaddress.ip_address(value))
    if kind == "Rfc822Name":
        return x509.RFC822Name(value)
    if kind == "UniformResourceIdentifier":
        return x509.UniformResourceIdentifier(value)
    if kind == "DirectoryName":
        return x509.DirectoryName(subject_name(value))
    if kind == "RegisteredId":
        return x509.RegisteredID(x509.ObjectIdentifier(value))
    raise refusal("InvalidArgsException", f"The sandbox does not issue names of the kind {kind}.")
