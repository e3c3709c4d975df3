"""What user_service hears: event → effect; and which of its rows are mirrors of another service's."""

from django.utils import timezone

from common import events
from common.mirrors import Mirrored
from user_service.api_tokens.handlers import note_use
from user_service.erasure.handlers import commit_erasure, finish_erasure, refuse_erasure
from user_service.exports.handlers import fail_export, keep_part
from user_service.task_mirror.handlers import bury_task, mirror_task
from user_service.task_mirror.models import MirroredTask

SUBSCRIPTIONS = {
    events.TaskCreated: mirror_task,
    events.TaskUpdated: mirror_task,
    events.TaskCompleted: mirror_task,
    events.TaskReopened: mirror_task,
    events.TaskDeleted: mirror_task,
    events.ApiTokenUsed: note_use,
    events.TaskErased: bury_task,
    events.ErasurePrepared: commit_erasure,
    events.ErasureRefused: refuse_erasure,
    events.ErasureDone: finish_erasure,
    events.ExportPart: keep_part,
    events.ExportFailed: fail_export,
}

MIRRORS = [
    Mirrored(
        name="tasks",
        source="task_service",
        rows=MirroredTask.objects.not_erased(),
        fields=["title", "status", "people", "deleted_at"],
        tombstone=lambda key, version: events.TaskErased(id=key, version=version, erased_at=timezone.now()),
    ),
]
