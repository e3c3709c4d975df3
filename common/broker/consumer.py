"""Consumes a service's queue: I/O in a thread of its own, so that a slow handler never stops the heartbeat (law 10)."""

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple, Self

import pika

from common.broker import AMQP_ERRORS, TIMEOUT_SECONDS, declare, parameters
from common.transport import TransportUnavailable

BATCH = 500
PAUSE_SECONDS = 0.005  # after a read that brought something: reading message by message costs more than they do


class Delivery(NamedTuple):
    tag: int
    redelivered: bool
    body: bytes


class Consumer:
    """Yields what is there as batches, an empty one after a while without; acks up to a tag.

    Trouble with the broker comes out of batches() as TransportUnavailable, any other of the thread's as itself.
    """

    def __init__(self, url: str, *, service: str, types: list[str], prefetch: int) -> None:
        self._url, self._service, self._types, self._prefetch = url, service, types, prefetch
        self._inbox: queue.SimpleQueue[Delivery | Exception] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._connection: Any = None
        self._thread = threading.Thread(target=self._serve, name="amqp", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join(TIMEOUT_SECONDS)  # a broker that does not answer must not hold up an end

    def batches(self, stopping: threading.Event) -> Iterator[list[Delivery]]:
        while not stopping.is_set():
            batch: list[Delivery] = []
            with suppress(queue.Empty):
                batch.append(self._take(timeout=0.2))
                while len(batch) < BATCH:
                    batch.append(self._take(timeout=0))
            yield batch

    def ack(self, tag: int) -> None:
        """Ack everything up to the tag; the caller has committed it."""
        try:
            self._connection.add_callback_threadsafe(lambda: self._channel.basic_ack(tag, multiple=True))
        except AMQP_ERRORS as error:
            raise TransportUnavailable(f"broker: {error!r}") from error

    def _take(self, *, timeout: float) -> Delivery:
        item = self._inbox.get(timeout=timeout) if timeout else self._inbox.get_nowait()
        if isinstance(item, Exception):
            raise item
        return item

    def _serve(self) -> None:
        try:
            self._connection = pika.BlockingConnection(parameters(self._url))
            self._channel = self._connection.channel()
            declare(self._channel, self._service, self._types)
            self._channel.basic_qos(prefetch_count=self._prefetch)
            self._channel.basic_consume(self._service, self._on_message)
            while not self._closing.is_set() and self._channel.consumer_tags:
                self._connection.process_data_events(time_limit=0.2)
                if not self._inbox.empty():
                    self._closing.wait(PAUSE_SECONDS)
            if not self._closing.is_set():  # cancelled by the broker: the queue was deleted
                raise pika.exceptions.ConsumerCancelled
        except AMQP_ERRORS as error:
            self._inbox.put(TransportUnavailable(f"broker: {error!r}"))
        except Exception as error:  # a consumer without its thread would wait for ever
            self._inbox.put(error)
        finally:
            self._disconnect()

    def _on_message(self, _channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        self._inbox.put(Delivery(method.delivery_tag, method.redelivered, body))

    def _disconnect(self) -> None:
        if self._connection is not None and self._connection.is_open:
            try:
                self._connection.process_data_events(time_limit=0)  # acks handed over last
                self._connection.close()
            except AMQP_ERRORS:
                return
