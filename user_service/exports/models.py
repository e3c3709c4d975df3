from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.ids import uuid7

LIFE = timedelta(hours=24)


class ExportQuerySet(models.QuerySet["Export"]):
    def alive(self) -> "ExportQuerySet":
        return self.filter(expires_at__gt=Now())

    def expired(self) -> "ExportQuerySet":
        return self.filter(expires_at__lte=Now())


class Export(models.Model):
    """A person's copy of all that is held about them: one at a time, for a day."""

    class State(models.TextChoices):
        REQUESTED = "requested"
        READY = "ready"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="export")
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    requested_at = models.DateTimeField(db_default=Now())
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_default=Now() + LIFE)

    objects = ExportQuerySet.as_manager()

    class Meta:
        indexes = [models.Index("expires_at", name="exports_expiry")]
        constraints = [
            models.CheckConstraint(
                name="exports_ready",
                condition=Q(state="ready", ready_at__isnull=False) | Q(state="requested", ready_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.state})"


class Part(models.Model):
    """A piece of what task_service holds about the person."""

    pk = models.CompositePrimaryKey("export_id", "number")
    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.number} of {self.export_id}"
