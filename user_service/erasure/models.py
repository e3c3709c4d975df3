from hashlib import sha256
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.ids import uuid7


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def running(self) -> Self:
        return self.filter(state__in=Erasure.RUNNING)

    def overdue(self) -> Self:
        """By the database's clock, like every decision about a deadline."""
        return self.filter(state=Erasure.State.REQUESTED, deadline__lte=Now())

    def with_key(self, key: str) -> Self:
        return self.filter(digest=digest(key))


class Erasure(models.Model):
    """The end of an account, decided once: see docs/erasure.md. It outlives the person, and holds nothing of them."""

    class State(models.TextChoices):
        REQUESTED = "requested"
        COMMITTED = "committed"
        DONE = "done"
        REFUSED = "refused"
        EXPIRED = "expired"
        CANCELLED = "cancelled"

    RUNNING = (State.REQUESTED, State.COMMITTED)
    FORWARD = (State.COMMITTED, State.DONE)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.CharField(max_length=64, unique=True, help_text="of the status resource's key")
    user_id = models.UUIDField(db_index=True)
    was_active = models.BooleanField(help_text="before it: what compensation goes back to")
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    reason = models.TextField(blank=True, default="", help_text="why it was not done, as the person may read it")
    version = models.PositiveBigIntegerField(default=0, help_text="of the last event about it")
    requested_at = models.DateTimeField(db_default=Now())
    deadline = models.DateTimeField(help_text="by when the others must have answered")
    committed_at = models.DateTimeField(null=True, help_text="when the point of no return was passed")
    finished_at = models.DateTimeField(null=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        indexes = [models.Index("deadline", name="erasure_overdue", condition=Q(state="requested"))]
        constraints = [
            models.UniqueConstraint(
                "user_id", name="erasure_one_running", condition=Q(state__in=["requested", "committed"])
            ),
            models.CheckConstraint(
                name="erasure_one_way",
                condition=Q(state__in=["committed", "done"], committed_at__isnull=False)
                | Q(state__in=["requested", "refused", "expired", "cancelled"], committed_at=None),
            ),
            models.CheckConstraint(
                name="erasure_finished",
                condition=Q(state__in=["requested", "committed"], finished_at=None)
                | Q(state__in=["done", "refused", "expired", "cancelled"], finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.state})"
