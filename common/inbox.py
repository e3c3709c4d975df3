"""The inbox: an event takes effect once, however often it is delivered."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from common.cloudevents import BadEvent, Envelope, decode_envelope, decode_event
from common.events import Event
from common.mirrors import Mirror
from common.models import InboxEvent
from common.process import SESSION_ERRORS, stood_still
from common.purges import LIMIT, delete_some

Handlers = Mapping[type[Event], Callable[..., None]]


def handlers() -> Handlers:
    """Return what this service hears: its subscriptions.py."""
    subscriptions: Handlers = import_string(f"{settings.SERVICE}.subscriptions.SUBSCRIPTIONS")
    return subscriptions


def is_for_us(body: bytes) -> bool:
    """Whether we hear events of its type; what can't be read is ours to say so."""
    try:
        return decode_envelope(body).type in {event.type for event in handlers()}
    except BadEvent:
        return True


def receive(bodies: Sequence[bytes]) -> list[Exception | None]:
    """Let each event take effect once; return what went wrong with each, None for one that is done.

    A batch is one transaction; when it fails, each event gets its own, so that a bad one harms no other. Raises the
    database's error when the connection is lost: then nothing is known to be done, and all may be given again.
    """
    failed = _apply_unless_it_fails(bodies)
    if failed is None:
        return [None] * len(bodies)
    if len(bodies) == 1:
        return [failed]
    return [_apply_unless_it_fails([body]) for body in bodies]


def _apply_unless_it_fails(bodies: Sequence[bytes]) -> Exception | None:
    connection.ensure_connection()
    session = connection.connection
    try:
        _apply(bodies)
    except Exception as error:
        if stood_still(error):
            connection.close()
        if isinstance(error, SESSION_ERRORS) and connection.connection is not session:
            raise  # lost; Django has connected anew, if it could, when the transaction ended
        return error
    return None


def _apply(bodies: Sequence[bytes]) -> None:
    envelopes = {envelope.id: envelope for envelope in map(decode_envelope, bodies)}
    with transaction.atomic():
        new = _insert_new(list(envelopes.values()))
        known = [_handler_and_event(envelope) for envelope in envelopes.values() if envelope.id in new]
        for handler, group in groupby(known, key=itemgetter(0)):
            if isinstance(handler, Mirror):
                handler(*(event for _, event, _ in group))
                continue
            for _, event, envelope in group:
                with structlog.contextvars.bound_contextvars(
                    event_id=str(envelope.id), event_type=envelope.type, request_id=envelope.requestid
                ):
                    handler(event)


def _handler_and_event(envelope: Envelope) -> tuple[Callable[..., None], Event, Envelope]:
    for event_type, handler in handlers().items():
        if event_type.type == envelope.type:
            return handler, decode_event(event_type, envelope), envelope
    raise BadEvent(f"nothing here hears {envelope.type}")


def _insert_new(envelopes: Sequence[Envelope]) -> set[Any]:
    """Insert the inbox rows, the transaction's first statement; return the ids that were not there (law 6).

    A parallel delivery of the same event waits here until the other transaction has ended.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {InboxEvent._meta.db_table} (event_id, type, received_at) "  # noqa: S608 - no input in it
            "SELECT event_id, type, now() FROM unnest(%s::uuid[], %s::text[]) AS given (event_id, type) "
            "ORDER BY event_id ON CONFLICT DO NOTHING RETURNING event_id",
            [[envelope.id for envelope in envelopes], [envelope.type for envelope in envelopes]],
        )
        return {row[0] for row in cursor.fetchall()}


def purge(limit: int = LIMIT) -> int:
    """Delete rows past settings.INBOX_RETENTION, at most `limit`; return how many."""
    return delete_some(InboxEvent.objects.filter(received_at__lt=Now() - settings.INBOX_RETENTION), limit)
