"""What can be changed about tasks. Every function is one transaction that also publishes its event."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from common import events, outbox
from common.ids import time_of, uuid7
from common.inserts import insert
from common.models import OutboxEvent
from task_service.tasks.models import OPEN, Participant, Task
from task_service.user_mirror.models import User

Check = Callable[[Task], None]
PARENTS_LOCK = 7_237_164


def create_task(*, by: User, assignees: Sequence[User] = (), **fields: Any) -> Task:
    """Make a task of the person `by`; where their event has not come yet, their row is made from their token."""
    task_id = uuid7()
    task = Task(id=task_id, created_by=by, created_at=time_of(task_id), updated_at=time_of(task_id), **fields)
    _follow_status(task)
    participants = _participants(task, assignees)
    event = outbox.outbox_row(event_of(events.TaskCreated, task))
    insert([task, *participants, event], unless_there=[by])
    return task


def update_task(*, task: Task, changes: dict[str, Any], check: Check | None = None) -> Task:
    """Set the given fields (model fields and `assignees`) and return the fresh row.

    `check` sees the locked row before anything is written, and may raise. Changes that change nothing make no version
    and no event. Raises ValidationError on a parent that is the task itself or below it.
    """
    with transaction.atomic():
        return _apply(_lock(task, check), changes)


def complete_task(*, task: Task, check: Check | None = None) -> Task:
    """Set the status to done; a task that is done stays as it is."""
    return update_task(task=task, changes={"status": Task.Status.DONE}, check=check)


def reopen_task(*, task: Task, check: Check | None = None) -> Task:
    """Set the status to todo; a task that is open stays as it is."""
    with transaction.atomic():
        fresh = _lock(task, check)
        return fresh if fresh.status in OPEN else _apply(fresh, {"status": Task.Status.TODO})


def delete_task(*, task: Task, check: Check | None = None) -> Task:
    """Move the task to the trash."""
    with transaction.atomic():
        fresh = _lock(task, check)
        fresh.deleted_at = timezone.now()
        _save(fresh, events.TaskDeleted)
    return fresh


def leave_task(*, task: Task, user_id: UUID) -> bool:
    """Take the person out of a task, locked by the caller; say whether anybody is left to have it.

    What they created becomes the first assignee's, so that somebody may still delete it. Also in the trash.
    """
    others = list(User.objects.known().filter(pk__in=task.assignees).exclude(pk=user_id).order_by("pk"))
    if task.created_by_id != user_id:
        _apply(task, {"assignees": others})
    elif others:
        _apply(task, {"created_by": others[0], "assignees": others})
    else:
        return False
    return True


def erase_tasks(*, tasks: Sequence[Task]) -> None:
    """Delete for ever, each with a tombstone for its event; the caller holds their rows. What is below one moves up."""
    now, ids = timezone.now(), [task.pk for task in tasks]
    with transaction.atomic():
        for child in Task.objects.filter(parent__in=ids).exclude(pk__in=ids).select_for_update(no_key=True):
            _apply(child, {"parent": None})
        tombstones = [events.TaskErased(id=task.pk, version=task.version + 1, erased_at=now) for task in tasks]
        OutboxEvent.objects.bulk_create(map(outbox.outbox_row, tombstones))
        log = LogEntry.objects.filter(content_type__app_label="tasks", object_id__in=map(str, ids))
        log.update(object_repr="erased task")
        Task.objects.filter(pk__in=ids).delete()


def event_of(event_type: type[events.TaskEvent], task: Task) -> events.TaskEvent:
    return event_type(
        id=task.id,
        version=task.version,
        title=task.title,
        description=task.description,
        status=task.status,
        priority=task.priority,
        start_at=task.start_at,
        due_at=task.due_at,
        parent=task.parent_id,
        assignees=task.assignees,
        created_by=task.created_by_id,
        completed_at=task.completed_at,
        created_at=task.created_at,
        updated_at=task.updated_at,
        deleted_at=task.deleted_at,
    )


def _lock(task: Task, check: Check | None) -> Task:
    """Return the fresh row, locked: the event's number is given under this lock (law 3).

    Its key is not: a child that is added meanwhile has no need to wait. Raises Task.DoesNotExist if it is in the trash.
    """
    fresh = Task.objects.select_for_update(no_key=True).get(pk=task.pk, deleted_at=None)
    if check is not None:
        check(fresh)
    return fresh


def _apply(task: Task, changes: dict[str, Any]) -> Task:
    before = event_of(events.TaskUpdated, task)
    parent = changes.get("parent")
    if parent is not None and parent.pk != task.parent_id:
        _refuse_cycle(task, parent.pk)
    for field, value in changes.items():
        if field != "assignees":
            setattr(task, field, value)
    _follow_status(task)
    if "assignees" in changes:
        _set_participants(task, changes["assignees"])
    if event_of(events.TaskUpdated, task) != before:
        _save(task, _event_type(was_done=before.status == Task.Status.DONE, is_done=task.status == Task.Status.DONE))
    return task


def _save(task: Task, event_type: type[events.TaskEvent]) -> None:
    task.version += 1
    task.updated_at = timezone.now()
    task.save()
    outbox.publish(event_of(event_type, task))


def _event_type(*, was_done: bool, is_done: bool) -> type[events.TaskEvent]:
    if is_done and not was_done:
        return events.TaskCompleted
    return events.TaskReopened if was_done and not is_done else events.TaskUpdated


def _follow_status(task: Task) -> None:
    """completed_at is set while, and only while, the task is done."""
    if task.status != Task.Status.DONE:
        task.completed_at = None
    elif task.completed_at is None:
        task.completed_at = timezone.now()


def _set_participants(task: Task, assignees: Sequence[User]) -> None:
    rows = _participants(task, assignees)
    Participant.objects.filter(task=task).exclude(user__in=[row.user_id for row in rows]).delete()
    Participant.objects.bulk_create(
        rows, update_conflicts=True, update_fields=["is_assignee"], unique_fields=["user_id", "task_id"]
    )


def _participants(task: Task, assignees: Sequence[User]) -> list[Participant]:
    """Return the rows of the task's creator and assignees, and let the task show them."""
    assigned = {user.pk for user in assignees}
    people = sorted({task.created_by_id, *assigned})
    rows = [Participant(task=task, user_id=user_id, is_assignee=user_id in assigned) for user_id in people]
    task._prefetched_objects_cache = {"participants": rows}  # type: ignore[attr-defined]
    return rows


def _refuse_cycle(task: Task, parent_id: UUID) -> None:
    """Parents are moved one at a time: two moves at once could close a ring that neither sees."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PARENTS_LOCK])
        cursor.execute(
            "WITH RECURSIVE above AS (SELECT id, parent_id FROM tasks_task WHERE id = %s "
            "UNION SELECT t.id, t.parent_id FROM tasks_task t JOIN above ON t.id = above.parent_id) "
            "SELECT EXISTS (SELECT FROM above WHERE id = %s)",
            [parent_id, task.pk],
        )
        if cursor.fetchone()[0]:
            raise ValidationError(
                {"parent": ValidationError("A task can't be below itself.", code="cycle")},
            )
