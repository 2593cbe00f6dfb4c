# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rotation_outcomes
short_description: Sum up what the steps of a rotation did for each record
version_added: 0.1.0
description:
  - Makes of the results of the batch modules that staged, issued and installed certificates what
    M(certwright.aws.cert_inventory) records with O(certwright.aws.cert_inventory#module:state=recorded).
  - No record is lost. One that a step failed has that step's reason as its error, and one that a step has no result for
    has O(broken).
options:
  _input:
    description: The records that were leased, each with a C(host_id).
    type: list
    elements: dictionary
    required: true
  steps:
    description: The RV(ignore:results) of each step, in their order; an empty list for a step that was not reached.
    type: list
    elements: list
    required: true
  broken:
    description: Why a step has no results.
    type: string
    default: not reached
positional: steps, broken
author:
  - certwright.aws contributors (@certwright)
"""

EXAMPLES = r"""
- name: Record how the rotation ended
  certwright.aws.cert_inventory:
    state: recorded
    lease_owner: "{{ leased.lease_owner }}"
    records: "{{ leased.records | certwright.aws.rotation_outcomes([staged.results, issued.results, installed.results]) }}"
"""

RETURN = r"""
_value:
  description:
    - One element for each record, in their order. It has C(host_id) and either C(error) or the C(serial), C(not_after),
      C(certificate_arn), C(fingerprint_sha256), C(public_key_sha256) and C(request_hash) of the certificate.
  type: list
  elements: dictionary
  sample:
    - host_id: i-0123456789abcdef0
      serial: 6707447683A9B7F4055627FFD55CEBCC
      not_after: "2026-12-03T11:00:00Z"
    - host_id: i-0123456789abcdef1
      error: the node is off line
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

RECORDED_VALUES = (
    "serial",
    "not_after",
    "certificate_arn",
    "fingerprint_sha256",
    "public_key_sha256",
    "request_hash",
)


def rotation_outcomes(
    records: Sequence[Mapping[str, Any]], steps: Sequence[Sequence[Mapping[str, Any]]], broken: str = "not reached"
) -> list[dict[str, Any]]:
    """One outcome for each record: the values to record of its certificate, or its error."""
    indexed = [{result["id"]: result for result in results} for results in steps]
    return [_outcome(record["host_id"], indexed, broken) for record in records]


def _outcome(host_id: str, steps: Sequence[Mapping[str, Mapping[str, Any]]], broken: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for results in steps:
        result = results.get(host_id)
        if result is None:
            return {"host_id": host_id, "error": broken}
        if result.get("failed"):
            return {"host_id": host_id, "error": result["reason"]}
        values |= {name: result[name] for name in RECORDED_VALUES if name in result}
    return {"host_id": host_id, **values}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rotation_outcomes": rotation_outcomes}
