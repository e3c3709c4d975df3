from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers
from rest_framework.request import Request

from common.authentication import session_id
from common.serializers import ModelSerializer, Serializer
from user_service.tokens.models import Session


def check_own_password(request: Request, value: str) -> str:
    """Return what was sent if it is the password of who asks; a wrong one is counted as at the sign-in."""
    if authenticate(request._request, username=request.user.get_username(), password=value) is None:
        raise serializers.ValidationError("This is not your password.", code="password_incorrect")
    return value


class SignInSerializer(Serializer):
    username = serializers.CharField(max_length=254, help_text="or the e-mail address")
    password = serializers.CharField(max_length=128, trim_whitespace=False, style={"input_type": "password"})
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
    new_password = serializers.CharField(
        max_length=128, trim_whitespace=False, write_only=True, style={"input_type": "password"}
    )


class PasswordSerializer(Serializer):
    current_password = serializers.CharField(
        max_length=128, trim_whitespace=False, write_only=True, style={"input_type": "password"}
    )
    new_password = serializers.CharField(
        max_length=128, trim_whitespace=False, write_only=True, style={"input_type": "password"}
    )

    def validate_current_password(self, value: str) -> str:
        return check_own_password(self.context["request"], value)

    def validate_new_password(self, value: str) -> str:
        try:
            validate_password(value, self.context["request"].user)
        except DjangoValidationError as error:
            raise serializers.ValidationError(serializers.as_serializer_error(error)["non_field_errors"]) from error
        return value
