"""What task_service can tell again: name → rows, and the event that says what a row is now."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from common import events
from common.snapshots import Snapshot
from task_service.tasks.models import Participant, Task
from task_service.tasks.services import event_of

PEOPLE = ArraySubquery(Participant.objects.filter(task=OuterRef("pk")).order_by("user_id").values("user_id"))
FIELDS = [
    *("title", "description", "status", "priority", "start_at", "due_at", "parent_id", "created_by_id"),
    *("completed_at", "created_at", "updated_at", "deleted_at"),
]

SNAPSHOTS = {
    "tasks": Snapshot(
        rows=Task.objects.defer("search").prefetch_related("participants").annotate(people=PEOPLE),
        event_of=lambda task: event_of(events.TaskUpdated, task),
        fields=[*FIELDS, "people"],
    ),
}
