"""Secrets that must be read again, such as TOTP's, are kept encrypted: a database dump alone is of no use."""

from base64 import urlsafe_b64encode
from functools import cache

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def encrypt(text: str) -> str:
    return fernet(settings.SECRET_KEY).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Raises cryptography.fernet.InvalidToken on what another SECRET_KEY encrypted."""
    return fernet(settings.SECRET_KEY).decrypt(token.encode()).decode()


@cache
def fernet(secret_key: str) -> Fernet:
    """RFC 5869: a key of its own from SECRET_KEY, which also signs cookies and forms."""
    derived = HKDF(SHA256(), length=32, salt=None, info=b"tandem second factor").derive(secret_key.encode())
    return Fernet(urlsafe_b64encode(derived))
