"""Our part in the erasure of a person, and what keeps us from it. docs/erasure.md shows the whole.

Every function is one transaction, but for those that forget a person: they take one for each batch of tasks. An event
that is not newer than what was heard changes nothing.
"""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet, TextField
from django.db.models.functions import Cast, Now

from common import events, failures, outbox
from common.models import ApiToken, IdempotencyKey
from common.process import for_each
from task_service.erasure.models import Erasure, LegalHold
from task_service.erasure.rules import refusal
from task_service.tasks import services as tasks
from task_service.tasks.models import Task
from task_service.user_mirror.models import User

State = Erasure.State
BATCH = 500


def prepare_erasure(*, event: events.ErasureRequested) -> None:
    """Promise that the person can be erased, or refuse. Nothing is destroyed; what is promised holds."""
    with transaction.atomic():
        erasure = _newer(event)
        if erasure is None:
            return
        if erasure.state not in Erasure.PROMISED:
            _lock_person(event.user_id)
            erasure.reason = refusal(event.user_id) or ""
            erasure.state = State.REFUSED if erasure.reason else State.PREPARED
        _answer(erasure)


def cancel_erasure(*, event: events.ErasureCancelled) -> None:
    with transaction.atomic():
        erasure = _newer(event)
        if erasure is not None and erasure.state not in (State.COMMITTED, State.DONE):
            erasure.state = State.CANCELLED
        if erasure is not None:
            erasure.save()


def commit_erasure(*, event: events.ErasureCommitted) -> None:
    """Take note that user_service has decided, which it does once, and leave it to the schedule.

    What a person has may be much, and other events, such as revocations, wait behind.
    """
    with transaction.atomic():
        erasure = _newer(event)
        if erasure is None:
            return
        if erasure.state == State.DONE:
            _answer(erasure)
            return
        erasure.state = State.COMMITTED
        erasure.save()


def erase_committed() -> None:
    for_each(list(Erasure.objects.committed().order_by("id")), finish_erasure)


def finish_erasure(erasure: Erasure) -> None:
    """Forget the person, then say so. Our row is locked at the end only: what is sent again meanwhile need not wait."""
    forget_person(user_id=erasure.user_id)
    with transaction.atomic():
        fresh = Erasure.objects.committed().select_for_update().filter(pk=erasure.pk).first()
        if fresh is not None:
            fresh.state, fresh.done_at = State.DONE, Now()
            _answer(fresh)


def forget_person(*, user_id: UUID) -> None:
    """Take the person out of every task, also in the trash; what is then nobody's is erased.

    So are their API tokens, what they were answered, and what they might do as an operator. Each batch is a
    transaction: who shares a task with them waits for no more than that. It may be cut off between two, and run again.
    """
    with transaction.atomic():
        log_about(user_id=user_id).update(object_repr=F("object_id"))
        for mine in (ApiToken, IdempotencyKey, User.user_permissions.through, User.groups.through):
            mine._base_manager.filter(user=user_id).delete()
    failures.forget(user_id)
    while _leave_some_tasks(user_id):
        pass


def _leave_some_tasks(user_id: UUID) -> bool:
    """Whether there were any."""
    with transaction.atomic():
        theirs = Task.objects.filter(participants__user=user_id).select_for_update(of=("self",)).order_by("-id")
        found = list(theirs[:BATCH].prefetch_related("participants"))
        tasks.erase_tasks(tasks=[task for task in found if not tasks.leave_task(task=task, user_id=user_id)])
    return bool(found)


def log_about(*, user_id: UUID) -> QuerySet[LogEntry]:
    """What the admin's log has of the person and of their API tokens."""
    theirs = ApiToken.objects.filter(user=user_id).values(key=Cast("id", TextField()))
    return LogEntry.objects.filter(Q(object_id=str(user_id)) | Q(object_id__in=theirs))


def sweep() -> None:
    """Look again at who was erased lately: their session may live for a moment longer, somebody may have assigned them,
    and what was told of an API token may come late.
    """
    for_each(Erasure.objects.lately_done().values_list("user_id", flat=True), lambda key: forget_person(user_id=key))


def promised(*, user_id: UUID) -> bool:
    """Whether the person is prepared for erasure, or on the way, or erased; the caller holds their row."""
    return Erasure.objects.filter(user_id=user_id, state__in=Erasure.PROMISED).exists()


def place_hold(*, person: User, why: str, by: User) -> LegalHold:
    """Keep the person from being erased. Raises ValidationError with code `being_erased` if it is too late."""
    with transaction.atomic():
        _lock_person(person.pk)
        if promised(user_id=person.pk):
            raise ValidationError({"person": ValidationError("They are being erased already.", code="being_erased")})
        return LegalHold.objects.create(person=person, why=why, placed_by_id=by.pk)


def lift_holds(*, holds: Iterable[LegalHold]) -> None:
    LegalHold.objects.filter(pk__in=[hold.pk for hold in holds]).delete()


def _newer(event: events.ErasureEvent) -> Erasure | None:
    """Return our row, locked, if the event is newer than all that was heard of this erasure."""
    Erasure.objects.bulk_create([Erasure(id=event.id, user_id=event.user_id)], ignore_conflicts=True)
    erasure = Erasure.objects.select_for_update().filter(id=event.id, heard__lt=event.version).first()
    if erasure is not None:
        erasure.heard = event.version
    return erasure


def _answer(erasure: Erasure) -> None:
    erasure.told += 1
    erasure.save()
    if erasure.state == State.REFUSED:
        outbox.publish(
            events.ErasureRefused(id=erasure.id, version=erasure.told, user_id=erasure.user_id, reason=erasure.reason)
        )
        return
    event_type = events.ErasureDone if erasure.state == State.DONE else events.ErasurePrepared
    outbox.publish(event_type(id=erasure.id, version=erasure.told, user_id=erasure.user_id))


def _lock_person(user_id: UUID) -> None:
    """So that no hold comes between the rules and the promise. Whom we do not know can't be held."""
    User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
