"""Lets events from the broker take effect here: inbox row, effect and follow-ups commit, then the ack (law 6)."""

import threading
import time
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from common import failures, inbox
from common.broker.consumer import Consumer, Delivery
from common.broker.dead_letters import take
from common.failures import DeadLetter
from common.middleware import drop_dead_session
from common.process import keep_running, stop_on_signals
from common.transport import TransportUnavailable

log = structlog.get_logger()

PREFETCH = 1000
DEAD_LETTER_SECONDS = 10.0


class Command(BaseCommand):
    help = "Consume this service's queue, until SIGTERM. Any number may run."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BROKER_URL:
            raise CommandError("There is no BROKER_URL: events come by HTTP to /internal/events/")
        keep_running(consume, stop_on_signals())


def consume(stopping: threading.Event) -> None:
    """Consume until stopping, or until the broker is lost.

    Starts one message at a time, until one comes that was not delivered before: a message that kills the process then
    counts up to its delivery limit alone, and not together with all that were prefetched with it.
    """
    types = [event.type for event in inbox.handlers()]
    dead_letters = DeadLetters()
    for prefetch in (1, PREFETCH):
        # While the database is away nothing is taken: every return of a message counts to its delivery limit.
        drop_dead_session()
        connection.ensure_connection()
        if stopping.is_set():
            return
        with Consumer(settings.BROKER_URL, service=settings.SERVICE, types=types, prefetch=prefetch) as consumer:
            for batch in consumer.batches(stopping):
                drop_dead_session()
                dead_letters.look()
                if not batch:
                    continue
                settle(batch)
                consumer.ack(batch[-1].tag)
                if prefetch == 1 and any(not delivery.redelivered for delivery in batch):
                    break


def settle(batch: list[Delivery]) -> None:
    """Apply what came, and keep what failed; all of it may be acked then."""
    bodies = [delivery.body for delivery in batch]
    failures.keep(zip(bodies, inbox.receive(bodies), strict=True))


class DeadLetters:
    """Kept now and then, before what is alive is taken: that may kill the process."""

    def __init__(self) -> None:
        self.looked_at = -DEAD_LETTER_SECONDS

    def look(self) -> None:
        """One that can't be read holds up its like until an operator purges it, and is said again and again."""
        if time.monotonic() - self.looked_at < DEAD_LETTER_SECONDS:
            return
        try:
            take(settings.BROKER_URL, service=settings.SERVICE, keep=keep)
        except TransportUnavailable as error:
            log.warning("dead letters not read", reason=str(error))
        self.looked_at = time.monotonic()


def keep(body: bytes, reason: str) -> None:
    failures.keep([(body, DeadLetter(reason))])
