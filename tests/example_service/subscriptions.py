"""What example_service hears: event → effect; and which of its rows are mirrors of another service's."""

from django.utils import timezone

from common import events
from common.mirrors import Mirrored
from example_service.task_mirror.handlers import bury_task, mirror_task
from example_service.task_mirror.models import MirroredTask

SUBSCRIPTIONS = {
    events.TaskCreated: mirror_task,
    events.TaskUpdated: mirror_task,
    events.TaskCompleted: mirror_task,
    events.TaskReopened: mirror_task,
    events.TaskDeleted: mirror_task,
    events.TaskErased: bury_task,
}

MIRRORS = [
    Mirrored(
        name="tasks",
        source="task_service",
        rows=MirroredTask.objects.exclude(title=""),
        fields=["title", "status", "deleted_at"],
        tombstone=lambda key, version: events.TaskErased(id=key, version=version, erased_at=timezone.now()),
    ),
]
