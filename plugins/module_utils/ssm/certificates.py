# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and certificates on nodes: stage, install, read, remove, for many records at once.

Each function takes the elements of a module's list and returns one result for each, in order. An element that cannot
be used fails alone, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ssl import DER_cert_to_PEM_cert
from typing import TYPE_CHECKING, Any

from ..errors import CertwrightError, InputError, NodeError
from ..host import orders
from ..host.orders import ChainedCertificate, Limits
from ..host.payload import NodeRecord
from ..host.report import Report
from ..host.request import unwanted
from ..host.request_hash import request_hash
from ..host.settings import OPTIONS, RecordSettings, validated
from ..host_table.records import STATE_ATTRIBUTES
from ..x509 import parse_certificate, parse_signing_request
from .commands import Job, run_on_nodes

if TYPE_CHECKING:
    from botocore.client import BaseClient

Element = Mapping[str, Any]
Result = dict[str, Any]

ISSUED_VALUES = frozenset({"certificate", "chain"})
KNOWN_VALUES = {*OPTIONS, *STATE_ATTRIBUTES, *ISSUED_VALUES, "node_id", "state", "due", "reason", "leased"}
"""What an element may hold: the settings, and what other modules return beside them, so that their results can be given
as they are. Anything else is a mistake."""


def stage(ssm: BaseClient, job: Job, elements: Sequence[Element], limits: Limits, *, check_mode: bool) -> list[Result]:
    """Make a key and a CSR on the node for each record, or find those of an earlier run. Nothing is made in check mode."""

    def order(element: Element) -> NodeRecord:
        return orders.stage(settings_of(element), element.get("pending_public_key_sha256"), limits, dry_run=check_mode)

    def told(element: Element, report: Report) -> Result:
        reused = report.action == "reused"
        reason = (
            "a key and CSR on the node fit the request" if reused else "no key on the node was made for this request"
        )
        return {
            "changed": not reused,
            "reason": reason,
            "request_hash": request_hash(settings_of(element)),
            **_signing_request(settings_of(element), report),
        }

    return _carried_out(ssm, job, elements, order, told, actions=("staged", "reused"))


def install(
    ssm: BaseClient, job: Job, elements: Sequence[Element], limits: Limits, *, check_mode: bool
) -> list[Result]:
    """Install the certificate of each element on its node. In check mode the node tells what it would do."""

    def order(element: Element) -> NodeRecord:
        settings = settings_of(element)
        try:
            issued = ChainedCertificate.parse(element.get("certificate") or "", element.get("chain") or "")
        except InputError as error:
            raise InputError(f"record {settings.host_id}: {error}") from error
        return orders.install(settings, issued, limits, dry_run=check_mode)

    def told(_element: Element, report: Report) -> Result:
        kept = report.action == "kept"
        reason = "it is installed and healthy" if kept else "it was not installed, or not as it should be"
        replaced = report.words.get("replaced") or None
        return {"changed": not kept, "reason": reason, "serial": report.words["serial"], "replaced_serial": replaced}

    return _carried_out(ssm, job, elements, order, told, actions=("installed", "kept"))


def remove(ssm: BaseClient, job: Job, elements: Sequence[Element], limits: Limits, *, check_mode: bool) -> list[Result]:
    """Remove what was installed for each record. In check mode the node tells what it would do."""

    def told(_element: Element, report: Report) -> Result:
        kept = report.action == "kept"
        return {"changed": not kept, "reason": "nothing is installed" if kept else "it was installed"}

    def order(element: Element) -> NodeRecord:
        return orders.remove(settings_of(element), limits, dry_run=check_mode)

    return _carried_out(ssm, job, elements, order, told, actions=("removed", "kept"))


def read(ssm: BaseClient, job: Job, elements: Sequence[Element], limits: Limits) -> list[Result]:
    """Tell what is installed on the node for each record, and what its TLS endpoint serves."""

    def order(element: Element) -> NodeRecord:
        return orders.read(settings_of(element), limits)

    return _carried_out(ssm, job, elements, order, _read, actions=("read",))


def settings_of(element: Element) -> RecordSettings:
    """The settings of an element.

    :raises InputError: one is wrong, or none that there is
    """
    settings = validated(element)
    if unknown := sorted(element.keys() - KNOWN_VALUES):
        known = ", ".join(OPTIONS)
        raise InputError(f"record {settings.host_id}: {', '.join(unknown)}: no such setting; the settings are {known}")
    return settings


