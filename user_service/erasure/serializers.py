from rest_framework import serializers

from common.serializers import ModelSerializer, Serializer
from user_service.erasure.models import Erasure
from user_service.tokens.serializers import check_own_password


class ErasureSerializer(ModelSerializer):
    """What becomes of an account, as whoever has its status URL may see it."""

    class Meta:
        model = Erasure
        fields = ["id", "state", "reason", "requested_at", "deadline", "committed_at", "finished_at"]
        read_only_fields = fields


class ErasureRequestSerializer(Serializer):
    password = serializers.CharField(
        max_length=128, trim_whitespace=False, write_only=True, style={"input_type": "password"}
    )

    def validate_password(self, value: str) -> str:
        return check_own_password(self.context["request"], value)
