"""Events by HTTP, where there is no broker: the relay hands each batch to every peer's /internal/events/."""

import time
from collections.abc import Sequence

import httpx
import msgspec
from django.conf import settings

from common.transport import CONFIRMED, Message, Outcome, TransportUnavailable

TIMEOUT_SECONDS = 10
BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"


class PeerPublisher:
    """A message is confirmed when every peer has committed it; a peer acks at once what it does not hear."""

    def __init__(self, peers: Sequence[str]) -> None:
        self._peers = peers
        self._client = httpx.Client(
            timeout=TIMEOUT_SECONDS,
            headers={"Authorization": f"Bearer {settings.SERVICE_CREDENTIAL}", "Content-Type": BATCH_MEDIA_TYPE},
        )

    def publish(self, messages: Sequence[Message]) -> dict[str, Outcome]:
        body = b"[" + b",".join(message.body for message in messages) + b"]"
        outcomes = {message.id: CONFIRMED for message in messages}
        for peer in self._peers:
            outcomes |= {event_id: Outcome(error, counts=True) for event_id, error in self._post(peer, body).items()}
        return outcomes

    def _post(self, peer: str, body: bytes) -> dict[str, str]:
        """Return the errors by event id."""
        try:
            response = self._client.post(peer, content=body).raise_for_status()
            return msgspec.json.decode(response.content, type=dict[str, dict[str, str]])["errors"]
        except (httpx.HTTPError, msgspec.MsgspecError, KeyError) as error:
            raise TransportUnavailable(f"{peer}: {error!r}") from error

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        self._client.close()
