"""A person's account, for them to see and change: where they are signed in, what acts for them, their data."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.generic import TemplateView

from common.models import ApiToken
from user_service.api_tokens import services as api_tokens
from user_service.erasure.models import Erasure
from user_service.erasure.services import request_erasure
from user_service.exports import services as exports
from user_service.exports.models import Export
from user_service.second_factor.models import SecondFactor
from user_service.tokens import services as tokens
from user_service.tokens.cookies import delete_cookies, sign_in
from user_service.tokens.models import Session
from user_service.tokens.pages import ACCOUNT_PATH, FormPage, OwnFormPage, SecretAddress, SignedInPage, safe_next
from user_service.users import services as users
from user_service.users.forms import OwnPasswordForm, RegistrationForm

ERASURE_PATH = f"{settings.LOGIN_URL}erasure/"
ERASURE_TITLES = dict.fromkeys(Erasure.RUNNING, "Your account is being deleted") | {
    Erasure.State.DONE: "Your account is deleted"
}
SESSIONS_SHOWN = 20  # a script that signs in by itself may leave thousands


class AccountPage(SignedInPage, TemplateView):
    http_method_names = ["get", "head", "options"]
    template_name = "account/account.html"
    extra_context = {"title": "Your account"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sessions = Session.objects.alive().filter(user=self.user)
        return super().get_context_data(**kwargs) | {
            "sessions": sessions.seen_from(self.session)[:SESSIONS_SHOWN],
            "more_sessions": max(sessions.count() - SESSIONS_SHOWN, 0),
            "factor": SecondFactor.objects.enabled().filter(user=self.user).first(),
            "api_tokens": ApiToken.objects.alive().filter(user=self.user).order_by("-id"),
            "export": Export.objects.alive().filter(user=self.user).first(),
        }


class RegistrationPage(FormPage):
    """Makes an account, and signs its person in."""

    form_class = RegistrationForm
    template_name = "account/registration.html"
    title = button = "Create an account"

    def form_valid(self, form: RegistrationForm) -> HttpResponse:
        user = users.register_user(**form.cleaned_data)
        return sign_in(self.request, user=user, to=safe_next(self.request))


class DeletionPage(OwnFormPage):
    form_class = OwnPasswordForm
    template_name = "account/deletion.html"
    title = button = "Delete your account"

    def form_valid(self, form: OwnPasswordForm) -> HttpResponse:
        started = request_erasure(user=form.user)
        return delete_cookies(HttpResponseRedirect(f"{ERASURE_PATH}?{urlencode({'key': started.key})}"))


class ErasurePage(SecretAddress, TemplateView):
    """What becomes of an account that was asked to be deleted, for whoever has the address."""

    http_method_names = ["get", "head", "options"]
    template_name = "account/erasure.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        erasure = get_object_or_404(Erasure.objects.with_key(self.request.GET.get("key", "")))
        title = ERASURE_TITLES.get(Erasure.State(erasure.state), "Your account was not deleted")
        return super().get_context_data(**kwargs) | {"title": title, "erasure": erasure}


class Action(SignedInPage):
    """A button of the account page, which one comes back to. Doing it twice is fine."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Who had to sign in first presses the button again."""
        return HttpResponseRedirect(ACCOUNT_PATH)


class EndSession(Action):
    def post(self, request: HttpRequest, session_id: UUID) -> HttpResponse:
        session = get_object_or_404(Session, pk=session_id, user=self.user)
        tokens.end(session=session)
        return self.done(f"{session.device} is signed out.")


class EndSessions(Action):
    def post(self, request: HttpRequest) -> HttpResponse:
        tokens.end_sessions(user=self.user)
        messages.success(request, "You are signed out everywhere.")
        return delete_cookies(HttpResponseRedirect(settings.LOGIN_URL))


class RevokeApiToken(Action):
    def post(self, request: HttpRequest, token_id: UUID) -> HttpResponse:
        token = get_object_or_404(ApiToken, pk=token_id, user=self.user)
        api_tokens.revoke_api_token(token=token)
        return self.done(f"The API token {token.name} is revoked.")


class RequestExport(Action):
    def post(self, request: HttpRequest) -> HttpResponse:
        exports.request_export(user=self.user)
        return self.done("Your data is being gathered.")
