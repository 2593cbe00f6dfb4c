# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust anchors, profiles and CRLs are brought into the state that is wanted, with no call too many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.certwright.aws.plugins.module_utils.errors import AwsError, InputError, StateError, WaitTimeout
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere import flows
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.api import CRL, PROFILE, TRUST_ANCHOR
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.crl import await_crl, ensure_crl, read_crl
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.flows import Wanted
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.revocation import pem_of
from ansible_collections.certwright.aws.plugins.module_utils.rolesanywhere.transformations import source_of
from tests import pki

ROLE = "arn:aws:iam::123456789012:role/web"
OTHER_ROLE = "arn:aws:iam::123456789012:role/db"
EXPIRY = "CA_CERTIFICATE_EXPIRY"
WRITES = ("Create", "Import", "Update", "Delete", "Enable", "Disable", "Put", "Reset", "Tag", "Untag")


@pytest.fixture
def anchor(authority: pki.Entity) -> Wanted:
    return Wanted(name="fleet", members={"source": source_of(None, authority.pem)}, tags={"team": "pki"})


def profile(**changes: Any) -> Wanted:
    return replace(Wanted(name="web", members={"roleArns": [ROLE], "durationSeconds": 900}), **changes)


def writes(operations: list[str]) -> list[str]:
    return [name for name in operations if name.startswith(WRITES)]


def ensure_anchor(client: Any, wanted: Wanted, check_mode: bool = False) -> flows.Outcome:
    return flows.ensure_trust_anchor(client, wanted, check_mode=check_mode)


def ensure_profile(client: Any, wanted: Wanted, check_mode: bool = False) -> flows.Outcome:
    return flows.ensure_profile(client, wanted, check_mode=check_mode)


def test_a_trust_anchor_is_created_once(client: Any, anchor: Wanted, operations: list[str]) -> None:
    checked = ensure_anchor(client, anchor, check_mode=True)
    assert (checked.action, checked.reason, checked.before) == ("created", "does not exist", None)
    assert writes(operations) == []
    created = ensure_anchor(client, anchor)
    again = ensure_anchor(client, anchor)
    assert (created.changed, again.changed) == (True, False)
    assert writes(operations) == ["CreateTrustAnchor"]
    assert again.after["enabled"] is True
    assert again.after["tags"] == {"team": "pki"}
    told = flows.diff_of(checked.after)
    made = flows.diff_of(created.after)
    assert {name: told[name] for name in ("name", "enabled", "tags", "certificate_bundle")} == {
        name: made[name] for name in ("name", "enabled", "tags", "certificate_bundle")
    }


def test_only_what_differs_is_written(client: Any, anchor: Wanted, operations: list[str]) -> None:
    ensure_anchor(client, anchor)
    other = pki.authority("Next CA")
    changes = [
        (replace(anchor, enabled=False), ["DisableTrustAnchor"], "differs in enabled"),
        (replace(anchor, enabled=True), ["EnableTrustAnchor"], "differs in enabled"),
        (replace(anchor, tags={"a": "b"}), ["UntagResource", "TagResource"], "differs in tags"),
        (replace(anchor, tags={"c": "d"}, purge_tags=False), ["TagResource"], "differs in tags"),
        (
            replace(anchor, tags=None, members={"source": source_of(None, other.pem)}),
            ["UpdateTrustAnchor"],
            "differs in source",
        ),
    ]
    for wanted, expected, reason in changes:
        operations.clear()
        checked = ensure_anchor(client, wanted, check_mode=True)
        assert writes(operations) == []
        done = ensure_anchor(client, wanted)
        assert (writes(operations), done.reason) == (expected, reason)
        assert flows.diff_of(checked.after) == flows.diff_of(done.after)
        assert not ensure_anchor(client, wanted).changed


