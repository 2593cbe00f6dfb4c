# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a record: which certificate a node needs, where its files go, and how they are proven to work.

Whatever a user may set is checked here, before anything is sent or stored, so that later layers can rely on it.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError

NODE_ID = r"(?:i-[0-9a-f]{8}|i-[0-9a-f]{17}|mi-[0-9a-f]{17})"
HOST_ID = re.compile(rf"(?P<node>{NODE_ID})(?:#(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{{0,62}}))?")
KEY_ALGORITHMS = ("RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")
SIGNING_ALGORITHMS = (
    "SHA256WITHRSA",
    "SHA384WITHRSA",
    "SHA512WITHRSA",
    "SHA256WITHRSA_PSS",
    "SHA384WITHRSA_PSS",
    "SHA512WITHRSA_PSS",
    "SHA256WITHECDSA",
    "SHA384WITHECDSA",
    "SHA512WITHECDSA",
    "SM3WITHSM2",
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
)
# The parts of a subject beside the common name, with the most characters that X.520 allows for each.
SUBJECT_PARTS = {"organization": 64, "organizational_unit": 64, "country": 2, "state": 128, "locality": 128}
DEFAULT_STATE_DIR = "/etc/pki/certwright"

OPTIONS: dict[str, dict[str, Any]] = {
    "host_id": {"type": "str", "required": True},
    "cert_path": {"type": "str"},
    "key_path": {"type": "str", "no_log": False},
    "cacert_path": {"type": "str"},
    "csr_path": {"type": "str"},
    "signinghelper_path": {"type": "str"},
    "common_name": {"type": "str"},
    "subject": {"type": "dict", "options": {part: {"type": "str"} for part in SUBJECT_PARTS}},
    "subject_alt_names": {"type": "list", "elements": "str"},
    "key_algorithm": {"type": "str", "choices": list(KEY_ALGORITHMS), "no_log": False},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str"},
    "state_dir": {"type": "str"},
    "validation_command": {"type": "str"},
    "reload_command": {"type": "str"},
    "tls_endpoint": {"type": "str"},
    "trust_anchor_arn": {"type": "str"},
    "profile_arn": {"type": "str"},
    "role_arn": {"type": "str"},
    "certificate_authority_arn": {"type": "str"},
    "template_arn": {"type": "str"},
    "signing_algorithm": {"type": "str", "choices": list(SIGNING_ALGORITHMS)},
    "validity_days": {"type": "int"},
}
"""The settings as suboptions of a module's option, in AnsibleModule's form; unset ones come as None.

No default stands here, so that a record's own value can be told from none; :func:`validated` fills them in.
"""


@dataclass(frozen=True)
class RecordSettings:
    """The checked settings of one record, every default filled in; paths are absolute and normalized.

    ``group`` is None for the owner's own group. ``mode`` is the private key's, four octal digits.
    """

    host_id: str
    state_dir: str
    cert_path: str
    key_path: str
    cacert_path: str
    csr_path: str
    common_name: str
    subject: Mapping[str, str] = field(default_factory=dict)
    subject_alt_names: tuple[str, ...] = ()
    key_algorithm: str = "RSA_2048"
    owner: str = "root"
    group: str | None = None
    mode: str = "0400"
    signinghelper_path: str | None = None
    validation_command: str | None = None
    reload_command: str | None = None
    tls_endpoint: str | None = None
    trust_anchor_arn: str | None = None
    profile_arn: str | None = None
    role_arn: str | None = None
    certificate_authority_arn: str | None = None
    template_arn: str | None = None
    signing_algorithm: str | None = None
    validity_days: int | None = None

    @property
    def node_id(self) -> str:
        """The Systems Manager node that holds the record."""
        return self.host_id.partition("#")[0]

    @property
    def server_name(self) -> str:
        """The name to ask the TLS endpoint for: its own, or where it is an address, the certificate's."""
        host = (self.tls_endpoint or "").rpartition(":")[0].strip("[]")
        if host and not _is_address(host):
            return host
        names = [name.removeprefix("DNS:") for name in self.subject_alt_names if name.startswith("DNS:")]
        return (names or [self.common_name])[0]


