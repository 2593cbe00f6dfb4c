# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the demo and hold what it saw against what it promises."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.demo import run as demo
from tests.run import BIN, REPORTS

WRITES_OF_A_SECOND_RUN = ("ssm:SendCommand", "acm-pca:IssueCertificate", "dynamodb:TransactWriteItems", "sns:Publish")


def promises(seen: dict[str, Any]) -> dict[str, bool]:
    """Each promise of the demo, and whether it was kept."""
    certificates, rows = seen["certificates"], {row["hostID"]: row for row in seen["host_table"]}
    wave, calls = seen["wave"], seen["calls_wave"]
    at_first, revoked, renewed = seen["trades"]
    return {
        "every key matches its certificate": all(found["key_matches"] for found in certificates),
        "every chain is verified by openssl": all(found["chain"] == "verified" for found in certificates),
        "every key has mode 0400": all(found["key_mode"] == "0400" for found in certificates),
        "the host table has the serials that are on the nodes": all(
            rows[found["host_id"]]["serial"] == found["serial"].lstrip("0") for found in certificates
        ),
        "every record is deployed": all(rows[found["host_id"]]["status"] == "DEPLOYED" for found in certificates),
        "the second run changed nothing on the nodes": seen["unchanged_by_second_run"],
        "the second run wrote nothing": not any(name in seen["calls_second_run"] for name in WRITES_OF_A_SECOND_RUN),
        "a wave costs at most 2.5 calls a node": sum(calls.values()) <= 2.5 * wave,
        "a wave costs at most 2 SendCommand per 25 nodes": calls["ssm:SendCommand"] <= 2 * wave / 25,
        "a node gets AWS credentials for its certificate": bool(at_first["caller"]),
        "a revoked certificate is refused": "Certificate revoked" in revoked["refusal"],
        "the next rotation makes it good again": renewed["caller"] not in ("", at_first["caller"]),
        # Alone it takes less than 3; here other suites run beside it.
        "the demo takes less than 5 minutes": seen["seconds"] < 300,
    }


def pkilint_errors(certificate: str) -> list[str]:
    """The errors that pkilint finds in a PEM certificate."""
    linted = subprocess.run(
        [BIN / "lint_pkix_cert", "lint", "-s", "ERROR", "-f", "JSON", "/dev/stdin"],
        check=False,
        input=certificate,
        capture_output=True,
        text=True,
    )
    return [
        finding["code"] for node in json.loads(linted.stdout)["results"] for finding in node["finding_descriptions"]
    ]


def main() -> int:
    """Run the demo, check its promises, and print the closing line."""
    code = demo.main()
    if code:
        print("0 passed, 1 failed")
        return code
    seen = json.loads((REPORTS / "demo.json").read_text())
    kept = promises(seen)
    # AWS's EndEntity template has keyEncipherment for every key, which pkilint holds against elliptic curves.
    for found in seen["certificates"]:
        if found["key_algorithm"].startswith("RSA"):
            kept[f"pkilint finds no error in the certificate of {found['host_id']}"] = not pkilint_errors(found["pem"])
    for promise, is_kept in kept.items():
        print(f"{'ok' if is_kept else 'BROKEN':7}{promise}")
    failed = sum(not is_kept for is_kept in kept.values())
    print(f"{len(kept) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