def test_notification_settings_are_as_wanted_and_no_others(client: Any, anchor: Wanted, operations: list[str]) -> None:
    setting = {"event": EXPIRY, "enabled": True, "threshold": 90}
    ensure_anchor(client, replace(anchor, notifications={EXPIRY: setting}))
    assert not ensure_anchor(client, anchor).changed
    assert not ensure_anchor(client, replace(anchor, notifications={EXPIRY: setting})).changed
    operations.clear()
    later = replace(anchor, notifications={EXPIRY: {**setting, "threshold": 30}})
    checked = ensure_anchor(client, later, check_mode=True)
    updated = ensure_anchor(client, later)
    assert flows.diff_of(checked.after) == flows.diff_of(updated.after)
    restored = ensure_anchor(client, replace(anchor, notifications={}))
    assert writes(operations) == ["PutNotificationSettings", "ResetNotificationSettings"]
    assert [setting["threshold"] for setting in restored.after["notification_settings"]] == [45, 45]


def test_a_bundle_is_the_same_however_it_is_wrapped(client: Any, anchor: Wanted, authority: pki.Entity) -> None:
    ensure_anchor(client, anchor)
    rewrapped = f"# the CA\n{authority.pem.replace(chr(10), chr(13) + chr(10))}\n\n"
    assert not ensure_anchor(client, replace(anchor, members={"source": source_of(None, rewrapped)})).changed


