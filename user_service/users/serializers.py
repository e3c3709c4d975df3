from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.serializers import ModelSerializer
from user_service.task_mirror.models import MirroredTask
from user_service.users.fields import PasswordField
from user_service.users.models import User


class RegistrationSerializer(ModelSerializer):
    password = PasswordField()

    class Meta:
        model = User
        fields = ["id", "username", "email", "password", "display_name", "time_zone", "created_at"]
        read_only_fields = ["id", "time_zone", "created_at"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        person = User(**{field: value for field, value in attrs.items() if field != "password"})
        try:
            validate_password(attrs["password"], person)
        except ValidationError as error:
            raise ValidationError({"password": error}) from error
        return attrs


class PersonSerializer(ModelSerializer):
    """What everybody may know of a person."""

    class Meta:
        model = User
        fields = ["id", "username", "display_name"]


class TaskCountsSerializer(serializers.Serializer[Any]):
    open = serializers.IntegerField()
    done = serializers.IntegerField()


class MeSerializer(ModelSerializer):
    task_counts = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ["id", "username", "email", "display_name", "time_zone", "is_staff", "task_counts"]
        read_only_fields = ["id", "username", "email", "is_staff"]

    @extend_schema_field(TaskCountsSerializer)
    def get_task_counts(self, user: User) -> dict[str, int]:
        counts: dict[str, int] = self.context.get("task_counts") or MirroredTask.objects.counts_of(user.pk)
        return counts
