"""A service's dead letters: what the broker gave up on, for whoever took it died of it."""

from collections.abc import Callable
from typing import Any

import pika

from common.broker import AMQP_ERRORS, dead_queue, parameters
from common.transport import TransportUnavailable

LIMIT = 500  # of one look


def take(url: str, *, service: str, keep: Callable[[bytes, str], None]) -> None:
    """Hand each to `keep` with the broker's reason, and ack it then.

    On a connection of its own, which one that pika can't read closes: it holds up those behind it, but no event. Raises
    TransportUnavailable, and what `keep` raises.
    """
    connection: Any = None
    try:
        connection = pika.BlockingConnection(parameters(url))
        channel = connection.channel()
        for _ in range(LIMIT):
            method, properties, body = channel.basic_get(dead_queue(service))
            if method is None:
                break
            keep(body, reason(properties.headers))
            channel.basic_ack(method.delivery_tag)
        connection.close()
    except AMQP_ERRORS as error:
        raise TransportUnavailable(f"dead letters: {error!r}") from error
    finally:
        if connection is not None and connection.is_open:
            connection.close()


def reason(headers: Any) -> str:
    """Why the broker gave it up. Anybody may write headers."""
    deaths = (headers or {}).get("x-death")
    last = deaths[0] if isinstance(deaths, list) and deaths else None
    return str(last.get("reason", "unknown"))[:100] if isinstance(last, dict) else "unknown"
