from common import events
from common.mirrors import Mirror
from example_service.task_mirror.models import MirroredTask


@Mirror
def mirror_task(event: events.TaskEvent) -> MirroredTask:
    return MirroredTask(
        id=event.id,
        version=event.version,
        title=event.title,
        status=event.status,
        deleted_at=event.deleted_at,
    )


@Mirror
def bury_task(event: events.TaskErased) -> MirroredTask:
    return MirroredTask(id=event.id, version=event.version, deleted_at=event.erased_at)
