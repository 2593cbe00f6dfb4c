# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP for the acm-pca API: JSON in, checked against botocore's model, JSON out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.session import get_session
from moto.acmpca.models import acmpca_backends
from moto.core.responses import BaseResponse
from moto.core.utils import camelcase_to_underscores

from ..shapes import input_shape, violations
from .errors import refusal

url_bases = [r"https?://acm-pca\.(.+)\.amazonaws\.com"]


class PrivateCaResponse(BaseResponse):
    """A method for each operation, made below; moto finds them by name."""

    def __init__(self) -> None:
        super().__init__(service_name="acm-pca")


def _handler(operation: str) -> Callable[[PrivateCaResponse], str]:
    method = camelcase_to_underscores(operation)

    def handle(self: PrivateCaResponse) -> str:
        parameters: dict[str, Any] = json.loads(self.body or "{}")
        wrong = list(violations(input_shape("acm-pca", operation), parameters))
        if wrong:
            raise refusal("ValidationException", f"{len(wrong)} validation error(s) detected: {'; '.join(wrong)}")
        backend = acmpca_backends[self.current_account][self.region]
        return json.dumps(getattr(backend, method)(parameters))

    return handle


for _operation in get_session().get_service_model("acm-pca").operation_names:
    setattr(PrivateCaResponse, camelcase_to_underscores(_operation), _handler(_operation))

url_paths = {"{0}/$": PrivateCaResponse.dispatch}
