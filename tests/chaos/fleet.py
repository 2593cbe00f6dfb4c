# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records under test: registering them, running waves over them, and judging them."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from . import judge
from .account import Account
from .controllers import Controllers, Ended, Running
from .tally import Tally

TOKENS_FORGOTTEN_S = 6 * 60

_names = itertools.count(1)


class Fleet:
    """Some records of one account, and what the CA had issued before their rotation was due."""

    def __init__(self, account: Account, controllers: Controllers | None, tally: Tally) -> None:
        self.account = account
        self.tally = tally
        self.host_ids: list[str] = []
        self.nodes = account.sandbox.node_ids()
        self._controllers = controllers
        self._issued_before: Counter[str] = Counter()
        self._calls_before: Mapping[str, int] = {}

    def add(self, *node_numbers: int, **settings: Any) -> list[str]:
        """Register a record with a new name on each of the nodes, and work on them from now on; their ids.

        A node that is named twice gets two records.
        """
        self.host_ids = [
            self.account.register(self.nodes[number], f"r{next(_names)}", **settings) for number in node_numbers
        ]
        self.begin()
        return self.host_ids

    def add_nodes(self, count: int) -> list[dict[str, Any]]:
        """Make real nodes for this test alone; what the sandbox says of each."""
        made = self.account.sandbox.control("POST", "/nodes", {"count": count, "kind": "real"})
        return [self.account.sandbox.control("GET", f"/nodes/{node_id}") for node_id in made]

    def begin(self) -> None:
        """Count from now on what the CA issues and what AWS is asked."""
        self._issued_before = self.account.issued()
        self._calls_before = self.account.sandbox.calls()

    def called(self, operation: str) -> int:
        """How often an operation, such as ``acm-pca:IssueCertificate``, was called since :meth:`begin`."""
        return self.account.sandbox.calls().get(operation, 0) - self._calls_before.get(operation, 0)

    def make_due(self) -> None:
        """Have every record renewed by the next run."""
        self.account.mark_due(self.host_ids)
        self.begin()

    def start(
        self, fault: Mapping[str, Any] | None = None, host_ids: Sequence[str] | None = None, **variables: Any
    ) -> Running:
        """Begin a run over the records, or over some."""
        assert self._controllers
        return self._controllers.start(host_ids or self.host_ids, self.account.variables(**variables), fault)

    def run(self, fault: Mapping[str, Any] | None = None, **variables: Any) -> Ended:
        """One run of the role over the records."""
        return self.start(fault, **variables).wait()

    def run_again(self, **variables: Any) -> Ended:
        """A run without faults, after the leases of those before it have ended.

        Where every certificate that was issued is noted in the table, AWS has forgotten the idempotency tokens by then.
        """
        self.account.clear_faults()
        self.account.end_leases(self.host_ids)
        with self.account.later(TOKENS_FORGOTTEN_S if self._all_noted() else 0):
            return self.run(**variables)

    def _all_noted(self) -> bool:
        issued = self.account.newest_arns()
        rows = {self.account.common_names[host_id]: self.account.row(host_id) for host_id in self.host_ids}
        return all(
            issued.get(name) in (None, row.get("pendingCertificateArn"), row.get("certificateArn"))
            for name, row in rows.items()
        )

    def check_usable(self) -> None:
        """Whatever was interrupted: what users see fits together at any moment.

        A node may switch while one file is looked at and then the other, so what is found is looked at again.
        """
        found = judge.unusable(self.account, self.host_ids)
        if found:
            time.sleep(0.5)
            found = [finding for finding in judge.unusable(self.account, self.host_ids) if finding in found]
        self.tally.findings += found
        assert not found, found

    def check_noted(self) -> None:
        """Once the first certificate is fetched, all that were issued are noted in the host table."""
        assert self._all_noted() or not self.called("acm-pca:GetCertificate")

    def check_rotated(self, ended: Ended, due: int = 1) -> None:
        """The run came to its end, and every record was rotated exactly as often as it was due."""
        assert ended.status == 0, f"{ended.error}\n{ended.output}"
        self.judge(self.told(ended), due)

    def judge(self, told: str, due: int = 1) -> None:
        """Judge every record.

        :param told: what to show beside the findings
        """
        found = judge.findings(self.account, self.host_ids, self._issued_before, due)
        self.tally.records_judged += len(self.host_ids)
        self.tally.findings += found
        assert not found, f"{found}\n{told}"

    def told(self, ended: Ended) -> str:
        """What a run said of its records, for a failed assertion."""
        lines: list[str] = []
        for task, result in ended.results.items():
            lines += [
                f"{task}: {item.get('id')} {item.get('action')}: {item.get('reason')}"
                for item in _listed(result.get("results"))
            ]
        return "\n".join([*lines, ended.error, ended.output])


def _listed(results: Any) -> Sequence[Mapping[str, Any]]:
    return results if isinstance(results, list) else ()
