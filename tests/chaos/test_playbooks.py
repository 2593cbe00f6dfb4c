# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped playbooks through ``ansible-playbook``: killed, interrupted, failing; and what they let be seen."""

from __future__ import annotations

import re
import signal
import subprocess
from functools import partial
from random import Random

from tests.playbooks import kill_all, kill_main
from tests.waiting import wait_until

from .estate import Estate
from .secrets_seen import secrets_seen
from .tally import LONG, Tally, random_seed

KILLS = 30 if LONG else 4
CALLS_OF_A_WAVE = 30


def test_killed_again_and_again(estate: Estate, tally: Tally) -> None:
    """At any moment of a run, with and without the module that is under way; then one run to the end."""
    random = Random(random_seed())
    fleet = estate.fleet
    for number in range(KILLS):
        calls = random.randrange(CALLS_OF_A_WAVE)
        kill = random.choice([kill_all, kill_main])
        fleet.account.plan(kind="delay", seconds=1, after=calls)
        with estate.project.playing("rotate_host_certificates") as process:
            wait_until(partial(_reached, estate, process, calls, sum(estate.sandbox.calls().values())), 300)
            ended_by_itself = process.poll() is not None
            kill(process)
        if not ended_by_itself:
            tally.kill_points.add(f"ansible-playbook, {kill.__name__} at call {calls}, kill {number}")
        fleet.account.clear_faults()
        fleet.account.end_leases(fleet.host_ids)
        fleet.check_usable()
    estate.finish()


def _reached(estate: Estate, process: subprocess.Popen[str], calls: int, before: int) -> bool:
    """Whether a playbook has made so many calls, or has ended without."""
    return sum(estate.sandbox.calls().values()) - before > calls or process.poll() is not None


def test_interrupted(estate: Estate, tally: Tally) -> None:
    """Ctrl-C: nothing new is begun, the exit code says so, and the next run goes on where this one ended."""
    fleet = estate.fleet
    fleet.make_due()
    fleet.account.plan(kind="delay", service="acm-pca", operation="IssueCertificate", seconds=1, times=None)
    with estate.project.playing("rotate_host_certificates", host_certificates_serial=[100]) as process:
        wait_until(lambda: fleet.called("acm-pca:IssueCertificate") > 0, 300)
        process.send_signal(signal.SIGINT)
        output, _none = process.communicate(timeout=120)
    assert process.returncode not in (0, None)
    assert "interrupted" in output.lower()
    sent = fleet.called("ssm:SendCommand")
    fleet.account.clear_faults()
    fleet.account.end_leases(fleet.host_ids)
    assert fleet.called("ssm:SendCommand") == sent == 1
    estate.finish()
    tally.faults.add("Ctrl-C while certificates are issued, through ansible-playbook")


def test_canary(estate: Estate, tally: Tally) -> None:
    """A reload command that fails everywhere stops the run after the canary; the other nodes are not touched."""
    fleet = estate.fleet
    fleet.make_due()
    fleet.account.messages()
    played = estate.rotate(host_certificates_reload_command="/bin/false")
    assert played.status != 0
    states = [fleet.account.row(host_id)["status"] for host_id in fleet.host_ids]
    assert states.count("FAILED") == 1
    assert fleet.called("acm-pca:IssueCertificate") == 1
    (message,) = fleet.account.messages()
    failed = fleet.host_ids[states.index("FAILED")]
    assert failed in message
    assert "reload command failed" in message
    fleet.check_usable()
    estate.finish()
    tally.faults.add("a reload command that fails everywhere, with a canary")


def test_without_the_host_table(estate: Estate, tally: Tally) -> None:
    """Where the table cannot be read when the run begins, every record is named, and the topic is told."""
    fleet = estate.fleet
    fleet.make_due()
    fleet.account.messages()
    fleet.account.plan(
        kind="error", service="dynamodb", operation="BatchGetItem", code="AccessDeniedException", status=400, times=None
    )
    played = estate.rotate(host_certificates_serial=[100])
    fleet.account.clear_faults()
    assert played.status != 0
    (message,) = fleet.account.messages()
    for host_id in fleet.host_ids:
        assert f"{host_id}: BatchGetItem failed: AccessDeniedException" in message
        assert re.search(rf"{host_id} .* failed=1 ", played.output)
    estate.finish()
    tally.faults.add("no host table, through ansible-playbook")


def test_nothing_secret_was_seen(estate: Estate, tally: Tally) -> None:
    """After all that was run above at -vvvv with --diff."""
    assert estate.outputs
    seen = secrets_seen(estate.account, [*estate.outputs, *estate.project.written()])
    tally.secrets_seen += seen
    assert not seen
