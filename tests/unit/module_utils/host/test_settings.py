# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.certwright.aws.plugins.module_utils.errors import InputError
from ansible_collections.certwright.aws.plugins.module_utils.host import settings as host

NODE = "mi-0123456789abcdef0"


def test_every_setting_has_an_option_and_a_check() -> None:
    assert {setting.name for setting in fields(host.RecordSettings)} == {"host_id", *host.CHECKS} == set(host.OPTIONS)


def test_defaults_of_a_record_that_sets_nothing() -> None:
    settings = host.validated({"host_id": f"{NODE}#web", "owner": None, "cert_path": ""})
    assert settings.node_id == NODE
    assert settings.common_name == NODE
    assert settings.cert_path == settings.key_path == settings.cacert_path == f"/etc/pki/certwright/{NODE}#web"
    assert (settings.owner, settings.group, settings.mode, settings.key_algorithm) == ("root", None, "0400", "RSA_2048")


def test_csr_path_follows_cert_path() -> None:
    assert host.validated({"host_id": NODE, "cert_path": "/tmp/"}).csr_path == "/tmp"


@pytest.mark.parametrize(
    ("option", "value", "right"),
    [
        ("host_id", "i-123", "give a Systems Manager node id"),
        ("host_id", f"{NODE}#", "with #name"),
        ("host_id", f"{NODE}\n", "give a Systems Manager node id"),
        ("cert_path", "etc/pki", "give an absolute path"),
        ("key_path", "/etc/../tmp", "holds '..'"),
        ("state_dir", "//", "root folder"),
        ("csr_path", "/tmp/a\nb", "control character"),
        ("cacert_path", "/tmp/\udcff", "not valid Unicode"),
        ("signinghelper_path", "/" + "x" * 1024, "longer than 1024"),
        ("owner", "web; reboot", "no name of a user"),
        ("owner", "-R", "no name of a user"),
        ("group", "a:b", "no name of a user or group"),
        ("mode", "0444", "give 0400, 0440, 0600 or 0640"),
        ("mode", "04000", "give 0400"),
        ("key_algorithm", "RSA_1024", "RSA_2048"),
        ("signing_algorithm", "SHA1WITHRSA", "SHA256WITHRSA"),
        ("common_name", "x" * 65, "64 characters"),
        ("common_name", " x", "blanks around it"),
        ("subject", {"country": "Germany"}, "ISO 3166"),
        ("subject", {"organisation": "x"}, "organization"),
        ("subject", {"locality": "x" * 129}, "128 characters"),
        ("subject", "O=x", "dictionary"),
        ("subject_alt_names", "DNS:a.example", "is not a list"),
        ("subject_alt_names", ["a.example"], "DNS:www.example.com"),
        ("subject_alt_names", ["DNS:a..example"], "not a valid DNS name"),
        ("subject_alt_names", ["DNS:bücher.example"], "written in ASCII"),
        ("subject_alt_names", ["IP:10.0.0.256"], "not a valid IP name"),
        ("subject_alt_names", ["email:copy"], "not a valid email name"),
        ("subject_alt_names", ["dirName:x"], "write a name as"),
        ("subject_alt_names", ["URI:no"], "not a valid URI name"),
        ("tls_endpoint", "localhost", "write host:port"),
        ("tls_endpoint", "localhost:0", "write host:port"),
        ("tls_endpoint", "-x:443", "write host:port"),
        ("tls_endpoint", "::1:443", "write host:port"),
        ("reload_command", "a\nb", "one line of text"),
        ("validity_days", 0, "at least 1"),
        ("validity_days", "1.5", "whole number"),
        ("certificate_authority_arn", "arn:aws:iam::1:role/x", "is not an ARN of acm-pca"),
        ("role_arn", "arn:aws:iam::1:user/x", "is not an ARN of iam"),
    ],
)
def test_bad_input_is_named_with_what_is_right(option: str, value: object, right: str) -> None:
    record = {"host_id": NODE, option: value}
    with pytest.raises(InputError) as caught:
        host.validated(record)
    message = str(caught.value)
    assert message.startswith(f"record {record['host_id']}: {option}: {value!r} ")
    assert right in message


@pytest.mark.parametrize(
    ("option", "value", "checked"),
    [
        ("cert_path", "//srv/ssl//live/", "/srv/ssl/live"),
        ("cert_path", "/srv/mit Leerzeichen/$(id)/'\"", "/srv/mit Leerzeichen/$(id)/'\""),
        ("mode", "640", "0640"),
        ("owner", "svc_web$", "svc_web$"),
        ("validity_days", Decimal(7), 7),
        ("validity_days", "30", 30),
        (
            "subject_alt_names",
            ["IP:2001:DB8::1", "DNS:*.a.example", "DNS:*.a.example"],
            ("IP:2001:db8::1", "DNS:*.a.example"),
        ),
        ("tls_endpoint", "[::1]:8443", "[::1]:8443"),
        ("tls_endpoint", "web.example:443", "web.example:443"),
        ("subject", {"organization": "Bücher & Söhne", "country": None}, {"organization": "Bücher & Söhne"}),
    ],
)
def test_good_input_is_cleaned(option: str, value: object, checked: object) -> None:
    assert getattr(host.validated({"host_id": NODE, option: value}), option) == checked


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"tls_endpoint": "web.example:443"}, "web.example"),
        ({"tls_endpoint": "127.0.1.2:443", "subject_alt_names": ["IP:127.0.1.2", "DNS:a.example"]}, "a.example"),
        ({"tls_endpoint": "[::1]:443"}, NODE),
    ],
)
def test_server_name_of_the_endpoint(settings: dict[str, object], name: str) -> None:
    assert host.validated({"host_id": NODE, **settings}).server_name == name


def test_a_record_overrides_defaults_and_merges_the_subject() -> None:
    defaults = {"owner": "nginx", "cert_path": "/a", "subject": {"organization": "A", "country": "DE"}}
    record = {"host_id": NODE, "owner": "", "cert_path": "/b", "subject": {"organization": "B", "country": None}}
    assert host.effective(defaults, record) == {
        "host_id": NODE,
        "owner": "nginx",
        "cert_path": "/b",
        "subject": {"organization": "B", "country": "DE"},
    }


def test_node_of() -> None:
    assert host.node_of(f"{NODE}#web") == NODE
    with pytest.raises(InputError, match="record web: host_id"):
        host.node_of("web")


@given(st.sampled_from(sorted(host.CHECKS)), st.text() | st.integers() | st.lists(st.text()) | st.booleans())
def test_any_value_is_cleaned_to_one_line_or_refused(option: str, value: object) -> None:
    try:
        checked = getattr(host.validated({"host_id": NODE, option: value}), option)
    except InputError:
        return
    assert "\n" not in str(checked)
    assert "\x1f" not in str(checked)
    assert host.validated({"host_id": NODE, option: checked}) == host.validated({"host_id": NODE, option: value})