@pytest.mark.parametrize(
    ("bundle", "message"),
    [
        ("no certificate", "holds 0 PEM certificates"),
        (pki.authority("a").pem + pki.authority("b").pem + pki.authority("c").pem, "holds 3 PEM certificates"),
        (pki.authority().issue("leaf").pem, "CN=leaf, which is no certificate authority"),
    ],
)
def test_a_bundle_that_cannot_be_is_refused_before_anything_is_asked(
    client: Any, operations: list[str], bundle: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ensure_anchor(client, Wanted(name="fleet", members={"source": source_of(None, bundle)}))
    assert operations == []


def test_what_a_creation_lacks_is_named(client: Any) -> None:
    with pytest.raises(InputError, match="takes certificate_authority_arn or certificate_bundle"):
        ensure_anchor(client, Wanted(name="none"))
    with pytest.raises(InputError, match="takes role_arns"):
        ensure_profile(client, Wanted(name="none"))
    with pytest.raises(InputError, match="does not exist in us-east-1: give its name"):
        ensure_profile(client, profile(arn="arn:aws:rolesanywhere:us-east-1:123456789012:profile/1"))


def test_two_of_a_name_are_told_apart_by_arn(client: Any, anchor: Wanted) -> None:
    source = anchor.members["source"]
    first, second = (client.create_trust_anchor(name="fleet", source=source)["trustAnchor"] for _anchor in range(2))
    with pytest.raises(InputError, match=f"{first['trustAnchorArn']}, .*{second['trustAnchorArn']}; say which"):
        ensure_anchor(client, anchor)
    with pytest.raises(InputError, match="say which"):
        flows.ensure_absent(client, TRUST_ANCHOR, anchor, check_mode=False)
    renamed = ensure_anchor(client, replace(anchor, name="other", arn=second["trustAnchorArn"], tags=None))
    assert renamed.reason == "differs in name"
    assert not ensure_anchor(client, replace(anchor, tags=None)).changed


def test_a_creation_that_was_sent_twice_leaves_one(
    client: Any, anchor: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply of the first request was lost, and botocore asked again."""
    original = flows.create

    def sent_twice(*arguments: Any, **members: Any) -> Any:
        original(*arguments, **members)
        return original(*arguments, **members)[0], True

    monkeypatch.setattr(flows, "create", sent_twice)
    created = ensure_anchor(client, anchor)
    assert [item["trustAnchorArn"] for item in client.list_trust_anchors()["trustAnchors"]] == [
        created.after["trust_anchor_arn"]
    ]


def test_a_profile_is_compared_by_what_it_means(client: Any, operations: list[str]) -> None:
    policy = '{"Version": "2012-10-17", "Statement": []}'
    members = {"roleArns": [ROLE, OTHER_ROLE], "durationSeconds": 900, "sessionPolicy": policy}
    ensure_profile(client, profile(members=members))
    same = {**members, "roleArns": [OTHER_ROLE, ROLE], "sessionPolicy": policy.replace(" ", "")}
    assert not ensure_profile(client, profile(members=same)).changed
    operations.clear()
    changed = ensure_profile(client, profile(members={**same, "durationSeconds": 3600}))
    assert (changed.reason, writes(operations)) == ("differs in durationSeconds", ["UpdateProfile"])
    assert changed.after["session_policy"] == {"Version": "2012-10-17", "Statement": []}


def test_absent_is_absent(client: Any, operations: list[str]) -> None:
    ensure_profile(client, profile())
    checked = flows.ensure_absent(client, PROFILE, profile(), check_mode=True)
    assert (checked.changed, checked.after) == (True, None)
    assert writes(operations) == ["CreateProfile"]
    assert flows.ensure_absent(client, PROFILE, profile(), check_mode=False).changed
    assert not flows.ensure_absent(client, PROFILE, profile(), check_mode=False).changed
    gone = profile(arn=checked.before["profile_arn"])
    assert not flows.ensure_absent(client, PROFILE, gone, check_mode=False).changed


def test_description_by_name_and_arn(client: Any) -> None:
    made = ensure_profile(client, profile(tags={"a": "1"})).after
    assert flows.describe(client, PROFILE, name="web") == [made]
    assert flows.describe(client, PROFILE, arn=made["profile_arn"]) == [made]
    assert flows.describe(client, PROFILE, arn=made["profile_arn"] + "x") == []
    assert flows.describe(client, PROFILE, name="none") == []


class Revocation:
    """A trust anchor and the wish for its CRL."""

    def __init__(self, client: Any, anchor: Wanted) -> None:
        self.client = client
        self.anchor_arn = ensure_anchor(client, anchor).after["trust_anchor_arn"]
        self.pca: Any = object()  # not asked about a trust anchor that holds its certificates

    def wanted(self, name: str = "crl", **changes: Any) -> Wanted:
        return replace(Wanted(name=name, within={"trustAnchorArn": self.anchor_arn}), **changes)

    def ensure(self, content: bytes | str | None, wanted: Wanted | None = None, check_mode: bool = False) -> Any:
        return ensure_crl(self.client, self.pca, content, wanted or self.wanted(), check_mode=check_mode)


@pytest.fixture
def revocation(client: Any, anchor: Wanted) -> Revocation:
    return Revocation(client, anchor)


def test_a_crl_is_imported_once_and_then_changed_in_place(
    revocation: Revocation, authority: pki.Entity, operations: list[str]
) -> None:
    first, second = authority.crl(der=True), authority.crl([7], der=True, number=2)
    assert revocation.ensure(first, check_mode=True).action == "created"
    created = revocation.ensure(first)
    assert (created.action, created.after["enabled"], created.after["revoked_count"]) == ("created", True, 0)
    assert not revocation.ensure(pem_of(first)).changed
    checked = revocation.ensure(second, check_mode=True)
    updated = revocation.ensure(second)
    assert (updated.reason, updated.after["crl_number"]) == ("differs in crlData", 2)
    assert flows.diff_of(checked.after) == flows.diff_of(updated.after)
    assert not revocation.ensure(None).changed
    assert revocation.ensure(None, revocation.wanted(enabled=False)).reason == "differs in enabled"
    assert writes(operations) == ["ImportCrl", "UpdateCrl", "DisableCrl"]
    assert created.after["crl_arn"] == updated.after["crl_arn"]


def test_a_third_crl_is_refused_with_the_names_of_the_two(
    revocation: Revocation, authority: pki.Entity, operations: list[str]
) -> None:
    for name in ("one", "two"):
        revocation.ensure(authority.crl(), revocation.wanted(name))
    operations.clear()
    with pytest.raises(InputError, match=r"has the CRLs 'one' \(arn.*\) and 'two' .* AWS allows 2: give the name"):
        revocation.ensure(authority.crl(), revocation.wanted("three"))
    assert writes(operations) == []
    assert revocation.ensure(authority.crl([1]), revocation.wanted("two")).action == "updated"


def test_a_crl_of_another_ca_is_refused_and_nothing_changed(
    revocation: Revocation, authority: pki.Entity, operations: list[str]
) -> None:
    stranger = pki.authority("Another CA").crl()
    with pytest.raises(InputError, match=r"CN=Another CA is not signed by .* which is CN=Test CA"):
        revocation.ensure(stranger)
    revocation.ensure(authority.crl())
    operations.clear()
    with pytest.raises(InputError, match="CN=Another CA"):
        revocation.ensure(stranger, check_mode=True)
    assert writes(operations) == []


def test_without_cryptography_aws_checks_who_signed(revocation: Revocation) -> None:
    revocation.pca = None
    with pytest.raises(AwsError, match="not signed by a certificate authority of the trust anchor"):
        revocation.ensure(pki.authority("Another CA").crl())


def test_a_crl_needs_an_anchor_and_content(revocation: Revocation, authority: pki.Entity) -> None:
    with pytest.raises(InputError, match="to import it takes content or s3_bucket and s3_key"):
        revocation.ensure(None)
    nowhere = revocation.wanted(within={"trustAnchorArn": revocation.anchor_arn[:-1] + "x"})
    with pytest.raises(InputError, match=r"trust anchor .*x does not exist in us-east-1"):
        revocation.ensure(authority.crl(), nowhere)


def test_a_crl_is_found_by_arn_and_deleted(revocation: Revocation, authority: pki.Entity) -> None:
    arn = revocation.ensure(authority.crl()).after["crl_arn"]
    by_arn = Wanted(arn=arn)
    assert revocation.ensure(authority.crl([1]), by_arn).action == "updated"
    assert flows.ensure_absent(revocation.client, CRL, by_arn, check_mode=False).action == "deleted"


def test_a_crl_is_read_from_s3(client: Any, s3: Any, authority: pki.Entity) -> None:
    der = authority.crl(der=True)
    s3.create_bucket(Bucket="crls")
    s3.put_object(Bucket="crls", Key="crl/1.crl", Body=der)
    assert read_crl(s3, "crls", "crl/1.crl") == der
    with pytest.raises(StateError, match=r"s3://crls/crl/2.crl does not exist: Private CA publishes"):
        read_crl(s3, "crls", "crl/2.crl")
    with pytest.raises(InputError, match="bucket none does not exist"):
        read_crl(s3, "none", "x")


def test_a_crl_is_waited_for_until_it_revokes(client: Any, s3: Any, authority: pki.Entity) -> None:
    s3.create_bucket(Bucket="crls")
    publications = [authority.crl(der=True), authority.crl([0xAB, 0xCD], der=True)]
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        if publications and now > 2:
            s3.put_object(Bucket="crls", Key="1.crl", Body=publications.pop(0))

    found = await_crl(s3, "crls", "1.crl", ["0x0AB", "cd"], timeout_s=60, clock=lambda: now, sleep=sleep)
    assert found == s3.get_object(Bucket="crls", Key="1.crl")["Body"].read()
    assert publications == []
    with pytest.raises(WaitTimeout, match=r"in s3://crls/1.crl does not revoke EF; waited 5 s. Private CA publishes"):
        await_crl(s3, "crls", "1.crl", ["AB", "EF"], timeout_s=5, clock=lambda: now, sleep=sleep)
    with pytest.raises(WaitTimeout, match=r"s3://crls/2.crl does not exist"):
        await_crl(s3, "crls", "2.crl", ["AB"], timeout_s=0, clock=lambda: now, sleep=sleep)
    with pytest.raises(InputError, match="not a hexadecimal number"):
        await_crl(s3, "crls", "1.crl", ["xyz"], timeout_s=0)
