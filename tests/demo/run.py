# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make demo``: the main job on the sandbox, with the playbooks that a user runs, and a look at what they did.

Uses the sandbox that ``make sandbox`` started and leaves it running; otherwise starts one and stops it at the end.
What it saw is also in ``build/reports/demo.json``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import yaml

from tests.demo.evidence import Installed, inspect, table
from tests.run import BIN, CHECKOUT, REPORTS, environment
from tests.sandbox.__main__ import STATE_DIR
from tests.sandbox.client import Sandbox

DEMO = CHECKOUT / "build" / "demo"
INVENTORY = DEMO / "demo.cert_inventory.yml"
VARIABLES = DEMO / "group_vars" / "all.yml"
NODES = 5
WAVE = 50
HELPER = "$CERTWRIGHT_ROOT/opt/aws/aws_signing_helper"


def records(nodes: list[str]) -> list[dict[str, Any]]:
    """What is registered: a record for each node, all different, and a second one on the last node."""
    first, second, third, fourth, fifth = nodes
    return [
        {"host_id": first},
        {
            "host_id": second,
            "key_algorithm": "EC_prime256v1",
            "cert_path": "/etc/ssl/certs",
            "key_path": "/etc/ssl/private",
        },
        {
            "host_id": third,
            "key_algorithm": "RSA_3072",
            "common_name": "db.internal.example",
            "subject": {"organization": "Example Corp", "organizational_unit": "Databases"},
        },
        {
            "host_id": fourth,
            "key_algorithm": "EC_secp384r1",
            "common_name": "web.internal.example",
            "subject_alt_names": ["DNS:web.internal.example", "IP:10.0.0.7"],
            "reload_command": "touch /run/reloaded",
        },
        {"host_id": fifth, "cert_path": "/opt/app/tls", "key_path": "/opt/app/tls", "cacert_path": "/opt/app/tls"},
        {"host_id": f"{fifth}#api", "common_name": "api.internal.example", "key_algorithm": "EC_prime256v1"},
    ]


