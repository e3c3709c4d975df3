"""One active process of a kind per database: who holds its advisory lock."""

from typing import Any

import structlog
from django.db import connection

log = structlog.get_logger()


class Leader:
    """The lock lasts as long as the database session that took it; others stand by and ask again."""

    def __init__(self, lock: int) -> None:
        self.lock = lock
        self.leading: bool | None = None
        self._session: Any = None

    def lead(self) -> bool:
        """Say whether this process is the active one. Raises the database's errors."""
        connection.ensure_connection()
        if self._session is not connection.connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [self.lock])
                leading = bool(cursor.fetchone()[0])
            if leading is not self.leading:
                log.info("leading" if leading else "standing by")
            self.leading = leading
            self._session = connection.connection if leading else None
        return self._session is not None
