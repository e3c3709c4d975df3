from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Count, Q

OPEN = ("todo", "in_progress")
DONE = "done"


class MirroredTaskQuerySet(models.QuerySet["MirroredTask"]):
    def not_erased(self) -> "MirroredTaskQuerySet":
        """Without the tombstones, which are nobody's; what is only in the trash has its people."""
        return self.exclude(people=[])

    def counts_of(self, user_id: UUID) -> dict[str, int]:
        """Return {"open": n, "done": n} over the tasks that the person created or is assigned to."""
        return self.filter(people__contains=[user_id], deleted_at=None).aggregate(
            open=Count("id", filter=Q(status__in=OPEN)), done=Count("id", filter=Q(status=DONE))
        )


class MirroredTask(models.Model):
    """What user_service knows of a task. Written only by its handler; a deleted task stays as a tombstone."""

    id = models.UUIDField(primary_key=True)
    version = models.PositiveBigIntegerField()
    title = models.CharField(max_length=500)
    status = models.CharField(max_length=20)
    people = ArrayField(models.UUIDField(), help_text="its creator and its assignees")
    deleted_at = models.DateTimeField(null=True)

    objects = MirroredTaskQuerySet.as_manager()

    class Meta:
        indexes = [GinIndex("people", name="task_mirror_people")]

    def __str__(self) -> str:
        return self.title
