"""Sign-ins that were ended: their access tokens are refused everywhere, before they run out by themselves.

Each web process keeps in memory what was ended lately and looks for news twice a second, in a thread of its own: a
request that checks a token pays no query for it.
"""

import gc
import threading
import time
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import connection
from django.db.models.functions import Now
from rest_framework_simplejwt.settings import api_settings

from common.models import Revocation
from common.purges import LIMIT, delete_some

log = structlog.get_logger()
POLL_SECONDS = 0.5
KEPT = api_settings.ACCESS_TOKEN_LIFETIME + timedelta(seconds=2 * api_settings.LEEWAY)  # all its tokens have run out


class Revocations:
    """The ids (`sid` in a token) of what was ended, as this process knows them."""

    def __init__(self) -> None:
        self.ids: frozenset[str] = frozenset()
        self.looked = threading.Event()

    def __contains__(self, sid: object) -> bool:
        return sid in self.ids

    def refresh(self) -> None:
        """Take in all that still counts, not only what is younger: a row may be committed late (law 2).

        Raises the database's errors.
        """
        found = Revocation.objects.filter(created_at__gt=Now() - KEPT).values_list("id", flat=True)
        self.ids = frozenset(map(str, found))

    def watch(self) -> None:
        """Keep it fresh, in a thread that ends with the process. Returns after its first look, or try."""
        threading.Thread(target=self._follow, name="revocations", daemon=True).start()
        self.looked.wait(10)

    def _follow(self) -> None:
        away = False
        while True:
            try:
                self.refresh()
                away = False
            except Exception:  # whatever it is, it must not end the looking
                connection.close()
                if not away:
                    log.exception("revocations not read")
                away = True
            if away:
                gc.collect()  # psycopg leaves it the sockets of attempts that timed out, also those of requests
            self.looked.set()
            time.sleep(POLL_SECONDS)


revoked = Revocations()


def revoke(ids: Collection[UUID]) -> None:
    """Refuse the access tokens of these sign-ins here, in the caller's transaction; may be said twice."""
    Revocation.objects.bulk_create([Revocation(id=sid) for sid in ids], ignore_conflicts=True)


def purge(limit: int = LIMIT) -> int:
    """Delete what no token can be refused by any more, at most `limit`; return how many."""
    return delete_some(Revocation.objects.filter(created_at__lt=Now() - 2 * KEPT), limit)
