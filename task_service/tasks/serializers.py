from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from common.serializers import ModelSerializer
from task_service.tasks.models import MAX_ASSIGNEES, Task
from task_service.user_mirror.models import User

FORM_CHOICES = 100


class ParentField(serializers.PrimaryKeyRelatedField[Task]):
    """A task that the person sees, or the parent that the task has already."""

    def get_queryset(self) -> QuerySet[Task]:
        return Task.objects.visible_to(self.context["request"].user.pk).in_place().order_by("-pk")

    def to_internal_value(self, data: Any) -> Task:
        now: Task | None = getattr(self.root.instance, "parent", None)
        return now if now is not None and data == str(now.pk) else super().to_internal_value(data)

    def get_choices(self, cutoff: int | None = None) -> dict[Any, Any]:
        """A form that does not offer what is chosen now would take it away; who can't see it sees its id alone."""
        now = getattr(self.root.instance, "parent_id", None)
        return ({now: str(now)} if now else {}) | super().get_choices(cutoff)


class AssigneeField(serializers.PrimaryKeyRelatedField[User]):
    def get_queryset(self) -> QuerySet[User]:
        return User.objects.known().order_by("username")

    def to_representation(self, value: Any) -> Any:
        return getattr(value, "pk", value)  # a task holds its assignees' ids

    def get_choices(self, cutoff: int | None = None) -> dict[Any, Any]:
        now = User.objects.in_bulk(getattr(self.root.instance, "assignees", []))
        return {key: str(person) for key, person in now.items()} | super().get_choices(cutoff)


@extend_schema_field({"type": "array", "items": {"type": "string", "format": "uuid"}, "maxItems": MAX_ASSIGNEES})
class AssigneesField(serializers.ManyRelatedField):
    """People by their ids, found with one query."""

    ids: Any = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_ASSIGNEES)

    def to_internal_value(self, data: Any) -> list[User]:
        ids = self.ids.run_validation(data)
        known = User.objects.known().in_bulk(ids)
        unknown = [ErrorDetail("Nobody has this id.", "does_not_exist")]
        errors: Any = {place: unknown for place, key in enumerate(ids) if key not in known}
        if errors:
            raise serializers.ValidationError(errors)
        return [known[key] for key in ids]


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A task",
            value={"title": "Pay the rent", "priority": "high", "due_at": "2030-12-01T09:00:00Z"},
            request_only=True,
        )
    ]
)
class TaskSerializer(ModelSerializer):
    """The task as it is on the wire, in what is answered and in what is sent."""

    parent = ParentField(allow_null=True, required=False, html_cutoff=FORM_CHOICES)  # type: ignore[assignment]
    assignees = AssigneesField(child_relation=AssigneeField(), required=False, html_cutoff=FORM_CHOICES)  # type: ignore[call-arg]
    created_by = serializers.UUIDField(source="created_by_id", read_only=True)

    class Meta:
        model = Task
        fields = [
            "id", "title", "description", "status", "priority", "start_at", "due_at", "parent", "assignees",
            "created_by", "completed_at", "created_at", "updated_at", "deleted_at", "version",
        ]  # fmt: skip
        read_only_fields = ["id", "completed_at", "created_at", "updated_at", "deleted_at", "version"]
        validators: list[Any] = []  # DRF would look for unique constraints anew with every task


REPLACED: dict[str, Any] = {
    "description": "",
    "status": Task.Status.TODO,
    "priority": Task.Priority.NONE,
    "start_at": None,
    "due_at": None,
    "parent": None,
    "assignees": [],
}
"""What a PUT that leaves a field out sets it to."""
