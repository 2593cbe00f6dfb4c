# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wave of the role ``host_certificates`` in one process, in a second instead of twelve.

The role's own task files are carried out: Ansible's templating fills in the options, and each module's own ``main()``
runs. What is left out is what takes Ansible its time: a process, a Python and a temporary file for each task. A task
that cannot be carried out here raises, so that the role cannot drift away from what is tested.
"""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar

from .forked import imported, run_module

ROLE = Path(__file__).resolve().parents[2] / "roles" / "host_certificates"
SERVICES = ("acm-pca", "dynamodb", "sns", "ssm")
PREFIXES = ("certwright.aws.", "community.aws.", "amazon.aws.")
KEYWORDS = frozenset({"name", "register", "when", "run_once", "delegate_to", "tags", "vars", "no_log", "ignore_errors"})


class RoleFailed(Exception):
    """A task of the role failed, which ends the play."""


@dataclass(frozen=True)
class Wave:
    """A wave under way.

    :ivar variables: the role's
    :ivar results: the result of each task that was carried out, by the task's name
    :ivar noted_signals: a file of the signals that came, those too that a module took care of itself
    """

    variables: dict[str, Any]
    results: dict[str, dict[str, Any]]
    noted_signals: int

    @property
    def was_interrupted(self) -> bool:
        return bool(select.select([self.noted_signals], [], [], 0)[0])


class Interrupted(Exception):
    """Ctrl-C: Ansible lets the module that is under way end, and begins no other task."""


def run_wave(host_ids: Sequence[str], variables: Mapping[str, Any], results: dict[str, dict[str, Any]]) -> None:
    """Carry out the role for the records.

    :param variables: the role's variables that differ from its defaults
    :param results: gets the result of each task by its name, as soon as the task has ended
    :raises RoleFailed: a task failed
    :raises Interrupted: by SIGINT
    """
    noted_signals, note_signals = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(note_signals)
    batch = {
        "ansible_play_batch": list(host_ids),
        "ansible_play_hosts": list(host_ids),
        "inventory_hostname": host_ids[0],
        "ansible_check_mode": False,
    }
    given = {**load("defaults/main.yml"), **variables, **load("vars/main.yml"), **batch}
    _run_tasks(load("tasks/main.yml"), Wave(given, results, noted_signals), {})


def warm_up() -> None:
    """Load what every wave needs, so that a process that is forked from here need not."""
    for path in (ROLE / "tasks").glob("*.yml"):
        for action in {action for task in load(f"tasks/{path.name}") for action in task}:
            if action.startswith(PREFIXES):
                imported(action)
    load("defaults/main.yml")
    load("vars/main.yml")
    # botocore parses its descriptions of AWS anew for each session, which takes longer than all else.
    botocore.session.create_loader = cache(botocore.session.create_loader)
    for service in SERVICES:
        boto3.session.Session().client(service)


@cache
def load(name: str) -> Any:
    """A YAML file of the role, whose templates may be filled in."""
    _enable_plugins()
    return _loader().load_from_file(str(ROLE / name), trusted_as_template=True)


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """A value with its templates filled in, in plain types."""
    return json.loads(json.dumps(_templar(variables).template(value)))


@cache
def _loader() -> DataLoader:
    return DataLoader()


@cache
def _enable_plugins() -> None:
    """Make the collection's lookups and filters known to the templating."""
    init_plugin_loader([str(ROLE.parents[1] / "build")])


def _templar(variables: Mapping[str, Any]) -> Templar:
    _enable_plugins()
    return Templar(_loader(), dict(variables))


def _run_tasks(tasks: Sequence[Mapping[str, Any]], wave: Wave, inherited: Mapping[str, Any]) -> None:
    for task in tasks:
        scope = {**inherited, **task.get("vars", {})}
        if not _applies(task.get("when", True), {**wave.variables, **scope}):
            if "register" in task:
                wave.variables[task["register"]] = {"changed": False, "skipped": True}
            continue
        _run_task(task, wave, scope)


def _run_task(task: Mapping[str, Any], wave: Wave, scope: Mapping[str, Any]) -> None:
    (action,) = task.keys() - KEYWORDS
    known = {**wave.variables, **scope}
    if action == "ansible.builtin.include_tasks":
        given = task[action]
        _run_tasks(load(f"tasks/{given if isinstance(given, str) else given['file']}"), wave, scope)
        return
    options = filled(task[action], known)
    result = ACTIONS.get(action, _module)(action, options, wave)
    wave.results[task["name"]] = result
    if "register" in task:
        wave.variables[task["register"]] = result
    if wave.was_interrupted:
        raise Interrupted
    if result.get("failed") and not task.get("ignore_errors"):
        raise RoleFailed(f"{task['name']}: {result.get('msg')}")


def _applies(conditions: Any, variables: Mapping[str, Any]) -> bool:
    templar = _templar(variables)
    listed = conditions if isinstance(conditions, list) else [conditions]
    return all(
        condition if isinstance(condition, bool) else templar.evaluate_conditional(condition) for condition in listed
    )


def _module(action: str, options: Mapping[str, Any], _wave: Wave) -> dict[str, Any]:
    if not action.startswith(PREFIXES):
        raise NotImplementedError(f"the chaos suite's driver cannot carry out {action}")
    return run_module(action, options)


def _set_fact(_action: str, options: Mapping[str, Any], wave: Wave) -> dict[str, Any]:
    wave.variables.update({name: value for name, value in options.items() if name != "cacheable"})
    return {"changed": False}


def _debug(_action: str, options: Mapping[str, Any], _wave: Wave) -> dict[str, Any]:
    return {"changed": False, **options}


ACTIONS: dict[str, Callable[[str, Mapping[str, Any], Wave], dict[str, Any]]] = {
    "ansible.builtin.set_fact": _set_fact,
    "ansible.builtin.debug": _debug,
}
"""What carries out the actions that are no modules of a collection."""
