"""The end of an account: user_service asks, decides once, and goes on. docs/erasure.md shows the whole.

Every function is one transaction, safe to be cut off anywhere and to be called again.
"""

import secrets
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from common import events, outbox
from common.process import for_each
from user_service.erasure.models import Erasure, digest
from user_service.mail.services import send_mail
from user_service.users import letters
from user_service.users import services as users
from user_service.users.models import User

log = structlog.get_logger()
State = Erasure.State
LATE = "Not every part of the system answered in time."
BY_OPERATOR = "An operator cancelled it."


class Started(NamedTuple):
    erasure: Erasure
    key: str  # of the status resource; only its digest is kept


def request_erasure(*, user: User) -> Started:
    """Lock the account at once and ask whether it may go.

    Raises ValidationError with code `is_operator`, `was_operator` (the admin's log names them) or `being_erased`.
    """
    key = secrets.token_urlsafe(32)
    with transaction.atomic():
        fresh = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if fresh.is_staff or fresh.is_superuser:
            raise ValidationError("Another operator has to take your rights away first.", code="is_operator")
        if LogEntry.objects.filter(user=fresh).exists():
            raise ValidationError("What you did as an operator has to stay accountable.", code="was_operator")
        if Erasure.objects.running().filter(user_id=fresh.pk).exists():
            raise ValidationError("This account is being erased already.", code="being_erased")
        erasure = Erasure.objects.create(
            digest=digest(key),
            user_id=fresh.pk,
            was_active=fresh.is_active,
            deadline=Now() + settings.ERASURE_DEADLINE,
        )
        users.update_user(user=fresh, changes={"is_active": False})
        erasure.refresh_from_db()
        _publish(erasure)
    return Started(erasure, key)


def commit_erasure(*, erasure_id: UUID) -> None:
    """Take `prepared` for an answer: in time it decides; one that comes too late is told again that it is off."""
    with transaction.atomic():
        erasure = _lock(erasure_id)
        if erasure.state in Erasure.FORWARD:
            return
        in_time = _move(erasure, State.COMMITTED, Q(deadline__gt=Now()), committed_at=Now())
        if in_time or not expire_erasure(erasure_id=erasure_id):
            _publish(erasure)


def refuse_erasure(*, erasure_id: UUID, reason: str) -> bool:
    return _compensate(erasure_id, State.REFUSED, reason)


def cancel_erasure(*, erasure_id: UUID) -> bool:
    """Call it off, as an operator; say whether it was not too late."""
    return _compensate(erasure_id, State.CANCELLED, BY_OPERATOR)


def keep_locked(*, erasure_id: UUID) -> bool:
    """If it is called off, leave the account locked, as an operator; say whether it was not so already, or too late."""
    running = Erasure.objects.filter(pk=erasure_id, state=State.REQUESTED, was_active=True)
    return bool(running.update(was_active=False))


def expire_erasure(*, erasure_id: UUID) -> bool:
    """Call it off if the deadline has passed; say whether it had."""
    return _compensate(erasure_id, State.EXPIRED, LATE, Q(deadline__lte=Now()))


def expire_overdue() -> None:
    """Whoever can't be given back now is tried again at the next look, and holds up nobody else."""
    for_each(Erasure.objects.overdue().values_list("id", flat=True), lambda key: expire_erasure(erasure_id=key))


def finish_erasure(*, erasure_id: UUID) -> None:
    """Everybody else is done: delete the person."""
    with transaction.atomic():
        erasure = _lock(erasure_id)
        if _move(erasure, State.DONE, finished_at=Now()):
            users.erase_user(user_id=erasure.user_id)


def send_again(*, erasure_id: UUID) -> bool:
    """Tell the others once more, with a new number, so that it is answered anew; say whether there was anything to."""
    with transaction.atomic():
        erasure = _lock(erasure_id)
        if erasure.state == State.DONE:
            return False
        _publish(erasure)
    return True


def notify(*, user: User, erasure: Erasure, reason: str) -> None:
    """Tell the person why their account is as it was, in the transaction that restores it."""
    Erasure.objects.filter(pk=erasure.pk).update(reason=reason)
    send_mail(person=user, recipient=user.email, **letters.account_kept(user, reason))


def _compensate(erasure_id: UUID, state: Erasure.State, reason: str, on: Q | None = None) -> bool:
    """The account is as it was; the others are told that it is off."""
    with transaction.atomic():
        erasure = _lock(erasure_id)
        if not _move(erasure, state, on or Q(), finished_at=Now()):
            return False
        user = users.update_user(user=User(pk=erasure.user_id), changes={"is_active": erasure.was_active})
        notify(user=user, erasure=erasure, reason=reason)
        _publish(erasure)
    return True


def _lock(erasure_id: UUID) -> Erasure:
    return Erasure.objects.select_for_update().get(pk=erasure_id)


def _move(erasure: Erasure, state: Erasure.State, on: Q = Q(), **fields: Any) -> bool:  # noqa: B008 - immutable
    """Go to the state from the only one that leads there, if the condition holds; say whether it did.

    An UPDATE that begins after the row was locked: its clock is not that of before the wait.
    """
    source = State.COMMITTED if state == State.DONE else State.REQUESTED
    moved = Erasure.objects.filter(on, pk=erasure.pk, state=source).update(state=state, **fields)
    if moved:
        erasure.refresh_from_db()
        log.info("erasure", erasure=str(erasure.pk), state=state)
    return bool(moved)


def _publish(erasure: Erasure) -> None:
    """Tell what the state asks of the others; the caller holds the row."""
    erasure.version += 1
    Erasure.objects.filter(pk=erasure.pk).update(version=erasure.version)
    facts: dict[str, Any] = {"id": erasure.pk, "version": erasure.version, "user_id": erasure.user_id}
    if erasure.state == State.REQUESTED:
        outbox.publish(events.ErasureRequested(**facts, deadline=erasure.deadline))
    elif erasure.state == State.COMMITTED:
        outbox.publish(events.ErasureCommitted(**facts))
    else:
        outbox.publish(events.ErasureCancelled(**facts))
