# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""KMS: moto's, which does not find a key by its ARN when it is to be deleted."""

from __future__ import annotations

from typing import Any

from moto.kms.models import KmsBackend


def install() -> None:
    KmsBackend.schedule_key_deletion = _by_any_id(KmsBackend.schedule_key_deletion)


def _by_any_id(schedule: Any) -> Any:
    def schedule_key_deletion(backend: KmsBackend, key_id: str, pending_window_in_days: int) -> float:
        return schedule(backend, backend.any_id_to_key_id(key_id), pending_window_in_days)

    return schedule_key_deletion
