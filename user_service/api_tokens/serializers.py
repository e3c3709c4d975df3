from datetime import datetime, timedelta

from django.utils import timezone
from rest_framework import serializers

from common.models import ApiToken
from common.serializers import ModelSerializer

LONGEST = timedelta(days=366)  # a year, whichever it is


class ApiTokenSerializer(ModelSerializer):
    scopes = serializers.MultipleChoiceField(choices=ApiToken.Scope.choices, allow_empty=False)

    class Meta:
        model = ApiToken
        fields = ["id", "name", "scopes", "expires_at", "created_at", "last_used_at"]
        read_only_fields = ["id", "created_at", "last_used_at"]
        extra_kwargs = {"expires_at": {"help_text": "At most a year (366 days) ahead."}}

    def validate_expires_at(self, value: datetime) -> datetime:
        now = timezone.now()
        if value <= now:
            raise serializers.ValidationError("Give a time in the future.", code="min_value")
        if value > now + LONGEST:
            raise serializers.ValidationError("Give a time at most a year ahead.", code="max_value")
        return value


class ApiTokenWithSecretSerializer(ApiTokenSerializer):
    token = serializers.CharField(read_only=True, help_text="The secret: tdm_ and 43 characters, shown this once.")

    class Meta(ApiTokenSerializer.Meta):
        fields = [*ApiTokenSerializer.Meta.fields, "token"]
