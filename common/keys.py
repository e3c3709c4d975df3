"""The public keys that access tokens are checked with (RFC 7517), by key id."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import jwt
import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from common.problems import Unavailable

log = structlog.get_logger()
REFRESH_SECONDS = 300
RETRY_SECONDS = 30  # an unknown kid costs at most one fetch in this time
FIRST_RETRY_SECONDS = 1  # while there is no key at all


class KeySet:
    """Keys fetched when they are needed; the last good ones stay when the source is away."""

    def __init__(self, fetch: Callable[[], Mapping[str, Any]]) -> None:
        self.fetch = fetch
        self.keys: dict[str, jwt.PyJWK] = {}
        self.fetched_at = self.tried_at = -float("inf")
        self.answered = False  # by the source, when it was last asked
        self.fetching = threading.Lock()

    def get(self, kid: str) -> jwt.PyJWK | None:
        """Return the key, None if there is none. Raises Unavailable if it may be one that could not be fetched."""
        if self.wants(kid):
            with self.fetching:
                if self.wants(kid):  # nobody else has fetched meanwhile
                    self.refresh()
        key = self.keys.get(kid)
        if key is None and not self.answered:
            raise Unavailable("Sign-in can't be checked: the signing keys could not be fetched.")
        return key

    def warm(self) -> None:
        """Fetch what was never fetched, ahead of the first token; a failure is logged."""
        with self.fetching:
            if not self.keys:
                self.refresh()

    def wants(self, kid: str) -> bool:
        """Say whether a fetch is due."""
        now = time.monotonic()
        wanted = kid not in self.keys or now - self.fetched_at > REFRESH_SECONDS
        return wanted and now - self.tried_at > (RETRY_SECONDS if self.keys else FIRST_RETRY_SECONDS)

    def refresh(self) -> None:
        try:
            self.keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(dict(self.fetch())).keys if key.key_id}
            self.fetched_at, self.answered = time.monotonic(), True
        except (httpx.HTTPError, ImproperlyConfigured, ValueError, TypeError, jwt.PyJWTError) as error:
            self.answered = False
            log.warning("signing keys not fetched", error=str(error), known=sorted(self.keys))
        finally:
            self.tried_at = time.monotonic()


def fetch_jwks() -> Mapping[str, Any]:
    """Fetch the key set of the service that signs (settings.JWKS_URL)."""
    response = httpx.get(settings.JWKS_URL, timeout=1)
    keys: Mapping[str, Any] = response.raise_for_status().json()
    return keys


key_set = KeySet(lambda: import_string(settings.JWKS_SOURCE)())
