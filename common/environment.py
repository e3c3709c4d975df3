"""The environment as settings read it: a value that is missing or bad is refused by its name."""

from urllib.parse import SplitResult, parse_qs, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

ENVIRONMENT: str = env.str("ENVIRONMENT", default="production")
if ENVIRONMENT not in ("local", "production"):
    raise ImproperlyConfigured(f"ENVIRONMENT must be local or production, not {ENVIRONMENT!r}")


def switch(name: str) -> bool:
    """Return whether it is on; it is off unless it is set."""
    value: str = env.str(name, default="false")
    if value not in ("true", "false"):
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")
    return value == "true"


def secret(name: str) -> str:
    """Return a required secret."""
    value: str = env.str(name)
    if len(value) < 16:
        raise ImproperlyConfigured(f"{name} is shorter than 16 characters")
    refuse_local_only(name, value)
    return value


def refuse_local_only(name: str, value: str) -> None:
    """Refuse the well-known values of .env.example in production."""
    if ENVIRONMENT == "production" and value.startswith("local-only-"):
        raise ImproperlyConfigured(f"{name} has a local-only value: production needs one of its own")


def url(name: str, value: str, *schemes: str) -> SplitResult:
    """Return the parts of a URL of one of these schemes; a bad one is not shown, it may hold a password.

    A database's host may be `?host=`, the folder of a socket.
    """
    try:
        parts = urlsplit(value)
        host = parts.hostname or ("postgres" in schemes and "host" in parse_qs(parts.query))
        good = parts.scheme in schemes and bool(host) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        start = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ImproperlyConfigured(f"{name} must start with {start} and name a host")
    refuse_local_only(name, parts.password or "")
    return parts


def peers(name: str) -> dict[str, str]:
    """Return the other services' origins by name: `user_service=http://host:8000`, with commas between."""
    found: dict[str, str] = {}
    for text in env.list(name, default=[]):
        service, _, origin = text.partition("=")
        url(name, origin, "http", "https")
        found[service] = origin.rstrip("/")
    return found
