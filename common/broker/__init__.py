"""RabbitMQ; the only package that imports pika.

Topic exchange `events` (routing key = event type) → quorum queue SERVICE. A message that kills its consumer comes back
up to the delivery limit; then the broker hands it to `SERVICE.dead`, where the consumer looks now and then, on a
connection of its own, to keep it for an operator (common.failures) as it keeps what a handler failed with.
"""

import random
from typing import Any

import pika
from pika.exceptions import AMQPError

EXCHANGE = "events"
DELIVERY_LIMIT = 10
HEARTBEAT_SECONDS = 30
TIMEOUT_SECONDS = 10
AMQP_ERRORS = (AMQPError, OSError)

# Quorum queues hand a dead letter over at least once only if they refuse publishes, not drop, when full.
QUORUM = {"x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}


def parameters(urls: str) -> list[pika.URLParameters]:
    """Return how to reach each node of the broker, in random order.

    So the nodes share the connections, and who came to a node that is cut off from the others finds one that is not.
    All attempts together take about TIMEOUT_SECONDS at most.
    """
    nodes = urls.split(",")
    random.shuffle(nodes)
    return [node_parameters(url, TIMEOUT_SECONDS / len(nodes)) for url in nodes]


def node_parameters(url: str, timeout_seconds: float) -> pika.URLParameters:
    found = pika.URLParameters(url)
    if found.heartbeat is None:  # the URL may say `?heartbeat=10`
        found.heartbeat = HEARTBEAT_SECONDS
    found.blocked_connection_timeout = TIMEOUT_SECONDS
    found.socket_timeout = found.stack_timeout = timeout_seconds
    return found


def dead_queue(service: str) -> str:
    return f"{service}.dead"


def declare(channel: Any, service: str, types: list[str]) -> None:
    """Declare what the service consumes from; the same call again changes nothing."""
    channel.exchange_declare(EXCHANGE, "topic", durable=True)
    channel.queue_declare(dead_queue(service), durable=True, arguments={"x-queue-type": "quorum"})
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead_queue(service)}
    channel.queue_declare(service, durable=True, arguments={**QUORUM, **dead, "x-delivery-limit": DELIVERY_LIMIT})
    for event_type in types:
        channel.queue_bind(service, EXCHANGE, event_type)
