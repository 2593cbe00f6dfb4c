# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key and signing algorithms by their names in the API."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from .errors import refusal

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_CURVES = {"EC_prime256v1": ec.SECP256R1, "EC_secp384r1": ec.SECP384R1, "EC_secp521r1": ec.SECP521R1}
_RSA_BITS = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
_HASHES = {"SHA256": hashes.SHA256, "SHA384": hashes.SHA384, "SHA512": hashes.SHA512}


def generate_key(algorithm: str) -> PrivateKey:
    """A new key of the algorithm, for example ``EC_prime256v1``.

    :raises JsonRESTError: the sandbox cannot make keys of the algorithm (SM2, ML-DSA)
    """
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm]())
    if algorithm in _RSA_BITS:
        return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS[algorithm])
    raise refusal("InvalidArgsException", f"The sandbox has no keys of the algorithm {algorithm}.")


def check_family(key_algorithm: str, signing_algorithm: str) -> None:
    """Refuse a signing algorithm of another family than the CA's key.

    :raises JsonRESTError: it does not fit
    """
    family = "RSA" if key_algorithm.startswith("RSA_") else "ECDSA"
    name, _with, rest = signing_algorithm.partition("WITH")
    if name not in _HASHES or rest.removesuffix("_PSS") != family:
        raise refusal(
            "InvalidArgsException",
            f"The signing algorithm {signing_algorithm} does not match the key algorithm {key_algorithm} of the CA.",
        )


def signature_parameters(signing_algorithm: str) -> dict[str, Any]:
    """Arguments of ``builder.sign`` beside the key, for example of ``SHA256WITHRSA_PSS``."""
    digest = _HASHES[signing_algorithm.partition("WITH")[0]]()
    if signing_algorithm.endswith("_PSS"):
        return {
            "algorithm": digest,
            "rsa_padding": padding.PSS(mgf=padding.MGF1(digest), salt_length=padding.PSS.DIGEST_LENGTH),
        }
    return {"algorithm": digest}


def is_supported_subject_key(key: Any) -> bool:
    """Whether Private CA issues for a public key: RSA of at least 2048 bits, or one of the NIST curves."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= 2048
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, tuple(_CURVES.values()))
