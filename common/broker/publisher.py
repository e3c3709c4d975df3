"""Publishes persistent, mandatory messages with pipelined confirms (law 4)."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pika
from pika.exceptions import ChannelClosedByBroker

from common.broker import EXCHANGE, TIMEOUT_SECONDS, parameters
from common.transport import CONFIRMED, Message, Outcome, TransportUnavailable

PRECONDITION_FAILED = 406  # the broker's answer to a message that it will never take


class BrokerPublisher:
    """Turns pika's SelectConnection in the caller's thread, a stretch at a time.

    BlockingConnection can't send a second message before the first is confirmed: a tenth of the throughput.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._channel: Any = None
        self._ready = self._nacked = False
        self._lost: BaseException | None = None
        self._unconfirmed: dict[int, Message] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._next_tag = 1
        self._done: Callable[[], bool] = lambda: True

    def publish(self, messages: Sequence[Message]) -> dict[str, Outcome]:
        self._connect()
        self._unconfirmed, self._outcomes = {}, {}
        for message in messages:
            self._send(message)
        self._turn(until=lambda: not self._unconfirmed or self._lost is not None, seconds=TIMEOUT_SECONDS)
        if not self._unconfirmed:
            if self._nacked:  # RabbitMQ may refuse this channel for ever then, also when the queue's limit is lifted
                self.close()
            return self._outcomes
        return self._outcomes | self._unsettled(list(self._unconfirmed.values()))

    def wait(self, seconds: float) -> None:
        if self._connection is None or self._lost is not None:
            time.sleep(seconds)
        else:
            self._turn(until=lambda: self._lost is not None, seconds=seconds)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        was_open = connection.is_open
        if was_open:
            connection.close()
        self._finish(connection)
        if was_open and not connection.is_closed:  # no answer; pika has no public call for giving up on one
            connection._adapter_disconnect_stream()
            self._finish(connection)
        connection.ioloop.close()

    def _finish(self, connection: Any) -> None:
        """Turn the I/O loop until the connection is closed, for a second at most."""
        if connection.is_closed:
            return
        self._done = lambda: False
        connection.ioloop.call_later(1, connection.ioloop.stop)
        connection.add_on_close_callback(lambda *_: connection.ioloop.stop())
        connection.ioloop.start()

    def _send(self, message: Message) -> None:
        properties = pika.BasicProperties(
            message_id=message.id,
            type=message.type,
            content_type="application/cloudevents+json",
            delivery_mode=pika.DeliveryMode.Persistent,
        )
        self._unconfirmed[self._next_tag] = message
        self._next_tag += 1
        self._channel.basic_publish(EXCHANGE, message.type, message.body, properties, mandatory=True)

    def _unsettled(self, messages: list[Message]) -> dict[str, Outcome]:
        """Say what became of messages without a confirm; the connection can't be used any more."""
        outcomes, lost = dict(self._outcomes), self._lost
        self.close()
        refused = isinstance(lost, ChannelClosedByBroker) and lost.reply_code == PRECONDITION_FAILED
        if refused and len(messages) > 1:  # one of them is at fault: it shows when each is sent alone
            for message in messages:
                outcomes |= self.publish([message])
            return outcomes
        error = f"not confirmed: {lost!r}" if lost else f"not confirmed within {TIMEOUT_SECONDS} s"
        return outcomes | {message.id: Outcome(error, counts=refused) for message in messages}

    def _connect(self) -> None:
        if self._connection is not None and self._ready and self._lost is None:
            return
        self.close()
        for node in parameters(self._url):
            self._connect_to(node)
            if self._ready:
                return
            self.close()
        raise TransportUnavailable(f"no broker: {self._lost!r}")

    def _connect_to(self, node: pika.URLParameters) -> None:
        self._ready, self._nacked, self._lost, self._next_tag = False, False, None, 1
        self._connection = pika.SelectConnection(
            node,
            on_open_callback=lambda connection: connection.channel(on_open_callback=self._on_channel),
            on_open_error_callback=self._on_lost,
            on_close_callback=self._on_lost,
        )
        # pika gives up by itself, and then leaves no socket behind.
        self._turn(until=lambda: self._ready or self._lost is not None, seconds=node.stack_timeout + 1)

    def _turn(self, *, until: Callable[[], bool], seconds: float) -> None:
        """Turn the I/O loop until the condition holds or the time is over."""
        self._done = until
        if until():
            return
        loop = self._connection.ioloop
        timeout = loop.call_later(seconds, loop.stop)
        loop.start()
        loop.remove_timeout(timeout)

    def _check(self) -> None:
        if self._done() and self._connection is not None:
            self._connection.ioloop.stop()

    def _on_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._on_lost)
        channel.add_on_return_callback(self._on_return)
        channel.exchange_declare(EXCHANGE, "topic", durable=True)
        channel.confirm_delivery(self._on_confirm, callback=self._on_ready)

    def _on_ready(self, _frame: Any) -> None:
        self._ready = True
        self._check()

    def _on_lost(self, _source: Any, error: BaseException) -> None:
        self._lost = self._lost or error
        self._check()

    def _on_return(self, _channel: Any, method: Any, properties: Any, _body: bytes) -> None:
        self._outcomes[properties.message_id] = Outcome(f"no queue hears {method.routing_key}")

    def _on_confirm(self, frame: Any) -> None:
        tag = frame.method.delivery_tag
        tags = [known for known in self._unconfirmed if known <= tag] if frame.method.multiple else [tag]
        nacked = isinstance(frame.method, pika.spec.Basic.Nack)
        self._nacked = self._nacked or nacked
        for known in tags:
            message = self._unconfirmed.pop(known)
            if nacked:
                self._outcomes[message.id] = Outcome("refused by the broker: a queue is full or has no leader")
            else:  # a return comes before its confirm
                self._outcomes.setdefault(message.id, CONFIRMED)
        self._check()
