from django.db import models


class MirroredTask(models.Model):
    """What example_service knows of a task. Written only by its handlers; an erased one stays, without a title."""

    id = models.UUIDField(primary_key=True)
    version = models.PositiveBigIntegerField()
    title = models.CharField(max_length=500)
    status = models.CharField(max_length=20)
    deleted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.title
