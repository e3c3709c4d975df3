"""A new password in the browser: from the old one, or by a mailed link for who has forgotten it."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from user_service.tokens.cookies import delete_cookies
from user_service.tokens.pages import FormPage, OwnFormPage, SecretAddress
from user_service.users import reset_tokens
from user_service.users import services as users
from user_service.users.backends import proves
from user_service.users.forms import NewPasswordField
from user_service.users.models import User


class PasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        """Count a wrong one as at the sign-in."""
        password: str = self.cleaned_data["old_password"]
        if not proves(self.request, self.user, username=self.user.get_username(), password=password):
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return password


class PasswordPage(OwnFormPage):
    """Ends the person's other sign-ins; this one stays."""

    form_class = PasswordForm
    title = button = "Change the password"

    def form_valid(self, form: PasswordForm) -> HttpResponse:
        users.set_password(user=form.user, password=form.cleaned_data["new_password1"], keep=self.session)
        return self.done("Your password is changed. Your other devices are signed out.")


class ForgotForm(forms.Form):
    email = forms.EmailField(label="E-mail", max_length=254)


class ForgotPage(FormPage):
    form_class = ForgotForm
    title = "Forgot your password?"
    button = "Send me a link"

    def form_valid(self, form: ForgotForm) -> HttpResponse:
        users.request_password_reset(email=form.cleaned_data["email"])
        return render(self.request, "tokens/link_sent.html", {"title": "Look into your mail"})


class ResetForm(forms.Form):
    token = forms.CharField(
        max_length=200, widget=forms.HiddenInput, error_messages={"required": "This link is incomplete."}
    )
    new_password = NewPasswordField()


class ResetPage(SecretAddress, FormPage):
    form_class = ResetForm
    template_name = "tokens/reset.html"
    title = button = "Set a new password"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A link that is good no more says so before a new password is thought of."""
        if reset_tokens.owner_of(request.GET.get("token", ""), User.objects.active()) is None:
            return render(request, "tokens/link_void.html", {"title": "This link is good no more"})
        return super().get(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        return {"token": self.request.GET.get("token", "")}

    def form_valid(self, form: ResetForm) -> HttpResponse:
        fields = form.cleaned_data
        users.reset_password(token=fields["token"], password=fields["new_password"])
        messages.success(self.request, "Your new password is set: sign in with it. Your other devices are signed out.")
        return delete_cookies(HttpResponseRedirect(settings.LOGIN_URL))