def node_of(host_id: str) -> str:
    """The node of a record.

    :raises InputError: ``host_id`` is not one
    """
    return _checked(str(host_id), "host_id", _host_id, host_id).partition("#")[0]


def effective(defaults: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """A record's settings over the defaults of a role or of the command line.

    A value of None or an empty text counts as unset. The parts of ``subject`` are merged one by one; a list
    replaces the default list.
    """
    merged = {**_set_values(defaults), **_set_values(record)}
    subject = {**_set_values(defaults.get("subject") or {}), **_set_values(record.get("subject") or {})}
    if subject:
        merged["subject"] = subject
    return merged


def validated(settings: Mapping[str, Any]) -> RecordSettings:
    """Check every setting of a record and fill in the defaults.

    :param settings: option name to value; None and empty texts count as unset, other names are ignored
    :raises InputError: naming the record, the option, the value and what would be right
    """
    given = _set_values(settings)
    record = str(given.get("host_id", "?"))
    host_id = _checked(record, "host_id", _host_id, given.get("host_id"))
    checked: dict[str, Any] = {
        name: _checked(record, name, check, given[name]) for name, check in CHECKS.items() if name in given
    }
    state_dir = checked.setdefault("state_dir", DEFAULT_STATE_DIR)
    for name in ("cert_path", "key_path", "cacert_path"):
        checked.setdefault(name, posixpath.join(state_dir, host_id))
    checked.setdefault("csr_path", checked["cert_path"])
    checked.setdefault("common_name", host_id.partition("#")[0])
    return RecordSettings(**{**checked, "host_id": host_id})


def _set_values(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None and value != ""}


def _checked(record: str, option: str, check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise InputError(f"record {record}: {option}: {value!r} {error}") from error


def _text(value: Any) -> str:
    """One line of text without blanks around it: what may stand in a payload, a table and a message."""
    text = value if isinstance(value, str) else str(value)
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in text):
        raise ValueError("holds a control character or a line break; give one line of text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("is not valid Unicode text") from error
    if text != text.strip() or not text:
        raise ValueError("is empty or has blanks around it; remove them")
    return text


def _matching(pattern: str, right: str) -> Callable[[Any], str]:
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        text = _text(value)
        if not compiled.fullmatch(text):
            raise ValueError(right)
        return text

    return check


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"is none of {', '.join(choices)}")
        return str(value)

    return check


def _host_id(value: Any) -> str:
    if not isinstance(value, str) or not HOST_ID.fullmatch(value):
        raise ValueError(
            "is not the id of a record; give a Systems Manager node id (i-0123456789abcdef0 or mi-0123456789abcdef0), "
            "with #name for a further certificate on the node"
        )
    return value


def _path(value: Any) -> str:
    text = _text(value)
    if not text.startswith("/"):
        raise ValueError("is relative; give an absolute path")
    if ".." in text.split("/"):
        raise ValueError("holds '..'; give the path that is meant")
    path = "/" + posixpath.normpath(text).lstrip("/")
    if path == "/":
        raise ValueError("is the root folder; give a folder below it")
    if len(path.encode()) > 1024:
        raise ValueError("is longer than 1024 bytes")
    return path


def _common_name(value: Any) -> str:
    text = _text(value)
    if len(text) > 64:
        raise ValueError("is longer than the 64 characters of a common name; put long names into subject_alt_names")
    return text


def _subject(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError(f"is not a dictionary of {', '.join(SUBJECT_PARTS)}")  # noqa: TRY004 (reported as bad input)
    parts: dict[str, str] = {}
    for name, part in _set_values(value).items():
        if name not in SUBJECT_PARTS:
            raise ValueError(f"holds {name!r}, which is none of {', '.join(SUBJECT_PARTS)}")
        text = _text(part)
        if name == "country" and not re.fullmatch("[A-Z]{2}", text):
            raise ValueError(f"has the country {text!r}; give the two upper-case letters of ISO 3166")
        if len(text) > SUBJECT_PARTS[name]:
            raise ValueError(f"has more than the {SUBJECT_PARTS[name]} characters allowed for {name}")
        parts[name] = text
    return parts


def _subject_alt_names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise ValueError("is not a list")
    return tuple(dict.fromkeys(_subject_alt_name(name) for name in value))


def _subject_alt_name(value: Any) -> str:
    """A subject alternative name in openssl's form; see :data:`SAN_KINDS` for what each kind allows."""
    text = _text(value)
    kind, separator, name = text.partition(":")
    if not separator or kind not in SAN_KINDS:
        raise ValueError(
            f"holds {text!r}; write a name as DNS:www.example.com, IP:10.0.0.1, email:a@b.example or URI:spiffe://x/y"
        )
    if not SAN_KINDS[kind](name):
        raise ValueError(f"holds {text!r}, which is not a valid {kind} name (international names are written in ASCII)")
    return f"IP:{ipaddress.ip_address(name)}" if kind == "IP" else text


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z)(\*\.)?{_LABEL}(\.{_LABEL})*")
SAN_KINDS: dict[str, Callable[[str], object]] = {
    "DNS": _HOST_NAME.fullmatch,
    "IP": _is_address,
    "email": re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}").fullmatch,
    "URI": re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]{1,2000}").fullmatch,
}


