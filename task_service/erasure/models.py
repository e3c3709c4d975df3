from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

WATCHED = timedelta(minutes=15)  # longer than an access token is good


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def committed(self) -> Self:
        return self.filter(state=Erasure.State.COMMITTED)

    def lately_done(self) -> Self:
        return self.filter(state=Erasure.State.DONE, done_at__gt=Now() - WATCHED)


class Erasure(models.Model):
    """Our part in the erasure of a person. The row stays, so that what comes late or twice is known to be old."""

    class State(models.TextChoices):
        PREPARED = "prepared"
        REFUSED = "refused"
        CANCELLED = "cancelled"
        COMMITTED = "committed"
        DONE = "done"

    PROMISED = (State.PREPARED, State.COMMITTED, State.DONE)

    id = models.UUIDField(primary_key=True)
    user = models.ForeignKey(  # who may never have been mirrored
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, related_name="erasures"
    )
    state = models.CharField(max_length=10, choices=State, default=State.CANCELLED, help_text="nothing is promised yet")
    reason = models.TextField(blank=True, default="")
    heard = models.PositiveBigIntegerField(default=0, help_text="version of user_service's last event")
    told = models.PositiveBigIntegerField(default=0, help_text="version of our last answer")
    done_at = models.DateTimeField(null=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index("done_at", name="erasure_done"),
            models.Index("id", name="erasure_committed", condition=models.Q(state="committed")),
        ]
        constraints = [
            models.CheckConstraint(
                name="erasure_done_has_its_time",
                condition=models.Q(state="done", done_at__isnull=False)
                | (~models.Q(state="done") & models.Q(done_at=None)),
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.state})"


class LegalHold(models.Model):
    """A person's data has to be kept: they can't be erased until the hold is lifted."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="legal_holds")
    why = models.TextField(max_length=2000, help_text="For operators only: the person is told that there is a hold.")
    since = models.DateTimeField(db_default=Now(), editable=False)
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)

    def __str__(self) -> str:
        return f"hold on {self.person_id}"
