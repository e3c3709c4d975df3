"""The source of a mirror, asked by HTTP for its snapshot."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import httpx
import msgspec
from django.conf import settings

from common import inbox
from common.cloudevents import decode_envelope, decode_event
from common.digests import Page, Row
from common.events import Event
from common.mirrors import Mirrored
from common.snapshots import IDS, EventsAnswer, RowsAnswer

TIMEOUT = httpx.Timeout(15, connect=3)  # a statement of the source has 10 s
Answer = TypeVar("Answer")
Item = TypeVar("Item")


class SourceUnavailable(Exception):
    """Nobody says where the source is, or it does not answer. What was done until then is right as it is."""


class Source:
    def __init__(self, mirror: Mirrored) -> None:
        """Raises SourceUnavailable where PEERS does not name the service."""
        if mirror.source not in settings.PEERS:
            raise SourceUnavailable(f"PEERS does not say where {mirror.source} is")
        self._handlers = {event.type: event for event in inbox.handlers()}
        self._fields = ",".join(mirror.fields)
        self._client = httpx.Client(
            base_url=f"{settings.PEERS[mirror.source]}/internal/snapshots/{mirror.name}/",
            headers={"Authorization": f"Bearer {settings.SERVICE_CREDENTIAL}"},
            timeout=TIMEOUT,
            transport=httpx.HTTPTransport(retries=3),
        )

    def close(self) -> None:
        self._client.close()

    def page(self, start: UUID | None) -> Page:
        return self._get("digests/", Page, fields=self._fields, start=start)

    def rows(self, start: UUID | None, end: UUID | None) -> list[Row]:
        return self._get("rows/", RowsAnswer, fields=self._fields, start=start, end=end).rows

    def look(self, ids: Collection[UUID]) -> RowsAnswer:
        """Return the rows of the ids, and what may still be on its way about them."""
        types = ",".join(self._handlers)
        found = RowsAnswer([])
        for some in batches(ids, IDS):
            answer = self._get("rows/", RowsAnswer, fields=self._fields, types=types, ids=joined(some))
            found = RowsAnswer([*found.rows, *answer.rows], found.owed | answer.owed, answer.last_told)
        return found

    def events(self, ids: Collection[UUID]) -> list[Event]:
        answers = (self._get("events/", EventsAnswer, ids=joined(some)) for some in batches(ids, IDS))
        return [self._decoded(event) for answer in answers for event in answer.events]

    def all_events(self) -> Iterator[list[Event]]:
        """Yield the present state of everything, a page at a time, in the order of the ids."""
        start, more = None, True
        while more:
            answer = self._get("events/", EventsAnswer, start=start)
            yield [self._decoded(event) for event in answer.events]
            start, more = answer.next, answer.next is not None

    def _decoded(self, raw: msgspec.Raw) -> Event:
        envelope = decode_envelope(bytes(raw))
        return decode_event(self._handlers[envelope.type], envelope)

    def _get(self, path: str, kind: type[Answer], **parameters: Any) -> Answer:
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        try:
            response = self._client.get(path, params=given)
            if response.status_code != 200:
                raise SourceUnavailable(f"{self._client.base_url}{path} answers {response.status_code}")
            return msgspec.json.decode(response.content, type=kind)
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise SourceUnavailable(f"{self._client.base_url}{path}: {error!r}") from error


def joined(ids: Iterable[UUID]) -> str:
    return ",".join(map(str, ids))


def batches(items: Iterable[Item], size: int) -> Iterator[Sequence[Item]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
