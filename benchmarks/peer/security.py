from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from benchmarks.peer.settings import settings

ALGORITHM = "HS256"
password_hash = PasswordHash(
    (
        Argon2Hasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        ),
    )
)
# Verified where the user does not exist, so that both answers take the same time.
DUMMY_HASH = password_hash.hash("nobody's password")


def create_access_token(subject: UUID) -> str:
    expires = datetime.now(UTC) + timedelta(minutes=settings.access_token_minutes)
    return jwt.encode({"sub": str(subject), "exp": expires}, settings.secret_key, algorithm=ALGORITHM)


def read_access_token(token: str) -> UUID:
    """Raises jwt.InvalidTokenError or ValueError."""
    return UUID(jwt.decode(token, settings.secret_key, algorithms=[ALGORITHM])["sub"])


def verify_password(password: str, hashed: str | None) -> bool:
    return password_hash.verify(password, hashed or DUMMY_HASH) and hashed is not None
