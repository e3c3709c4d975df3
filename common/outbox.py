"""The outbox: an event is written with its change, and leaves when the broker has confirmed it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from common.cloudevents import encode
from common.events import Event
from common.ids import uuid7
from common.models import OutboxEvent
from common.purges import LIMIT, delete_some

SHARDS = 16  # a power of two: so many relays can share the work; aggregates fall into shards by their ids
EVERY_SHARD = range(SHARDS)
MAX_ATTEMPTS = 10
RETRIES = 100  # of a batch at most: what nobody hears must not keep the rest waiting

FIRST = """NOT EXISTS (
  SELECT FROM common_outboxevent AS failing
  WHERE failing.aggregate_id = owed.aggregate_id AND failing.id < owed.id
    AND failing.state <> 'sent' AND failing.next_attempt_at IS NOT NULL)"""
DUE = f"""
WITH fresh AS (
  SELECT * FROM common_outboxevent AS owed WHERE state = 'pending' AND next_attempt_at IS NULL
    AND uuid_hash(aggregate_id) & {SHARDS - 1} = ANY(%s::int[]) AND {FIRST}
  ORDER BY id LIMIT %s
), again AS (
  SELECT * FROM common_outboxevent AS owed WHERE state = 'pending' AND next_attempt_at <= now()
    AND uuid_hash(aggregate_id) & {SHARDS - 1} = ANY(%s::int[]) AND {FIRST}
  ORDER BY next_attempt_at LIMIT %s
)
SELECT id, event_id, type, aggregate_id, envelope FROM (TABLE fresh UNION ALL TABLE again) AS due ORDER BY id
"""  # noqa: S608 - a number of ours
OWED = """
SELECT aggregate_id FROM common_outboxevent
WHERE state = 'pending' AND next_attempt_at IS NULL AND aggregate_id = ANY(%(ids)s)
UNION
SELECT aggregate_id FROM common_outboxevent
WHERE state = 'pending' AND next_attempt_at IS NOT NULL AND aggregate_id = ANY(%(ids)s)
EXCEPT
SELECT aggregate_id FROM common_outboxevent WHERE state = 'parked' AND aggregate_id = ANY(%(ids)s)
"""
DEFER = """
UPDATE common_outboxevent SET error = %s,
  next_attempt_at = now() + least(greatest((now() - created_at) / 10, interval '2 s'), interval '30 s')
WHERE id = ANY(%s) AND state = 'pending'
"""


def publish(event: Event) -> None:
    """Owe the event to its subscribers, in the caller's transaction; the caller holds the aggregate's row lock.

    Raises TransactionManagementError outside of one: the event would stand without its change.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("outbox.publish() outside of the transaction of its change")
    outbox_row(event).save(force_insert=True)


def outbox_row(event: Event) -> OutboxEvent:
    """Return the event's row, for a caller that writes it together with its change."""
    event_id, now = uuid7(), timezone.now()
    context = structlog.contextvars.get_contextvars()
    envelope = encode(event, event_id=event_id, source=settings.SERVICE, time=now, context=context)
    return OutboxEvent(
        event_id=event_id,
        type=event.type,
        aggregate_id=event.id,
        version=event.version,
        envelope=envelope.decode(),
        created_at=now,
    )


class Due(NamedTuple):
    id: int
    event_id: UUID
    type: str
    aggregate_id: UUID
    envelope: str


def due(limit: int, shards: Iterable[int] = EVERY_SHARD) -> list[Due]:
    """Return what can go now of these shards, oldest first: by state, never by cursor (law 2).

    A row that failed or is parked holds back what comes after it in its own aggregate, and nothing else (law 4).
    Plain SQL: the relay asks fifty times a second, and building it by the ORM was all that an idle relay did.
    """
    with connection.cursor() as cursor:
        wanted = list(shards)
        cursor.execute(DUE, [wanted, limit, wanted, RETRIES])
        return [Due(*row) for row in cursor.fetchall()]


