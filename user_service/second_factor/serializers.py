from typing import Any

from django.contrib.auth import authenticate
from rest_framework import serializers

from common.serializers import Serializer
from user_service.users.fields import OwnPasswordField


class StateSerializer(Serializer):
    enabled = serializers.BooleanField(read_only=True)
    recovery_codes_left = serializers.IntegerField(read_only=True)


class EnrolmentSerializer(Serializer):
    secret = serializers.CharField(read_only=True, help_text="to type into an authenticator app")
    uri = serializers.CharField(read_only=True, help_text="otpauth://…, the same as a QR code holds")


class RecoveryCodesSerializer(Serializer):
    recovery_codes = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="shown once")


class BeginSerializer(Serializer):
    password = OwnPasswordField()


class CodeSerializer(Serializer):
    code = serializers.CharField(max_length=32, write_only=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Use the code, when all else is right."""
        request = self.context["request"]
        if authenticate(request._request, person=request.user, code=attrs["code"]) is None:
            error = serializers.ErrorDetail("This code is wrong, or was used before.", "code_incorrect")
            raise serializers.ValidationError({"code": [error]})
        return attrs


class TurnOffSerializer(CodeSerializer, BeginSerializer):
    code = serializers.CharField(max_length=32, write_only=True, help_text="of the app, or a recovery code")
