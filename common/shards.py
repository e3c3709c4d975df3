"""Work in shards: each is one process's at a time, and all that live have about as many."""

import time

import structlog
from django.db import connection

log = structlog.get_logger()
LOOK_SECONDS = 1.0

TAKEN = """
SELECT objid::int FROM pg_locks
WHERE locktype = 'advisory' AND classid::int = %s AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Shards:
    """A shard is an advisory lock of the database session: who dies gives all of theirs back at once.

    Each process also holds the lock number `count`, shared: so many live. Who has more than its part gives some up,
    who has less takes what is free; nothing else has to be told how many processes there are.
    """

    def __init__(self, kind: int, count: int, *, session_settings: str) -> None:
        self.kind, self.count, self.session_settings = kind, count, session_settings
        self._held: set[int] = set()
        self._session: object = None
        self._looked_at = 0.0

    def held(self) -> list[int]:
        """Return which are this process's now, until it asks again. Raises the database's errors."""
        connection.ensure_connection()
        if self._session is not connection.connection:
            self._join()
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._balance()
        return sorted(self._held)

    def _join(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self.session_settings)
            cursor.execute("SELECT pg_advisory_lock_shared(%s, %s)", [self.kind, self.count])
        self._held, self._session, self._looked_at = set(), connection.connection, -LOOK_SECONDS

    def _balance(self) -> None:
        before = frozenset(self._held)
        with connection.cursor() as cursor:
            cursor.execute(TAKEN, [self.kind])
            taken = [number for (number,) in cursor.fetchall()]
            part = -(-self.count // taken.count(self.count))
            for shard in sorted(self._held)[part:]:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [self.kind, shard])
                self._held.discard(shard)
            for shard in set(range(self.count)).difference(taken):
                if len(self._held) < part:
                    cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [self.kind, shard])
                    self._held |= {shard} if cursor.fetchone()[0] else set()
        self._looked_at = time.monotonic()
        if before != self._held:
            log.info("shards", held=sorted(self._held))
