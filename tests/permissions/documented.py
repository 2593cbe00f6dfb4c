# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of IAM actions in ``docs/``, as they are read by people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.run import CHECKOUT

SERVICES = {
    "CloudFront": "cloudfront",
    "DynamoDB": "dynamodb",
    "EC2": "ec2",
    "Elastic Load Balancing": "elasticloadbalancing",
    "EventBridge": "events",
    "IAM": "iam",
    "IAM Roles Anywhere": "rolesanywhere",
    "KMS": "kms",
    "Lambda": "lambda",
    "Private CA": "acm-pca",
    "S3": "s3",
    "Secrets Manager": "secretsmanager",
    "SNS": "sns",
    "Systems Manager": "ssm",
    "WAF": "wafv2",
}
"""What a service is called in the tables, and the prefix of its actions."""
COLUMNS = ["for", "service", "actions", "on"]
_HEADING = re.compile(r"^#+ +(?P<text>.+?) *$")


@dataclass(frozen=True)
class Row:
    """A row of a table.

    :param part: what the actions are for
    :param resource: what they can be allowed on
    """

    part: str
    actions: frozenset[str]
    resource: str


def rows(page: str, heading: str) -> list[Row]:
    """The rows of the table below a heading; a blank first cell stands for the one above it.

    :param page: the page's path below the checkout
    :raises LookupError: there is no such table there, or it is another kind of table
    """
    lines = iter((CHECKOUT / page).read_text().splitlines())
    for line in lines:
        found = _HEADING.match(line)
        if found and found["text"] == heading:
            return list(_table(lines, f"{page}, {heading}"))
    raise LookupError(f"{page} has no heading {heading!r}")


def _table(lines: Iterator[str], where: str) -> Iterator[Row]:
    part = ""
    cells = next((_cells(line) for line in lines if line.startswith("|") or _HEADING.match(line)), [])
    if cells != COLUMNS:
        raise LookupError(f"{where}: there is no table with the columns {COLUMNS}")
    next(lines, "")  # the line below the columns' names
    for line in lines:
        if not line.startswith("|"):
            return
        first, service, actions, resource = _cells(line)
        part = first or part
        yield Row(part, frozenset(f"{SERVICES[service]}:{name}" for name in re.findall(r"`(\w+)`", actions)), resource)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