def owed(ids: Collection[UUID]) -> set[UUID]:
    """Return which of the aggregates have an event that is about to leave: not behind one that is parked.

    In parts, for each has its index.
    """
    with connection.cursor() as cursor:
        cursor.execute(OWED, {"ids": list(ids)})
        return {row[0] for row in cursor.fetchall()}


def last_told(types: Collection[str]) -> UUID | None:
    """Return the id of the newest event of these types, None if none is kept."""
    newest = OutboxEvent.objects.filter(type__in=types).order_by("-id")
    return newest.values_list("event_id", flat=True).first()


def waves(rows: Sequence[Due]) -> list[list[Due]]:
    """Split a batch so that no wave holds two events of an aggregate: the second waits for the first's confirm."""
    found: list[list[Due]] = []
    turn: dict[UUID, int] = {}
    for row in rows:
        number = turn[row.aggregate_id] = turn.get(row.aggregate_id, -1) + 1
        if number == len(found):
            found.append([])
        found[number].append(row)
    return found


def mark_sent(ids: Collection[int]) -> None:
    OutboxEvent.objects.filter(id__in=ids).update(state=OutboxEvent.State.SENT, sent_at=Now(), error="")


def mark_deferred(ids: Collection[int], reason: str) -> None:
    """The broker could not take it now: no attempt is counted, an outage never parks an event.

    The wait grows with the event's age, from 2 to 30 s.
    """
    with connection.cursor() as cursor:
        cursor.execute(DEFER, [reason, list(ids)])


def mark_failed(row_id: int, reason: str) -> None:
    """The event itself was refused: try again later and later, then park it for an operator.

    What an operator has discarded while it was under way stays so, here and in mark_deferred.
    """
    owed = OutboxEvent.objects.filter(id=row_id, state=OutboxEvent.State.PENDING)
    attempts = (owed.values_list("attempts", flat=True).first() or 0) + 1
    owed.update(
        attempts=attempts,
        next_attempt_at=Now() + timedelta(seconds=min(2**attempts, 300)),
        state=OutboxEvent.State.PARKED if attempts >= MAX_ATTEMPTS else OutboxEvent.State.PENDING,
        error=reason,
    )


def redrive(*rows: OutboxEvent, at: datetime | None = None) -> list[int]:
    """Send them, at once or `at` a time, with all their attempts: also what is parked, and once more what was sent.

    Subscribers drop what they had already. Return the ids of those with which there was anything to do.
    """
    ours = OutboxEvent.objects.filter(id__in=[row.id for row in rows]).exclude(state=OutboxEvent.State.DISCARDED)
    if at is None:
        ours = ours.exclude(state=OutboxEvent.State.PENDING, next_attempt_at=None)
    return ours.change(state=OutboxEvent.State.PENDING, attempts=0, next_attempt_at=at or Now())


def discard(*rows: OutboxEvent) -> list[int]:
    """Never send them, and let their aggregates go on; return the ids of those that were still owed.

    The mirrors lack what they told until the aggregate's next event, or until they are repaired.
    """
    unsent = [OutboxEvent.State.PENDING, OutboxEvent.State.PARKED]
    ours = OutboxEvent.objects.filter(id__in=[row.id for row in rows], state__in=unsent)
    return ours.change(state=OutboxEvent.State.DISCARDED, next_attempt_at=None, sent_at=Now())


def purge(limit: int = LIMIT) -> int:
    """Delete rows that were sent or discarded longer ago than settings.OUTBOX_RETENTION; return how many.

    At most `limit` of each kind, for each has its index.
    """
    old = OutboxEvent.objects.filter(sent_at__lt=Now() - settings.OUTBOX_RETENTION)
    gone = (OutboxEvent.State.SENT, OutboxEvent.State.DISCARDED)
    return sum(delete_some(old.filter(state=state), limit) for state in gone)
