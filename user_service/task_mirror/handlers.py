from common import events, mirrors
from user_service.task_mirror.models import MirroredTask


def mirror_task(event: events.TaskEvent) -> None:
    mirrors.upsert(
        MirroredTask(
            id=event.id,
            version=event.version,
            title=event.title,
            status=event.status,
            people=sorted({event.created_by, *event.assignees}),
            deleted_at=event.deleted_at,
        )
    )
