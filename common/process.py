"""What the long-running commands share: an end on SIGTERM that finishes the work in hand, and calm retries."""

import gc
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog
from django.db import InterfaceError, InternalError, OperationalError, connection

from common.transport import TransportUnavailable

log = structlog.get_logger()
Key = TypeVar("Key")
MAX_BACKOFF_SECONDS = 5
SESSION_ERRORS = (OperationalError, InterfaceError, InternalError)  # the last: idle for too long in a transaction
STEADY_SECONDS = 30  # longer than any attempt to connect


class Stopping(threading.Event):
    """For signal handlers. Event.set() takes a lock, which the interrupted thread itself may hold."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = False
        self.seen, self.said = os.pipe()

    def is_set(self) -> bool:
        return self.stopped

    def set(self) -> None:
        self.stopped = True
        os.write(self.said, b".")

    def wait(self, timeout: float | None = None) -> bool:
        select.select([self.seen], [], [], timeout)
        return self.stopped


def stop_on_signals() -> threading.Event:
    stopping = Stopping()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def for_each(keys: Iterable[Key], do: Callable[[Key], object]) -> None:
    """Do it with one key after the other; one that fails is logged, and holds up none of the others.

    `do` is a transaction by itself. Raises the database's error when that is away.
    """
    for key in keys:
        try:
            do(key)
        except Exception as error:
            if is_away(error):
                raise
            log.exception("failed for one", job=do.__qualname__, key=str(key))


def is_away(error: Exception) -> bool:
    """Whether the database's session is lost, and not just a statement refused."""
    session = connection.connection
    return isinstance(error, SESSION_ERRORS) and (session is None or session.closed)


def stood_still(error: Exception) -> bool:
    """Whether PostgreSQL ended the session for being idle in a transaction: an InternalError, as bugs are."""
    return getattr(error.__cause__, "sqlstate", None) == "25P03"


def keep_running(work: Callable[[threading.Event], None], stopping: threading.Event) -> None:
    """Call `work` again and again until stopping is set; ride out a database or a transport that is away.

    The wait grows to MAX_BACKOFF_SECONDS and starts small again once a call of `work` has gone well, or for longer.
    """
    failures = 0
    while not stopping.is_set():
        started = time.monotonic()
        try:
            work(stopping)
            failures = 0
        except (TransportUnavailable, *SESSION_ERRORS) as error:
            failures = 1 if time.monotonic() - started > STEADY_SECONDS else failures + 1
            if isinstance(error, SESSION_ERRORS):
                connection.close()
            if failures == 1 or failures % 10 == 0:
                log.warning("waiting", reason=str(error), failures=failures)
        if failures:
            gc.collect()  # psycopg leaves it the socket of an attempt that timed out, in a ring with its exception
            stopping.wait(min(0.2 * 2**failures, MAX_BACKOFF_SECONDS))
