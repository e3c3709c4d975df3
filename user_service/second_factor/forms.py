from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from user_service.users.models import User


class OwnForm(forms.Form):
    """What only the person knows; wrong ones are counted as at the sign-in."""

    def __init__(self, *args: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user = request, user

    def check(self, field: str, message: str, **credentials: Any) -> None:
        if authenticate(self.request, **credentials) is None:
            self.add_error(field, ValidationError(message))


class CodeForm(OwnForm):
    code = forms.CharField(
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}),
    )

    def clean(self) -> None:
        super().clean()
        if not self.errors:
            message = "This code is wrong, or was used before."
            self.check("code", message, person=self.user, code=self.cleaned_data["code"])


class BeginForm(OwnForm):
    password = forms.CharField(
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        self.check("password", "This is not your password.", username=self.user.username, password=password)
        return password


class TurnOffForm(CodeForm, BeginForm):
    field_order = ["password", "code"]
