from common.serializers import ModelSerializer, Serializer
from user_service.erasure.models import Erasure
from user_service.users.fields import OwnPasswordField


class ErasureSerializer(ModelSerializer):
    """What becomes of an account, as whoever has its status URL may see it."""

    class Meta:
        model = Erasure
        fields = ["id", "state", "reason", "requested_at", "deadline", "committed_at", "finished_at"]
        read_only_fields = fields


class ErasureRequestSerializer(Serializer):
    password = OwnPasswordField()
