"""RabbitMQ; the only package that imports pika.

Topic exchange `events` (routing key = event type) → quorum queue SERVICE. A message whose handler failed waits in
`SERVICE.retry.Ns` and comes back by itself; after the last of these it stays in `SERVICE.dead`, and so does one that
kills its consumer, by the delivery limit (law 7).
"""

from typing import Any

import pika
from pika.exceptions import AMQPError

EXCHANGE = "events"
RETRY_SECONDS = (1, 5, 30, 300)
DELIVERY_LIMIT = 10
HEARTBEAT_SECONDS = 30
TIMEOUT_SECONDS = 10
AMQP_ERRORS = (AMQPError, OSError)

# Quorum queues hand a dead letter over at least once only if they refuse publishes, not drop, when full.
QUORUM = {"x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}


def parameters(url: str) -> pika.URLParameters:
    found = pika.URLParameters(url)
    found.heartbeat = HEARTBEAT_SECONDS
    found.blocked_connection_timeout = TIMEOUT_SECONDS
    found.socket_timeout = found.stack_timeout = TIMEOUT_SECONDS
    return found


def retry_queue(service: str, seconds: int) -> str:
    return f"{service}.retry.{seconds}s"


def dead_queue(service: str) -> str:
    return f"{service}.dead"


def declare(channel: Any, service: str, types: list[str]) -> None:
    """Declare what the service consumes from; the same call again changes nothing."""
    channel.exchange_declare(EXCHANGE, "topic", durable=True)
    channel.queue_declare(dead_queue(service), durable=True, arguments={"x-queue-type": "quorum"})
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead_queue(service)}
    channel.queue_declare(service, durable=True, arguments={**QUORUM, **dead, "x-delivery-limit": DELIVERY_LIMIT})
    back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": service}
    for seconds in RETRY_SECONDS:
        arguments = {**QUORUM, **back, "x-message-ttl": seconds * 1000}
        channel.queue_declare(retry_queue(service, seconds), durable=True, arguments=arguments)
    for event_type in types:
        channel.queue_bind(service, EXCHANGE, event_type)
