"""How events leave a service: one small interface, by RabbitMQ or, where there is none, by HTTP to the peers."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from django.conf import settings


class TransportUnavailable(Exception):
    """Nothing could be sent at all; everything is still owed."""


class Message(NamedTuple):
    id: str
    type: str
    body: bytes


class Outcome(NamedTuple):
    error: str = ""  # empty: confirmed
    counts: bool = False  # the message itself is at fault, not the state of the broker


CONFIRMED = Outcome()


class Publisher(Protocol):
    def publish(self, messages: Sequence[Message]) -> dict[str, Outcome]:
        """Return the outcome of each message by its id. Raises TransportUnavailable if none could be sent."""

    def wait(self, seconds: float) -> None:
        """Idle without losing the connection."""

    def close(self) -> None: ...


def publisher() -> Publisher:
    from common.broker.publisher import BrokerPublisher
    from common.peers import PeerPublisher

    return BrokerPublisher(settings.BROKER_URL) if settings.BROKER_URL else PeerPublisher(list(settings.PEERS.values()))
