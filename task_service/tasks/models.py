from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from common.ids import uuid7

OPEN = ("todo", "in_progress")
CALENDAR = [
    MinValueValidator(datetime(1900, 1, 1, tzinfo=UTC), "Give a time from the year 1900 on."),
    MaxValueValidator(datetime(9000, 1, 1, tzinfo=UTC), "Give a time before the year 9000."),
]
MAX_ASSIGNEES = 50
NO_DATE = datetime(9999, 1, 1, tzinfo=UTC)  # sorts what has no date behind everything that has one


class TaskQuerySet(models.QuerySet["Task"]):
    def visible_to(self, user_id: Any) -> Self:
        """Tasks that the person created or is assigned to, with `place`, the key that they are paged by.

        `place` is the task's id in the person's own index: a page reads just its rows, whatever the table holds.
        """
        return self.filter(participants__user=user_id).annotate(place=F("participants__task_id"))

    def in_place(self) -> Self:
        return self.filter(deleted_at=None)

    def trashed(self) -> Self:
        return self.filter(deleted_at__isnull=False)

    def open(self) -> Self:
        return self.filter(status__in=OPEN)

    def overdue(self) -> Self:
        return self.open().filter(due_at__lt=Now())

    def assigned_to(self, user_id: UUID) -> Self:
        assigned = Participant.objects.filter(user_id=user_id, is_assignee=True)
        return self.filter(id__in=assigned.values("task_id"))

    def matching(self, text: str) -> Self:
        """Full text search in title and description, with the syntax of a web search: words, "a phrase", or, -not."""
        return self.filter(search=SearchQuery(text, search_type="websearch", config="english"))


class Task(models.Model):
    """A task. Written only by tasks.services, so that every change has its version and its event."""

    class Status(models.TextChoices):
        TODO = "todo", "To do"
        IN_PROGRESS = "in_progress", "In progress"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    class Priority(models.TextChoices):
        NONE = "none", "None"
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"
        URGENT = "urgent", "Urgent"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    title = models.CharField(max_length=500)
    description = models.TextField(blank=True, default="", max_length=100_000)
    status = models.CharField(max_length=20, choices=Status, default=Status.TODO)
    priority = models.CharField(max_length=20, choices=Priority, default=Priority.NONE)
    start_at = models.DateTimeField(null=True, blank=True, validators=CALENDAR)
    due_at = models.DateTimeField(null=True, blank=True, validators=CALENDAR)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False, db_index=False
    )
    completed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False, help_text="the moment in the id: both give one order")
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="when it went to the trash")
    version = models.PositiveBigIntegerField(default=1, editable=False)
    search = models.GeneratedField(
        expression=SearchVector("title", "description", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="tasks_completed_when_done",
                condition=Q(status="done", completed_at__isnull=False) | (~Q(status="done") & Q(completed_at=None)),
            ),
        ]
        indexes = [GinIndex("search", name="tasks_search")]

    def __str__(self) -> str:
        return self.title

    @property
    def assignees(self) -> list[UUID]:
        return sorted(p.user_id for p in self.participants.all() if p.is_assignee)


class Participant(models.Model):
    """Whom a task is visible to: its creator and its assignees, each with one row."""

    pk = models.CompositePrimaryKey("user_id", "task_id")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="participants")
    is_assignee = models.BooleanField()

    def __str__(self) -> str:
        return f"{self.user_id} on {self.task_id}"


PRIORITY_RANK = models.Case(
    *(models.When(priority=priority, then=Value(rank)) for rank, priority in enumerate(Task.Priority.values)),
    output_field=models.IntegerField(),
)
