"""Events that failed here: kept whole, tried again later and later, in the end an operator's to redrive or discard."""

import hashlib
import time
import traceback
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from common import inbox
from common.cloudevents import BadEvent, decode_envelope
from common.events import SessionRevoked, UserErased
from common.models import EventQuerySet, FailedEvent, InboxEvent
from common.purges import LIMIT, delete_some

log = structlog.get_logger()
RETRY_SECONDS = (1, 5, 30, 300)
MAX_ATTEMPTS = len(RETRY_SECONDS) + 1
BATCH = 100
SECONDS = 5  # of one call of retry_due, and what is in hand then: other jobs wait behind it
ENDS = (UserErased, SessionRevoked)

CLAIM = """
UPDATE common_failedevent SET attempts = attempts + 1,
  next_attempt_at = statement_timestamp() + make_interval(secs => (%s::int[])[least(attempts + 1, %s)])
WHERE id = ANY(%s) AND state = 'retrying' AND next_attempt_at <= statement_timestamp()
RETURNING id
"""


class DeadLetter(Exception):
    """The broker gave up on it: whoever took it died of it."""


def keep(outcomes: Iterable[tuple[bytes, Exception | None]]) -> None:
    """Keep what failed, in one transaction; a body that is kept already changes nothing.

    `outcomes` are bodies, each with what went wrong. The sender may forget them then.
    """
    rows = [_row(body, error) for body, error in outcomes if error]
    if rows:
        FailedEvent.objects.bulk_create(rows, ignore_conflicts=True)


def retry_due() -> None:
    """Try again what is due: what was redriven in batches, what has failed since one by one.

    An attempt is counted before it is made: an event that kills the process is dead after MAX_ATTEMPTS, too, and takes
    nobody with it. May run again right after it was cut off.
    """
    due = FailedEvent.objects.filter(state=FailedEvent.State.RETRYING, next_attempt_at__lte=Now())
    unanswered = due.filter(attempts__gte=MAX_ATTEMPTS)
    unanswered.update(state=FailedEvent.State.DEAD, next_attempt_at=None, error="The process died of it.", traceback="")
    ends = time.monotonic() + SECONDS
    while rows := _claim(list(due.filter(attempts=0).order_by("id")[:BATCH]) or due.order_by("next_attempt_at")[:1]):
        for row, error in zip(rows, inbox.receive([bytes(row.body) for row in rows]), strict=True):
            _settle(row, error)
        if time.monotonic() >= ends:
            return


def redrive(*rows: FailedEvent, at: datetime | None = None) -> list[int]:
    """Have them tried with all their attempts, at once or `at` a time; return the ids of those still to be done."""
    return _unsettled(rows).change(state=FailedEvent.State.RETRYING, attempts=0, next_attempt_at=at or Now())


@transaction.atomic
def discard(*rows: FailedEvent) -> list[int]:
    """Let them never take effect, not even when they come once more; return the ids of those still to be done.

    The inbox row of one that had no effect says when it was discarded, to the microsecond.
    """
    now = TransactionNow()
    gone = _unsettled(rows).change(state=FailedEvent.State.DISCARDED, next_attempt_at=None, settled_at=now)
    known = {row.event_id: row.type for row in rows if row.id in gone and row.event_id}
    InboxEvent.objects.bulk_create(
        [InboxEvent(event_id=key, type=known[key], received_at=now) for key in sorted(known)], ignore_conflicts=True
    )
    return gone


def forget(user_id: UUID) -> None:
    """Delete what mentions an erased person, but for the ends of them and of their sign-ins, which are only ids.

    Nothing is lost: what is told of them last beats all that came before, and that stays.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM common_failedevent WHERE position(%s::bytea in body) > 0 AND type <> ALL(%s)",
            [str(user_id).encode(), [event.type for event in ENDS]],
        )


def purge(limit: int = LIMIT) -> int:
    """Delete what was done or discarded longer ago than settings.OUTBOX_RETENTION, at most `limit`; return how many."""
    return delete_some(FailedEvent.objects.filter(settled_at__lt=Now() - settings.OUTBOX_RETENTION), limit)


def _unsettled(rows: Sequence[FailedEvent]) -> EventQuerySet:
    ids, open_states = [row.id for row in rows], [FailedEvent.State.RETRYING, FailedEvent.State.DEAD]
    return FailedEvent.objects.filter(id__in=ids, state__in=open_states)


def _row(body: bytes, error: Exception) -> FailedEvent:
    row = FailedEvent(digest=hashlib.sha256(body).hexdigest(), body=body, **_why(error))
    try:
        envelope = decode_envelope(body)
    except BadEvent:
        pass
    else:
        row.event_id, row.type, row.source = envelope.id, _text(envelope.type, 100), _text(envelope.source, 100)
        row.aggregate_id = envelope.aggregate_id
        row.request_id, row.trace_id = _text(envelope.requestid or "", 200), _text(envelope.trace_id, 32)
    if isinstance(error, BadEvent | DeadLetter):
        row.state = FailedEvent.State.DEAD
    else:
        row.next_attempt_at = Now() + timedelta(seconds=RETRY_SECONDS[0])
    _log(row, error)
    return row


def _claim(rows: Sequence[FailedEvent] | QuerySet[FailedEvent]) -> list[FailedEvent]:
    """Count an attempt of each, and put it off to when the next would be due; return those that are still ours."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [list(RETRY_SECONDS), len(RETRY_SECONDS), [row.id for row in rows]])
        ours = {key for (key,) in cursor.fetchall()}
    return [row for row in rows if row.id in ours]


def _settle(row: FailedEvent, error: Exception | None) -> None:
    kept = FailedEvent.objects.filter(id=row.id)
    if error is None:
        done = {"state": FailedEvent.State.DONE, "next_attempt_at": None, "settled_at": Now()}
        kept.filter(state=FailedEvent.State.RETRYING).update(**done)
        return
    row.attempts += 1
    kept.update(**_why(error))
    if isinstance(error, BadEvent) or row.attempts >= MAX_ATTEMPTS:
        row.state = FailedEvent.State.DEAD
        # Not if it was redriven meanwhile: then it has all its attempts.
        kept.filter(state=FailedEvent.State.RETRYING, attempts=row.attempts).update(
            state=row.state, next_attempt_at=None
        )
    _log(row, error)


def _why(error: Exception) -> dict[str, str]:
    trace = "".join(traceback.format_exception(error))
    return {"error": _text(f"{type(error).__name__}: {error}", 1000), "traceback": _text(trace[-20_000:], 20_000)}


def _text(value: str, length: int) -> str:
    """As much as a column takes: PostgreSQL's text holds neither NUL nor half a character."""
    return value.replace("\0", "").encode(errors="replace").decode()[:length]


def _log(row: FailedEvent, error: Exception) -> None:
    origin = {"event_id": str(row.event_id), "request_id": row.request_id} if row.event_id else {}
    about = {"event_type": row.type, "digest": row.digest, "attempts": row.attempts, "state": str(row.state)}
    log.error("event failed", exc_info=error, **about, **origin)
