"""What operators do about events that went wrong: the one door of the admin, the command and /internal/deliveries/.

A direction is what a service sends (outgoing: the outbox) or what it could not take in (incoming: its failures).
"""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.db.models.functions import Now

from common import failures, outbox
from common.models import EventQuerySet, FailedEvent, OutboxEvent

log = structlog.get_logger()
BATCH = 500
MOST = 10_000  # rows that are counted, and that one action on a page or a call of the API takes
DONE = {"redrive": "Redriven", "reschedule": "Rescheduled", "discard": "Discarded"}
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Direction(NamedTuple):
    """`standings`: the states as operators name them, the one first that wants a person. `since`: how old a row is."""

    name: str
    model: type[OutboxEvent] | type[FailedEvent]
    service: Any
    since: str
    bulky: tuple[str, ...]
    standings: dict[str, Q]

    @property
    def rows(self) -> EventQuerySet:
        """Without what no list shows: bodies may have a megabyte."""
        return self.model.objects.defer(*self.bulky)

    @property
    def permission(self) -> str:
        return f"common.change_{self.model._meta.model_name}"


OUTGOING = Direction(
    "outgoing",
    OutboxEvent,
    outbox,
    "created_at",
    ("envelope",),
    {
        "parked": Q(state="parked"),
        "retrying": Q(state="pending", next_attempt_at__isnull=False),
        "waiting": Q(state="pending", next_attempt_at=None),
        "sent": Q(state="sent"),
        "discarded": Q(state="discarded"),
    },
)
INCOMING = Direction(
    "incoming",
    FailedEvent,
    failures,
    "failed_at",
    ("body", "traceback"),
    {state: Q(state=state) for state in ("dead", "retrying", "done", "discarded")},
)
DIRECTIONS = {direction.name: direction for direction in (OUTGOING, INCOMING)}


class NotAnOperator(PermissionDenied):
    """Nobody of that name may change these events."""


def find(
    direction: Direction,
    *,
    state: str = "",
    type: str = "",  # noqa: A002 - CloudEvents calls it so
    error: str = "",
    older_than: timedelta | None = None,
    ids: Collection[int] | None = None,
) -> EventQuerySet:
    """Return what all that is given holds for; `error` is how the error begins, `state` one of the standings."""
    found = direction.rows
    if state:
        found = found.filter(direction.standings[state])
    if type:
        found = found.filter(type=type)
    if error:
        found = found.filter(error__startswith=error)
    if older_than is not None:
        found = found.filter(**{f"{direction.since}__lt": Now() - older_than})
    return found if ids is None else found.filter(id__in=ids)


def count(rows: QuerySet[Any]) -> int:
    """Count to MOST and no further."""
    return rows.order_by().values("pk")[:MOST].count()


def oldest_owed() -> datetime | None:
    """Return since when the oldest outgoing event waits; of those that are tried again the next MOST are looked at."""
    waiting = OutboxEvent.objects.filter(OUTGOING.standings["waiting"]).order_by("id")
    retrying = OutboxEvent.objects.filter(OUTGOING.standings["retrying"]).order_by("next_attempt_at")[:MOST]
    found = [waiting.values_list("created_at", flat=True).first(), retrying.aggregate(at=Min("created_at"))["at"]]
    return min((moment for moment in found if moment), default=None)


def read_age(text: str) -> timedelta:
    """Read 90s, 15m, 1h or 2d. Raises ValueError."""
    given = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if not given:
        raise ValueError(f"{text!r} is no age such as 90s, 15m, 1h or 2d")
    return timedelta(**{UNITS[given[2]]: int(given[1])})


def operator(direction: Direction, username: str) -> Any:
    """Return the active operator of that name who may change these events. Raises NotAnOperator."""
    named = get_user_model()._default_manager.filter(username=username, is_active=True, is_staff=True)
    allowed = [person for person in named[:2] if person.has_perm(direction.permission)]
    if len(allowed) != 1:
        raise NotAnOperator(f"{username!r} is no active operator here with the permission {direction.permission}")
    return allowed[0]


def act(
    direction: Direction,
    action: str,
    rows: QuerySet[Any],
    *,
    by: Any,
    reason: str = "",
    at: datetime | None = None,
    limit: int | None = None,
) -> int:
    """Redrive, reschedule (`at`) or discard the rows, at most `limit`, and log who did it for each that changed.

    Return how many changed. Each batch is a transaction with its log; who was cut off may do it again.
    """
    if not by.has_perm(direction.permission):
        raise NotAnOperator(f"{by.get_username()!r} lacks the permission {direction.permission}")
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:limit])
    changed = 0
    for start in range(0, len(ids), BATCH):
        changed += _act_on(direction, action, ids[start : start + BATCH], by=by, reason=reason, at=at)
    log.info(
        "events changed by an operator",
        direction=direction.name, action=action, changed=changed, asked=len(ids), operator=str(by.pk), reason=reason,
    )  # fmt: skip
    return changed


@transaction.atomic
def _act_on(direction: Direction, action: str, ids: list[int], *, by: Any, reason: str, at: datetime | None) -> int:
    rows = list(direction.rows.filter(pk__in=ids))
    if action == "discard":
        changed = direction.service.discard(*rows)
    else:
        changed = direction.service.redrive(*rows, at=at if action == "reschedule" else None)
    message = DONE[action] + (f" to {at:%Y-%m-%d %H:%M:%S} UTC" if action == "reschedule" else "")
    message += f": {reason}" if reason else "."
    done = [row for row in rows if row.pk in set(changed)]
    LogEntry.objects.log_actions(by.pk, done, CHANGE, message)
    return len(done)


def history(row: OutboxEvent | FailedEvent) -> QuerySet[LogEntry]:
    """Return what operators did to it, the latest first."""
    kind = ContentType.objects.get_for_model(row)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(row.pk))
    return entries.select_related("user").order_by("-action_time", "-id")
