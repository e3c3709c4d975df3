"""Lets events from the broker take effect here: inbox row, effect and follow-ups commit, then the ack (law 6)."""

import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from common import failures, inbox
from common.broker.consumer import Consumer, Delivery
from common.failures import DeadLetter
from common.middleware import drop_dead_session
from common.process import keep_running, stop_on_signals

PREFETCH = 1000


class Command(BaseCommand):
    help = "Consume this service's queue, until SIGTERM. Any number may run."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BROKER_URL:
            raise CommandError("There is no BROKER_URL: events come by HTTP to /internal/events/")
        keep_running(consume, stop_on_signals())


def consume(stopping: threading.Event) -> None:
    """Consume until stopping, or until the broker is lost.

    Starts one message at a time, until one comes that was not delivered before: a message that kills the process then
    counts up to its delivery limit alone, and not together with all that were prefetched with it. A dead letter is no
    sign of that: it is the last killer, and there may be another.
    """
    types = [event.type for event in inbox.handlers()]
    for prefetch in (1, PREFETCH):
        # While the database is away nothing is taken: every return of a message counts to its delivery limit.
        drop_dead_session()
        connection.ensure_connection()
        if stopping.is_set():
            return
        with Consumer(settings.BROKER_URL, service=settings.SERVICE, types=types, prefetch=prefetch) as consumer:
            for batch in consumer.batches(stopping):
                drop_dead_session()
                settle(batch)
                consumer.ack(batch[-1].tag)
                if prefetch == 1 and any(not (delivery.redelivered or delivery.death) for delivery in batch):
                    break


def settle(batch: list[Delivery]) -> None:
    """Apply what is alive, and keep what failed or is dead; all of it may be acked then.

    What is dead comes first: what is alive may kill the process, and RabbitMQ 4 drops a dead letter that comes back too
    often.
    """
    failures.keep((delivery.body, DeadLetter(delivery.death)) for delivery in batch if delivery.death)
    alive = [delivery.body for delivery in batch if not delivery.death]
    failures.keep(zip(alive, inbox.receive(alive), strict=True))
