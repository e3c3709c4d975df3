"""What people type about themselves, on the pages."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from user_service.users.backends import proves
from user_service.users.models import User
from user_service.users.serializers import RegistrationSerializer


class OwnForm(forms.Form):
    """What only the person knows; wrong ones are counted as at the sign-in."""

    def __init__(self, *args: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user = request, user

    def check(self, field: str, message: str, **credentials: Any) -> None:
        if not proves(self.request, self.user, **credentials):
            self.add_error(field, ValidationError(message))


class OwnPasswordForm(OwnForm):
    password = forms.CharField(
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        self.check("password", "This is not your password.", username=self.user.username, password=password)
        return password


class NewPasswordField(forms.CharField):
    """Says what makes a good one; whether it is, is checked where the person is known."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        super().__init__(
            max_length=128, strip=False, widget=widget, help_text=password_validators_help_text_html(), **kwargs
        )


class RegistrationForm(forms.Form):
    username = forms.CharField(
        max_length=150,
        help_text="Letters, digits and . + - _ only.",
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    email = forms.EmailField(max_length=254, label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = NewPasswordField()
    display_name = forms.CharField(max_length=150, required=False, help_text="Optional: what others see you as.")

    def clean(self) -> None:
        """What the API refuses is refused here."""
        if self.errors:
            return
        serializer = RegistrationSerializer(data=self.cleaned_data)
        if not serializer.is_valid():
            for field, errors in serializer.errors.items():
                self.add_error(field, [str(error) for error in errors])
