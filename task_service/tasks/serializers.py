from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from common.serializers import ModelSerializer
from task_service.tasks.models import Task
from task_service.user_mirror.models import User

MAX_ASSIGNEES = 50


class ParentField(serializers.PrimaryKeyRelatedField[Task]):
    def get_queryset(self) -> QuerySet[Task]:
        return Task.objects.visible_to(self.context["request"].user.pk).in_place()


class AssigneeField(serializers.PrimaryKeyRelatedField[User]):
    def to_representation(self, value: Any) -> Any:
        return getattr(value, "pk", value)  # a task holds its assignees' ids


class TaskSerializer(ModelSerializer):
    """The task as it is on the wire, in what is answered and in what is sent."""

    parent = ParentField(allow_null=True, required=False, html_cutoff=100)  # type: ignore[assignment]
    assignees = AssigneeField(many=True, queryset=User.objects.all(), required=False, html_cutoff=100)
    created_by = serializers.UUIDField(source="created_by_id", read_only=True)

    class Meta:
        model = Task
        fields = [
            "id", "title", "description", "status", "priority", "start_at", "due_at", "parent", "assignees",
            "created_by", "completed_at", "created_at", "updated_at", "deleted_at", "version",
        ]  # fmt: skip
        read_only_fields = ["id", "completed_at", "created_at", "updated_at", "deleted_at", "version"]

    def validate_assignees(self, assignees: list[User]) -> list[User]:
        if len(assignees) > MAX_ASSIGNEES:
            raise serializers.ValidationError(f"At most {MAX_ASSIGNEES} people.", code="max_length")
        return assignees


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
