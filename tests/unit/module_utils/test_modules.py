# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.certwright.aws.plugins.module_utils import modules
from ansible_collections.certwright.aws.plugins.module_utils.errors import AwsError, InputError
from ansible_collections.certwright.aws.plugins.module_utils.modules import ON_FAILURE, CertwrightModule
from tests.run import CHECKOUT

GOOD = {"id": "a", "changed": True, "action": "issued", "reason": "was due", "failed": False}
KEPT = {"id": "b", "changed": False, "action": "kept", "reason": "not due", "failed": False}
BAD = {"id": "c", "changed": False, "action": "failed", "reason": "no such node", "failed": True}


@pytest.fixture
def ending(capsys):
    """Run ``do`` as a module would, and return how the module ended."""

    def run(do, arguments=None, **settings):
        spec = {"on_failure": ON_FAILURE, "value": {"type": "str"}}
        with patch_module_args({"region": "us-east-1", **(arguments or {})}), pytest.raises(SystemExit) as left:
            CertwrightModule.run(do, argument_spec=spec, supports_check_mode=True, **settings)
        return json.loads(capsys.readouterr().out) | {"exit": left.value.code}

    return run


def test_a_module_that_ends_well(ending):
    ended = ending(lambda module: module.exit_json(changed=False, value=module.params["value"]), {"value": "x"})
    assert (ended["value"], ended["changed"], ended["exit"]) == ("x", False, 0)


def test_what_the_core_refuses_is_said_without_a_traceback(ending):
    def do(_module):
        raise InputError("'x' is not a duration")

    ended = ending(do)
    assert (ended["msg"], ended["failed"], ended["exit"]) == ("'x' is not a duration", True, 1)
    assert "exception" not in ended


def test_what_aws_refuses_comes_with_its_code(ending):
    def do(_module):
        raise AwsError("IssueCertificate", "LimitExceededException", "too many")

    ended = ending(do)
    assert ended["msg"] == "IssueCertificate failed: LimitExceededException: too many"
    assert (ended["error_code"], ended["operation"]) == ("LimitExceededException", "IssueCertificate")


def test_a_defect_is_not_hidden():
    with patch_module_args({"region": "us-east-1"}), pytest.raises(KeyError):
        CertwrightModule.run(lambda module: module.params["no such option"], argument_spec={})


def test_a_batch_without_failures(ending):
    ended = ending(lambda module: module.exit_batch([GOOD, KEPT], lease_owner="run-1"))
    assert (ended["changed"], ended["failures"], ended["exit"]) == (True, [], 0)
    assert ended["results"] == [GOOD, KEPT]
    assert ended["lease_owner"] == "run-1"
    assert not ending(lambda module: module.exit_batch([KEPT]))["changed"]
    assert not ending(lambda module: module.exit_batch([]))["changed"]


def test_a_batch_with_a_failure_fails_after_all_was_attempted(ending):
    ended = ending(lambda module: module.exit_batch([GOOD, BAD]))
    assert ended["msg"] == "1 of 2 failed: c: no such node"
    assert (ended["failed"], ended["changed"], ended["exit"]) == (True, True, 1)
    assert (ended["results"], ended["failures"]) == ([GOOD, BAD], [BAD])


def test_a_batch_may_only_report_its_failures(ending):
    ended = ending(lambda module: module.exit_batch([GOOD, BAD]), {"on_failure": "report"})
    assert (ended.get("failed", False), ended["failures"], ended["exit"]) == (False, [BAD], 0)


def test_a_long_list_of_failures_is_counted(ending):
    failures = [{**BAD, "id": f"n{number}"} for number in range(7)]
    message = ending(lambda module: module.exit_batch(failures))["msg"]
    assert message.startswith("7 of 7 failed: n0: no such node; ")
    assert message.endswith("n4: no such node; and 2 more")


def test_clients_have_the_collections_settings_and_the_users_win(ending):
    seen = []

    def do(module):
        config = module.client("sts")._client_config
        seen.append((config.retries, config.max_pool_connections, config.user_agent))
        seen.append(module.client_in("sts", "eu-central-1").meta.region_name)
        module.exit_json(changed=False)

    credentials = {"access_key": "testing", "secret_key": "testing"}
    ending(do, credentials)
    ending(do, {**credentials, "aws_config": {"max_pool_connections": 3}})
    (retries, connections, agent), region, (_retries, users, _agent), _region = seen
    assert (retries["mode"], connections, users, region) == ("adaptive", 32, 3, "eu-central-1")
    assert "certwright" in agent


def test_cryptography_is_asked_for_where_it_is_needed(ending, monkeypatch):
    monkeypatch.setattr(modules, "CRYPTOGRAPHY_IMPORT_ERROR", "Traceback ...")
    ended = ending(lambda module: module.exit_json(changed=False))
    assert ended["failed"]
    assert "cryptography" in ended["msg"]
    assert ending(lambda module: module.exit_json(changed=False), requires_cryptography=False)["exit"] == 0


def test_the_version_is_that_of_the_collection():
    galaxy = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text())
    assert f"{galaxy['namespace']}.{galaxy['name']}" == modules.COLLECTION_NAME
    assert galaxy["version"] == modules.COLLECTION_VERSION
