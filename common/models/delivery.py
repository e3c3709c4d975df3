"""What makes delivery certain, and shows what went wrong with it."""

from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from common.ids import uuid7


class EventQuerySet(models.QuerySet[Any]):
    def change(self, **values: Any) -> list[int]:
        """Lock and update the rows, in their order; return the keys of those that still matched."""
        with transaction.atomic():
            keys = list(self.order_by("pk").select_for_update().values_list("pk", flat=True))
            self.model._base_manager.filter(pk__in=keys).update(**values)
        return keys


class OutboxEvent(models.Model):
    """An event that this service owes to the others. Written in the transaction of its change (law 1).

    The id is given while the aggregate's row is locked, so within an aggregate it follows the version.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        PARKED = "parked", "parked: an operator must look"
        DISCARDED = "discarded"

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(default=uuid7, editable=False)
    type = models.CharField(max_length=100)
    aggregate_id = models.UUIDField()
    version = models.BigIntegerField()
    envelope = models.TextField(help_text="CloudEvents 1.0 JSON, exactly as it is published")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField("sent or discarded at", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="empty: never failed, due now")
    error = models.TextField(default="", blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index("id", name="outbox_fresh", condition=models.Q(state="pending", next_attempt_at=None)),
            models.Index(
                "next_attempt_at",
                name="outbox_again",
                condition=models.Q(state="pending", next_attempt_at__isnull=False),
            ),
            models.Index(
                "aggregate_id",
                "id",
                name="outbox_failing",
                condition=models.Q(next_attempt_at__isnull=False) & ~models.Q(state="sent"),
            ),
            models.Index("sent_at", name="outbox_sent", condition=models.Q(state="sent")),
            models.Index("sent_at", name="outbox_discarded", condition=models.Q(state="discarded")),
            models.Index("id", name="outbox_parked", condition=models.Q(state="parked")),
        ]
        verbose_name = "outgoing event"

    def __str__(self) -> str:
        return f"{self.type} {self.aggregate_id} v{self.version}"

    @property
    def standing(self) -> str:
        """The state as an operator names it: what is pending waits for its first attempt, or is tried again."""
        if self.state == self.State.PENDING:
            return "retrying" if self.next_attempt_at else "waiting"
        return str(self.state)


class InboxEvent(models.Model):
    """An event that took effect here: its row is committed with the effect, and keeps a second delivery from one."""

    event_id = models.UUIDField(primary_key=True)
    type = models.CharField(max_length=100)
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index("received_at", name="inbox_received")]
        verbose_name = "incoming event"

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class FailedEvent(models.Model):
    """A message that took no effect here, kept whole: until it did, or until an operator discards it.

    Its body may be anything; what is told of it is empty where the body does not say.
    """

    class State(models.TextChoices):
        RETRYING = "retrying"
        DEAD = "dead", "dead: an operator must look"
        DONE = "done", "done: it took effect"
        DISCARDED = "discarded"

    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the body")
    body = models.BinaryField(help_text="exactly as it came")
    event_id = models.UUIDField(null=True)
    aggregate_id = models.UUIDField(null=True)
    type = models.CharField(max_length=100, default="")
    source = models.CharField(max_length=100, default="")
    request_id = models.CharField(max_length=200, default="")
    trace_id = models.CharField(max_length=32, default="")
    state = models.CharField(max_length=10, choices=State, default=State.RETRYING)
    attempts = models.PositiveSmallIntegerField(default=1)
    failed_at = models.DateTimeField("first failed at", db_default=Now())
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, help_text="when it was done or discarded")
    error = models.TextField()
    traceback = models.TextField(default="")

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index("next_attempt_at", name="failed_due", condition=models.Q(state="retrying")),
            models.Index("settled_at", name="failed_settled", condition=models.Q(settled_at__isnull=False)),
            models.Index("event_id", name="failed_event"),
            models.Index("state", "id", name="failed_state"),
            models.Index("failed_at", name="failed_at"),
            models.Index("aggregate_id", name="failed_aggregate"),
            models.Index("request_id", name="failed_request"),
            models.Index("trace_id", name="failed_trace"),
        ]
        verbose_name = "incoming failure"

    def __str__(self) -> str:
        return f"{self.type or 'unreadable message'} {self.event_id or self.digest[:12]}"

    @property
    def standing(self) -> str:
        return str(self.state)


class MirrorRun(models.Model):
    """A comparison of a mirror with its source, and what came of it. Written by mirror_runs.py."""

    class Kind(models.TextChoices):
        CHECK = "check", "Check"
        REPAIR = "repair", "Repair what differs"
        REBUILD = "rebuild", "Rebuild from the source"

    mirror = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.CHECK)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="empty: the schedule, or a command",
    )
    requested_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    compared = models.PositiveBigIntegerField(default=0, help_text="rows of the source")
    missing = models.PositiveBigIntegerField(default=0, help_text="rows of the source that were not here")
    unknown = models.PositiveBigIntegerField(default=0, help_text="rows here that the source does not have")
    different = models.PositiveBigIntegerField(default=0)
    repaired = models.PositiveBigIntegerField(default=0)
    found = models.TextField(default="", help_text="the first hundred, with their versions")
    error = models.TextField(default="")

    def __str__(self) -> str:
        return f"{self.kind} of {self.mirror}"

    @property
    def state(self) -> str:
        if self.finished_at is None:
            return "running" if self.started_at else "waiting"
        if self.error:
            return "failed"
        return "drift" if self.drift else "agrees"

    @property
    def drift(self) -> int:
        """Rows that are still not as at the source."""
        return self.missing + self.unknown + self.different - self.repaired
