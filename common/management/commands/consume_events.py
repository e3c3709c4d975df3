"""Lets events from the broker take effect here: inbox row, effect and follow-ups commit, then the ack (law 6)."""

import threading
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from common import inbox
from common.broker import RETRY_SECONDS, dead_queue, retry_queue
from common.broker.consumer import Consumer, Delivery
from common.broker.publisher import BrokerPublisher
from common.cloudevents import BadEvent, decode_envelope
from common.middleware import drop_dead_session
from common.process import keep_running, stop_on_signals
from common.transport import Message, TransportUnavailable

log = structlog.get_logger()
PREFETCH = 200


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
    for prefetch in (1, PREFETCH):
        # While the database is away nothing is taken: every return of a message counts to its delivery limit.
        drop_dead_session()
        connection.ensure_connection()
        if stopping.is_set():
            return
        with Consumer(settings.BROKER_URL, service=settings.SERVICE, types=types, prefetch=prefetch) as consumer:
            for batch in consumer.batches(stopping):
                drop_dead_session()
                settle(batch, inbox.receive([delivery.body for delivery in batch]))
                consumer.ack(batch[-1].tag)
                if prefetch == 1 and not batch[-1].redelivered:
                    break


def settle(batch: list[Delivery], errors: list[Exception | None]) -> None:
    """Send on what failed, confirmed, before anything of the batch is acked."""
    failed = [failure(delivery, error) for delivery, error in zip(batch, errors, strict=True) if error]
    if not failed:
        return
    publisher = BrokerPublisher(settings.BROKER_URL)
    try:
        unsent = [outcome.error for outcome in publisher.publish(failed).values() if outcome.error]
    finally:
        publisher.close()
    if unsent:
        raise TransportUnavailable(f"a failed event could not be set aside: {unsent[0]}")


def failure(delivery: Delivery, error: Exception) -> Message:
    """Return the message for the next retry queue, or the dead-letter queue if none is left or none can help."""
    before = (delivery.properties.headers or {}).get("x-attempts")
    attempts = (before if isinstance(before, int) else 0) + 1
    dead = isinstance(error, BadEvent) or attempts > len(RETRY_SECONDS)
    queue = dead_queue(settings.SERVICE) if dead else retry_queue(settings.SERVICE, RETRY_SECONDS[attempts - 1])
    message_id = delivery.properties.message_id or f"tag-{delivery.tag}"
    log.error("event failed", message=message_id, attempts=attempts, queue=queue, exc_info=error, **origin(delivery))
    return Message(
        id=message_id,
        type=delivery.properties.type or "unknown",
        body=delivery.body,
        exchange="",
        routing_key=queue,
        headers={"x-attempts": attempts, "x-error": f"{type(error).__name__}: {error}"[:1000]},
    )


def origin(delivery: Delivery) -> dict[str, str | None]:
    """Return which event it is and which request caused it, as far as its body says."""
    try:
        envelope = decode_envelope(delivery.body)
    except BadEvent:
        return {}
    return {"event_id": str(envelope.id), "request_id": envelope.requestid}
