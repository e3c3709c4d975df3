"""How a password comes in by the API."""

from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from user_service.users.backends import proves


class PasswordField(serializers.CharField):
    """Taken as it was typed, and never sent back."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=128, trim_whitespace=False, write_only=True, style={"input_type": "password"}, **kwargs
        )


class OwnPasswordField(PasswordField):
    """The password of who asks; a wrong one is counted as at the sign-in."""

    default_error_messages = {"password_incorrect": "This is not your password."}

    def run_validation(self, data: Any = empty) -> Any:
        value = super().run_validation(data)
        request = self.context["request"]
        if not proves(request._request, request.user, username=request.user.get_username(), password=value):
            self.fail("password_incorrect")
        return value
