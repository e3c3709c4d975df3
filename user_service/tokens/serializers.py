from django.contrib.auth.password_validation import validate_password
from rest_framework import serializers

from common.authentication import session_id
from common.serializers import ModelSerializer, Serializer
from user_service.tokens.models import Session
from user_service.users.fields import OwnPasswordField, PasswordField


class SignInSerializer(Serializer):
    username = serializers.CharField(max_length=254, help_text="or the e-mail address")
    password = PasswordField()
    code = serializers.CharField(
        max_length=32,
        required=False,
        allow_blank=True,
        help_text="of the second factor, if you have one: of the app, or a recovery code",
    )


class RefreshSerializer(Serializer):
    refresh = serializers.CharField(max_length=4096)


class PairSerializer(Serializer):
    access = serializers.CharField(read_only=True, help_text="JWT, 10 minutes")
    refresh = serializers.CharField(read_only=True, help_text="JWT, 14 days, for one use")


class SessionSerializer(ModelSerializer):
    """A signed-in device."""

    current = serializers.SerializerMethodField(help_text="the one that asks")

    class Meta:
        model = Session
        fields = ["id", "created_at", "last_used_at", "user_agent", "ip", "current"]
        read_only_fields = fields

    def get_current(self, session: Session) -> bool:
        return session.id == session_id(self.context["request"].auth)


class ResetRequestSerializer(Serializer):
    email = serializers.EmailField(max_length=254)


class ResetSerializer(Serializer):
    token = serializers.CharField(max_length=200, write_only=True, help_text="from the mail; good once, for an hour")
    new_password = PasswordField()


class PasswordSerializer(Serializer):
    current_password = OwnPasswordField()
    new_password = PasswordField()

    def validate_new_password(self, value: str) -> str:
        validate_password(value, self.context["request"].user)
        return value
