"""Events by HTTP, where there is no broker: the relay hands each batch to every peer's /internal/events/."""

import time
from collections.abc import Sequence

import httpx
from django.conf import settings

from common.transport import CONFIRMED, Message, Outcome, TransportUnavailable

TIMEOUT_SECONDS = 10
BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"
COMMITTED = 204


class PeerPublisher:
    """A message is confirmed when every peer has committed it, or keeps it as failed; what a peer does not hear is
    confirmed at once.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        self._peers = [f"{origin}/internal/events/" for origin in origins]
        self._client = httpx.Client(
            timeout=TIMEOUT_SECONDS,
            headers={"Authorization": f"Bearer {settings.SERVICE_CREDENTIAL}", "Content-Type": BATCH_MEDIA_TYPE},
        )

    def publish(self, messages: Sequence[Message]) -> dict[str, Outcome]:
        body = b"[" + b",".join(message.body for message in messages) + b"]"
        for peer in self._peers:
            self._post(peer, body)
        return {message.id: CONFIRMED for message in messages}

    def _post(self, peer: str, body: bytes) -> None:
        try:
            response = self._client.post(peer, content=body)
        except httpx.HTTPError as error:
            raise TransportUnavailable(f"{peer}: {error!r}") from error
        if response.status_code != COMMITTED:
            raise TransportUnavailable(f"{peer} answered {response.status_code}")

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        self._client.close()
