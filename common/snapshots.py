"""What a service can tell again: the present state of its rows, for mirrors at other services (its snapshots.py)."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from common import outbox
from common.digests import Comparable, Row
from common.events import Event

IDS = 100  # of a request: they fit into its address
EVENTS = 500  # of an answer


class RowsAnswer(msgspec.Struct):
    """`owed` are the ids of which an event has not left yet, `last_told` is the newest event, both read after the rows:
    whatever was told of a row had left before that one, or is owed.
    """

    rows: list[Row]
    owed: set[UUID] = set()
    last_told: UUID | None = None


class EventsAnswer(msgspec.Struct):
    events: list[msgspec.Raw]  # CloudEvents
    next: UUID | None  # where the next page starts


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Rows with a UUID and a version, and the event that tells a row's present state.

    `fields` are what a mirror may compare: columns of the rows, or annotations of what an event says in other words.
    """

    rows: QuerySet[Any]
    event_of: Callable[[Any], Event]
    fields: Collection[str]

    def comparable(self, fields: Sequence[str]) -> Comparable:
        return Comparable(self.rows, fields)

    def tell_from(self, start: UUID | None) -> EventsAnswer:
        """Return a page of events in the order of the ids."""
        rows = self.rows.order_by("pk") if start is None else self.rows.order_by("pk").filter(pk__gte=start)
        page = list(rows[: EVENTS + 1])
        return self._answer(page[:EVENTS], page[EVENTS].pk if len(page) > EVENTS else None)

    def tell(self, ids: Collection[UUID]) -> EventsAnswer:
        return self._answer(self.rows.filter(pk__in=ids), None)

    def _answer(self, rows: Iterable[Any], following: UUID | None) -> EventsAnswer:
        envelopes = (outbox.outbox_row(self.event_of(row)).envelope for row in rows)
        return EventsAnswer([msgspec.Raw(envelope.encode()) for envelope in envelopes], following)


def snapshots() -> Mapping[str, Snapshot]:
    """Return what this service can tell again: its snapshots.py."""
    found: Mapping[str, Snapshot] = import_string(f"{settings.SERVICE}.snapshots.SNAPSHOTS")
    return found