def _carried_out(
    ssm: BaseClient,
    job: Job,
    elements: Sequence[Element],
    order: Callable[[Element], NodeRecord],
    told: Callable[[Element, Report], Result],
    *,
    actions: Sequence[str],
) -> list[Result]:
    """Send the orders of all elements, and tell what became of each.

    :param actions: what a node can have done, beside failing
    """
    prepared = _prepared(elements, order)
    outcomes = run_on_nodes(ssm, job, [record for record in prepared if isinstance(record, NodeRecord)])
    by_record = {outcome.item.host_id: outcome for outcome in outcomes}
    results = []
    for element, record in zip(elements, prepared, strict=True):
        host_id = str(element.get("host_id") or "?")
        try:
            if isinstance(record, CertwrightError):
                raise record
            results.append(_result(host_id, element, by_record[host_id].result(), told, actions))
        except CertwrightError as error:
            results.append(_failure(host_id, "failed", str(error), error.as_result()))
    return results


def _prepared(
    elements: Sequence[Element], order: Callable[[Element], NodeRecord]
) -> list[NodeRecord | CertwrightError]:
    """The order of each element, or why there is none."""
    prepared: list[NodeRecord | CertwrightError] = []
    seen: set[str] = set()
    for element in elements:
        try:
            record = order(element)
        except InputError as error:
            prepared.append(error)
            continue
        twice = record.host_id in seen
        prepared.append(InputError(f"record {record.host_id} is given more than once") if twice else record)
        seen.add(record.host_id)
    return prepared


def _result(
    host_id: str,
    element: Element,
    report: Report,
    told: Callable[[Element, Report], Result],
    actions: Sequence[str],
) -> Result:
    """The result of an element whose node reported.

    :raises NodeError: the report is not what the document prints
    """
    if report.failed:
        return _failure(host_id, report.action, report.message, {"error_code": report.words.get("reason", "")})
    if report.action not in actions:
        raise NodeError(
            "report_invalid", f"the node reports the action {report.action!r}; it can be {', '.join(actions)}"
        )
    try:
        return {"id": host_id, "action": report.action, "failed": False, **told(element, report)}
    except KeyError as error:
        raise NodeError("report_invalid", f"the node's report lacks {error}") from error


def _failure(host_id: str, action: str, reason: str, more: Mapping[str, str]) -> Result:
    return {"id": host_id, "changed": False, "action": action, "reason": reason, "failed": True, **more}


def _signing_request(settings: RecordSettings, report: Report) -> Result:
    """The CSR that a node reported; in check mode there may be none.

    :raises NodeError: it cannot be used, or asks for another name than the record's
    """
    if "csr" not in report.data:
        return {}
    try:
        request = parse_signing_request(report.data["csr"])
    except InputError as error:
        raise NodeError("csr_invalid", f"the node sent a CSR that cannot be used: {error}") from error
    if differences := unwanted(settings, request):
        raise NodeError(
            "csr_unwanted",
            f"the node sent a CSR that asks for {'; '.join(differences)}, so it was not used: somebody may have changed "
            f"it; look at the node, then remove {settings.state_dir}/{settings.host_id}/staged there",
        )
    return {
        "csr": request.pem,
        "subject": request.subject,
        "key_algorithm": request.key_algorithm,
        "public_key_sha256": request.public_key_sha256,
    }


def _read(_element: Element, report: Report) -> Result:
    words = report.words
    served = _parsed(report, "served_certificate")
    installed = _parsed(report, "certificate")
    return {
        "changed": False,
        "reason": "a certificate is installed" if installed else "no certificate is installed",
        "installed": installed,
        "chain_verified": words.get("verified") == "yes",
        "key": words["key"],
        "key_permissions": report.data["key_owner"].decode().strip() if "key_owner" in report.data else None,
        "linked": words["linked"] == "yes",
        "staged": words["staged"] == "yes",
        "current_serial": words.get("current"),
        "previous_serial": words.get("previous"),
        "served": installed if words.get("served") == "installed" else served,
        "served_is_installed": words["served"] == "installed" if "served" in words else None,
    }


def _parsed(report: Report, name: str) -> Result | None:
    return parse_certificate(DER_cert_to_PEM_cert(report.data[name])).as_result() if name in report.data else None