def _tls_endpoint(value: Any) -> str:
    text = _text(value)
    host, _colon, port = text.rpartition(":")
    named = _HOST_NAME.fullmatch(host) and "*" not in host
    bracketed = host.startswith("[") and host.endswith("]") and _is_address(host[1:-1])
    if not (named or bracketed) or not re.fullmatch("[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise ValueError("is not an endpoint; write host:port, for example localhost:8443 or [::1]:8443")
    return text


def _mode(value: Any) -> str:
    text = _matching("0?[46][046]0", "is no mode of a private key; give 0400, 0440, 0600 or 0640, in quotes")(value)
    return text.rjust(4, "0")


def _days(value: Any) -> int:
    """A number of days; the host table gives it as a Decimal."""
    if not re.fullmatch("[0-9]{1,5}", str(value)) or int(value) < 1:
        raise ValueError("is not a whole number of days of at least 1")
    return int(value)


_account = _matching(
    r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\$?", "is no name of a user or group; give one that exists on the node"
)


def _arn(service: str, resource: str) -> Callable[[Any], str]:
    return _matching(rf"arn:aws[a-z-]*:{service}:\S*:{resource}\S+", f"is not an ARN of {service} with {resource}…")


CHECKS: dict[str, Callable[[Any], Any]] = {
    "state_dir": _path,
    "cert_path": _path,
    "key_path": _path,
    "cacert_path": _path,
    "csr_path": _path,
    "signinghelper_path": _path,
    "common_name": _common_name,
    "subject": _subject,
    "subject_alt_names": _subject_alt_names,
    "key_algorithm": _one_of(KEY_ALGORITHMS),
    "owner": _account,
    "group": _account,
    "mode": _mode,
    "validation_command": _text,
    "reload_command": _text,
    "tls_endpoint": _tls_endpoint,
    "trust_anchor_arn": _arn("rolesanywhere", "trust-anchor/"),
    "profile_arn": _arn("rolesanywhere", "profile/"),
    "role_arn": _arn("iam", "role/"),
    "certificate_authority_arn": _arn("acm-pca", "certificate-authority/"),
    "template_arn": _arn("acm-pca", "template/"),
    "signing_algorithm": _one_of(SIGNING_ALGORITHMS),
    "validity_days": _days,
}
"""What checks each setting but ``host_id``: it returns the value cleaned, or raises ValueError with what is right."""