def heading(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


class Demo:
    """The steps of the demo against one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.nodes: list[str] = sandbox.control("POST", "/nodes", {"count": NODES, "kind": "real"})
        self.records = records(self.nodes)

    def playbook(self, name: str, *arguments: str, quiet: bool = False) -> None:
        """Run a playbook of the collection as a user would, and show its output unless it went well and is to be quiet.

        :raises subprocess.CalledProcessError: it failed
        """
        command = ["ansible-playbook", f"certwright.aws.{name}", *arguments]
        print(f"$ {' '.join(command)}", flush=True)
        lines = []
        with subprocess.Popen(
            [str(BIN / command[0]), *command[1:]],
            cwd=DEMO,
            env=environment() | self.sandbox.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout
            for line in process.stdout:
                lines.append(line)
                if not quiet:
                    print(f"  {line}", end="", flush=True)
        if process.returncode:
            print("".join(lines) if quiet else "", flush=True)
            raise subprocess.CalledProcessError(process.returncode, command)

    def bootstrap(self) -> None:
        switches = {"certificate_platform_roles_anywhere": True, "certificate_platform_crl": True}
        self.playbook("bootstrap", "-e", json.dumps({**switches, "certificate_platform_vars_file": str(VARIABLES)}))

    def register(self, records: list[dict[str, Any]], *, quiet: bool = False) -> None:
        nodes_file = DEMO / "nodes.yml"
        nodes_file.write_text(yaml.safe_dump({"host_certificates_nodes": records}, sort_keys=False))
        self.playbook("register_nodes", "-e", f"@{nodes_file}", quiet=quiet)

    def register_wave(self) -> None:
        """Register as many further nodes as one wave holds."""
        nodes = self.sandbox.control("POST", "/nodes", {"count": WAVE, "kind": "real"})
        self.register([{"host_id": node, "key_algorithm": "EC_prime256v1"} for node in nodes], quiet=True)

    def rotate(self, *arguments: str, quiet: bool = False) -> dict[str, int]:
        """Run the main job and return the AWS calls that it made, by operation."""
        before = self.sandbox.calls()
        self.playbook("rotate_host_certificates", "-i", str(INVENTORY), *arguments, quiet=quiet)
        after = self.sandbox.calls()
        return {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}

    def revoke(self, host_id: str) -> None:
        """Revoke the certificate of a record, and have IAM Roles Anywhere know of it."""
        revoked = {"certificate_revocation_host_ids": [host_id], "certificate_revocation_reason": "KEY_COMPROMISE"}
        self.playbook("revoke_host_certificate", "-e", f"@{VARIABLES}", "-e", json.dumps(revoked), quiet=True)

    def trade(self, node: str) -> dict[str, Any]:
        """Have a node exchange its certificate for AWS credentials, with the client of IAM Roles Anywhere.

        :returns: ``caller``, who AWS says has the credentials, or empty; ``refusal``, why there are none, or empty
        """
        known = yaml.safe_load(VARIABLES.read_text())
        files = f"$CERTWRIGHT_ROOT/etc/pki/certwright/{node}/{node}"
        command = f"{HELPER} credential-process --certificate {files}.crt --private-key {files}.key"
        for what in ("trust_anchor", "profile", "role"):
            command += f" --{what.replace('_', '-')}-arn {known[f'host_certificates_{what}_arn']}"
        ended = self.sandbox.control("POST", f"/nodes/{node}/run", {"command": command})
        if ended["exit_code"]:
            return {"caller": "", "refusal": ended["stderr"].strip()}
        given = json.loads(ended["stdout"])
        sts = self.sandbox.client(
            "sts",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
        return {"caller": sts.get_caller_identity()["Arn"], "refusal": ""}

    def trades(self) -> list[dict[str, Any]]:
        """What a node gets for its certificate: at first, when it is revoked, and after the next rotation."""
        node = self.nodes[0]
        self.sandbox.control("POST", f"/nodes/{node}/signing-helper", {})
        steps = {
            "installed": lambda: None,
            "revoked": lambda: self.revoke(node),
            "rotated": lambda: self.rotate(quiet=True),
        }
        seen = []
        for certificate, step in steps.items():
            step()
            seen.append({"certificate": certificate, **self.trade(node)})
        return seen

    def installed(self) -> list[Installed]:
        """What openssl sees on the nodes, one element for each record."""
        nodes_dir = self.sandbox.nodes_dir
        return [inspect(nodes_dir / record["host_id"].partition("#")[0], record) for record in self.records]

    def host_table(self) -> list[dict[str, Any]]:
        """The rows of the host table, by record, without those of the wave."""
        from boto3.dynamodb.types import TypeDeserializer

        read = TypeDeserializer().deserialize
        items = self.sandbox.client("dynamodb").scan(TableName="certificates")["Items"]
        rows = [{name: read(value) for name, value in item.items()} for item in items]
        shown = {record["host_id"] for record in self.records}
        return sorted((row for row in rows if row["hostID"] in shown), key=lambda row: row["hostID"])


def prepare() -> None:
    """Write the demo's inventory: the host table, through the collection's plugin."""
    VARIABLES.parent.mkdir(parents=True, exist_ok=True)
    INVENTORY.write_text("plugin: certwright.aws.cert_inventory\ntable_name: certificates\nregion: us-east-1\n")


def show(demo: Demo, installed: list[Installed], wave: dict[str, int], trades: list[dict[str, Any]]) -> None:
    """Print what the wave cost, what is on the nodes and in the host table, and what certificates were good for."""
    heading(f"AWS calls for a wave of {WAVE} nodes: {sum(wave.values()) / WAVE:.2f} a node")
    print(table(["operation", "calls"], [[name, str(count)] for name, count in sorted(wave.items())]))
    heading("The host table")
    columns = ["hostID", "status", "serial", "expiry", "renewalDate"]
    print(table(columns, [[str(row.get(column, "")) for column in columns] for row in demo.host_table()]))
    heading("The nodes, as openssl sees them")
    columns = ["record", "subject", "issuer", "serial", "expires (UTC)", "key", "mode", "chain"]
    print(table(columns, [found.row() for found in installed]))
    heading(f"What IAM Roles Anywhere gives {demo.nodes[0]} for its certificate")
    columns = ["once it is", "credentials of", "refused with"]
    print(table(columns, [list(trade.values()) for trade in trades]))


def run(sandbox: Sandbox) -> dict[str, Any]:
    """Run all steps and return what was seen, as ``build/reports/demo.json`` holds it."""
    prepare()
    demo = Demo(sandbox)
    started = time.monotonic()
    heading("1. Prepare the account: host table, topic, documents, CA, policies, trust anchor, revocation list")
    demo.bootstrap()
    heading("2. Register the nodes")
    demo.register(demo.records)
    heading("3. Rotate: every node gets its first certificate")
    first = demo.rotate()
    after_first = demo.installed()
    heading("4. Rotate again: nothing is due, so nothing changes")
    second = demo.rotate()
    heading(f"5. Rotate a wave of {WAVE} further nodes, to count the AWS calls (output left out)")
    demo.register_wave()
    wave = demo.rotate("-e", json.dumps({"host_certificates_serial": [WAVE]}), quiet=True)
    unchanged = after_first == demo.installed()
    heading("6. A node trades its certificate for AWS credentials, is refused when it is revoked, and gets another")
    trades = demo.trades()
    installed = demo.installed()
    show(demo, installed, wave, trades)
    return {
        "seconds": round(time.monotonic() - started, 1),
        "certificates": [found.as_report() for found in installed],
        "unchanged_by_second_run": unchanged,
        "host_table": demo.host_table(),
        "trades": trades,
        "calls_first_run": first,
        "calls_second_run": second,
        "calls_wave": wave,
        "wave": WAVE,
    }


def main() -> int:
    """Run the demo on the sandbox that is up, or on one of its own."""
    running = Sandbox.attach(STATE_DIR)
    sandbox = running or Sandbox.start(nodes=0)
    try:
        seen = run(sandbox)
    except subprocess.CalledProcessError as error:
        print(f"\nThe demo ended early: {error}", file=sys.stderr)
        return 1
    finally:
        if running is None:
            sandbox.stop()
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "demo.json").write_text(json.dumps(seen, indent=2, default=str) + "\n")
    print(f"\nDone in {seen['seconds']:.0f} s.")
    if running is None:
        print("To look around yourself: make sandbox && source build/sandbox.env, then make demo or ansible-playbook\n"
              f"with ANSIBLE_COLLECTIONS_PATH={CHECKOUT / 'build'} (docs/sandbox.md). make sandbox-stop ends it.")  # fmt: skip
    else:
        print("The sandbox is still up: source build/sandbox.env to use it, make sandbox-stop to end it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
