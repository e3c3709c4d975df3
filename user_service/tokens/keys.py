"""The signing keys, *.pem in SIGNING_KEYS_DIR: all are published; of those known everywhere the last by name signs."""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

from common.keys import REFRESH_SECONDS, RETRY_SECONDS

log = structlog.get_logger()
KNOWN_SECONDS = REFRESH_SECONDS + RETRY_SECONDS  # by then every service has fetched the key, even after a failed try


class SigningKey(NamedTuple):
    kid: str
    private: ec.EllipticCurvePrivateKey
    jwk: dict[str, Any]


def create_key() -> Path:
    """Write a new P-256 key, readable by its owner alone; who looks meanwhile sees none or the whole."""
    settings.SIGNING_KEYS_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    path: Path = settings.SIGNING_KEYS_DIR / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.pem"
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return new.rename(path)


def key_paths() -> list[Path]:
    return sorted(settings.SIGNING_KEYS_DIR.glob("*.pem"))


@cache
def read_key(path: Path) -> SigningKey:
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"{path.name} in SIGNING_KEYS_DIR is no private key: {error}") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise ImproperlyConfigured(f"{path.name} in SIGNING_KEYS_DIR is not a P-256 key")
    jwk = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    kid = thumbprint(jwk)
    return SigningKey(kid, private, {**jwk, "kid": kid, "use": "sig", "alg": "ES256"})


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the key's id by RFC 7638."""
    text = "{" + ",".join(f'"{name}":"{jwk[name]}"' for name in ("crv", "kty", "x", "y")) + "}"
    return base64url_encode(sha256(text.encode()).digest()).decode()


def signing_keys() -> dict[Path, SigningKey]:
    """Return the keys, oldest first. A file that is no key is named in the log and left out: the others are good."""
    keys = {}
    for path in key_paths():
        try:
            keys[path] = read_key(path)
        except ImproperlyConfigured as error:
            log.error("bad signing key", error=str(error))
    return keys


def active_key() -> SigningKey:
    """Return the newest key that is known everywhere, or else the oldest. Raises ImproperlyConfigured without any."""
    keys = signing_keys()
    if not keys:
        raise ImproperlyConfigured(f"SIGNING_KEYS_DIR ({settings.SIGNING_KEYS_DIR}) holds no *.pem that is a P-256 key")
    return keys[active_of(list(keys))]


def active_of(paths: list[Path]) -> Path:
    return next((path for path in reversed(paths) if age(path) > KNOWN_SECONDS), paths[0])


def age(path: Path) -> float:
    """Return the seconds since the file came here, which a copy that keeps the time of its original does not hide.

    A file that goes at this moment has none. A restored backup makes all keys new: then the oldest signs, and by age
    nothing is made or deleted for a while. All that they signed stays good.
    """
    try:
        return time.time() - path.stat().st_ctime
    except FileNotFoundError:
        return 0


def public_jwks() -> dict[str, Any]:
    return {"keys": [key.jwk for key in signing_keys().values()]}
