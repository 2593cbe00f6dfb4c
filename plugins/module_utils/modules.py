# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base class of the collection's modules: the only file of module_utils that knows Ansible and amazon.aws.

A module is ``do(module)`` and a ``main()`` of one line; whatever the core raises is reported here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.amazon.aws.plugins.module_utils.common import set_collection_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from .aws import client_config
from .errors import CertwrightError
from .x509 import CRYPTOGRAPHY_IMPORT_ERROR

COLLECTION_NAME = "certwright.aws"
COLLECTION_VERSION = "0.1.0"

ON_FAILURE = {"type": "str", "choices": ["fail", "report"], "default": "fail"}
"""The option ``on_failure`` of every batch module, documented by the fragment ``certwright.aws.batch``."""


class CertwrightModule(AnsibleAWSModule):
    """An AWS module of this collection: amazon.aws' options and credentials, our client settings and failures."""

    def __init__(self, *, requires_cryptography: bool = True, **settings: Any) -> None:
        super().__init__(**settings)
        set_collection_info(collection_name=COLLECTION_NAME, collection_version=COLLECTION_VERSION)
        if requires_cryptography and CRYPTOGRAPHY_IMPORT_ERROR:
            self.fail_json(msg=missing_required_lib("cryptography"), exception=CRYPTOGRAPHY_IMPORT_ERROR)

    @classmethod
    def run(cls, do: Callable[[CertwrightModule], None], **settings: Any) -> None:
        """Make the module, ``do`` its work, and report what the core raised.

        :param settings: what AnsibleModule takes (``argument_spec``, ``supports_check_mode`` …)
        """
        module = cls(**settings)
        try:
            do(module)
        except CertwrightError as error:
            module.fail_json(msg=str(error), **error.as_result())

    def client(self, service: str, **settings: Any) -> Any:
        """A boto3 client with the collection's retry settings; the user's ``aws_config`` wins over them."""
        return super().client(service, config=client_config(), **settings)

    def client_in(self, service: str, region: str | None) -> Any:
        """A client as :meth:`client` makes it, in another Region where one is given."""
        return self.client(service, region=region) if region else self.client(service)

    def exit_batch(self, results: Sequence[dict[str, Any]], **extra: Any) -> NoReturn:
        """End a module that worked on a list.

        ``results`` has one element for each input, in order, each with ``changed``, ``action`` and ``reason``;
        those whose action is ``failed`` (or whose ``failed`` is true) are repeated as ``failures``.
        With ``on_failure=fail`` any of them fails the task, after everything else was attempted.
        """
        failures = [result for result in results if result.get("failed")]
        ending = {
            "changed": any(result["changed"] for result in results),
            "results": list(results),
            "failures": failures,
            **extra,
        }
        if failures and self.params.get("on_failure") == "fail":
            self.fail_json(msg=_failure_message(failures, len(results)), **ending)
        self.exit_json(**ending)


def _failure_message(failures: Sequence[dict[str, Any]], total: int) -> str:
    """Name the first few failures, so that the task's one line is enough to act on."""
    named = "; ".join(f"{failure['id']}: {failure['reason']}" for failure in failures[:5])
    more = f"; and {len(failures) - 5} more" if len(failures) > 5 else ""
    return f"{len(failures)} of {total} failed: {named}{more}"
