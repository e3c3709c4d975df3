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

    def gathered(self) -> "ExportQuerySet":
        """Every part is there, and the archive is still to be made."""
        return self.filter(state=Export.State.REQUESTED, gathered_at__isnull=False)


class Export(models.Model):
    """A person's copy of all that is held about them: one at a time, for a day."""

    class State(models.TextChoices):
        REQUESTED = "requested"
        READY = "ready"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="export")
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    requested_at = models.DateTimeField(db_default=Now())
    gathered_at = models.DateTimeField(null=True, help_text="when the last part came")
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_default=Now() + LIFE)

    objects = ExportQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index("expires_at", name="exports_expiry"),
            models.Index("id", name="exports_gathered", condition=Q(state="requested", gathered_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="exports_ready",
                condition=Q(state="ready", ready_at__isnull=False) | (~Q(state="ready") & Q(ready_at=None)),
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.state})"


class Archive(models.Model):
    """The ZIP, in a row of its own, so that nobody reads it who only looks how the export stands."""

    export = models.OneToOneField(Export, on_delete=models.CASCADE, primary_key=True)
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"of {self.export_id}"


class Part(models.Model):
    """A piece of what task_service holds about the person, until the archive is made."""

    pk = models.CompositePrimaryKey("export_id", "number")
    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.number} of {self.export_id}"
