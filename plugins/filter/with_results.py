# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: with_results
short_description: Hand the records that a batch module worked on to the next one
version_added: 0.1.0
description:
  - Adds to each record what a batch module returned for it, so that the result of one module is the input of the next.
  - A record without a result, and a record whose result failed, is left out.
options:
  _input:
    description: The records, each with a C(host_id).
    type: list
    elements: dictionary
    required: true
  results:
    description: The RV(ignore:results) of a batch module of this collection, each with the C(id) of its record.
    type: list
    elements: dictionary
    required: true
  take:
    description: The names of the result's values to add. A value that the result does not have is left out.
    type: list
    elements: string
    required: true
  keep:
    description: The names of the record's own values to keep. By default all are kept.
    type: list
    elements: string
positional: results, take
author:
  - certwright.aws contributors (@certwright)
"""

EXAMPLES = r"""
- name: Show what would be asked of the CA
  ansible.builtin.debug:
    msg: "{{ records | certwright.aws.with_results(staged, ['csr'], keep=['host_id']) }}"
  vars:
    records:
      - host_id: i-0123456789abcdef0
        mode: "0400"
      - host_id: i-0123456789abcdef1
        mode: "0400"
    staged:
      - id: i-0123456789abcdef0
        failed: false
        csr: "-----BEGIN CERTIFICATE REQUEST-----..."
      - id: i-0123456789abcdef1
        failed: true
"""

RETURN = r"""
_value:
  description: The records that have a result that did not fail, in their order.
  type: list
  elements: dictionary
  sample:
    - host_id: i-0123456789abcdef0
      csr: "-----BEGIN CERTIFICATE REQUEST-----..."
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError


def with_results(
    records: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[str, Any]],
    take: Sequence[str],
    keep: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Join records with the results that did not fail, by the record's id.

    :raises AnsibleFilterError: a record has no ``host_id`` or a result no ``id``
    """
    try:
        done = {result["id"]: result for result in results if not result.get("failed")}
        return [
            {name: value for name, value in record.items() if keep is None or name in keep}
            | {name: done[record["host_id"]][name] for name in take if name in done[record["host_id"]]}
            for record in records
            if record["host_id"] in done
        ]
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError(f"certwright.aws.with_results: an element lacks {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"with_results": with_results}
