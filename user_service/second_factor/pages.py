"""The HTML side of the second factor: the second step of the sign-in, and where a person turns it on or off."""

from typing import Any
from urllib.parse import urlencode

import segno
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.crypto import constant_time_compare

from user_service.second_factor import first_step, services
from user_service.second_factor.forms import CodeForm, TurnOffForm
from user_service.second_factor.models import SecondFactor
from user_service.tokens.cookies import sign_in
from user_service.tokens.models import Session
from user_service.tokens.pages import FormPage, OwnFormPage, safe_next
from user_service.users.forms import OwnPasswordForm

SET_UP_PATH = f"{settings.LOGIN_URL}second-factor/"


def by_way_of_sign_in(request: HttpRequest) -> str:
    """Return a way to `next` on which the browser's access token is renewed: it then says what the session is now."""
    return f"{settings.LOGIN_URL}?{urlencode({'next': safe_next(request)})}"


class CodePage(FormPage):
    """The second step, for whoever the first one found."""

    form_class = CodeForm
    template_name = "second_factor/code.html"
    title, button = "One more step", "Sign in"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.person = first_step.recall(request)
        if self.person is None:
            return HttpResponseRedirect(by_way_of_sign_in(request))
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request, "user": self.person}

    def form_valid(self, form: CodeForm) -> HttpResponse:
        response = sign_in(self.request, user=form.user, to=safe_next(self.request), second_factor=True)
        first_step.forget(response)
        return response


class EnrolmentPage(OwnFormPage):
    for_restricted = True

    def show_enrolment(self, enrolment: services.Enrolment, form: CodeForm) -> HttpResponse:
        context = self.get_context_data(form=form) | {
            "title": "Scan this with your app",
            "button": "Turn on",
            "secret": enrolment.secret,
            "uri": enrolment.uri,
            "qr": segno.make(enrolment.uri).svg_inline(scale=5, light="white"),
        }
        return render(self.request, "second_factor/enrolment.html", context)


class SecondFactorPage(EnrolmentPage):
    """Turns it on, in two steps, or off. Who must have one to go on is sent here."""

    title = "Second factor"
    template_name = "second_factor/state.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A session that has used one, with an access token of before, needs a new token only."""
        stale = "mfa" not in request.access_token.get("amr", [])  # type: ignore[attr-defined]
        if stale and "next" in request.GET and Session.objects.filter(id=self.session, second_factor=True).exists():
            return HttpResponseRedirect(by_way_of_sign_in(request))
        return super().get(request, *args, **kwargs)

    @property
    def factor(self) -> SecondFactor | None:
        return SecondFactor.objects.enabled().filter(user=self.request.user.pk).first()

    def get_form_class(self) -> Any:
        return TurnOffForm if self.factor else OwnPasswordForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        factor = self.factor
        return super().get_context_data(factor=factor, **kwargs) | {"button": "Turn off" if factor else "Begin"}

    def form_valid(self, form: OwnPasswordForm) -> HttpResponse:
        if isinstance(form, TurnOffForm):
            services.turn_off(user=form.user, session=self.session)
            messages.success(self.request, "Your second factor is off. Your other devices are signed out.")
            return HttpResponseRedirect(by_way_of_sign_in(self.request))
        enrolment = services.begin(user=form.user)
        return self.show_enrolment(enrolment, CodeForm(request=self.request, user=form.user))


class RecoveryCodesPage(OwnFormPage):
    """Takes a code, and shows new recovery codes once."""

    form_class = CodeForm
    template_name = "second_factor/new_codes.html"
    title, button = "New recovery codes", "Make new codes"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not SecondFactor.objects.guards(self.user):
            return HttpResponseRedirect(SET_UP_PATH)
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        codes = services.renew_recovery_codes(user=form.user)
        context = {"title": "Your new recovery codes", "codes": codes, "onward": safe_next(self.request)}
        return render(self.request, "second_factor/recovery_codes.html", context)


class TurnOnPage(EnrolmentPage):
    """Takes the app's first code, and shows the recovery codes once."""

    form_class = CodeForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(f"{SET_UP_PATH}?{urlencode({'next': safe_next(request)})}")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.enrolment = services.begun(user=request.user)  # type: ignore[arg-type]
        if self.enrolment is None:
            return self.get(request)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: CodeForm) -> HttpResponse:
        """The secret is shown again to who has seen it: it took the password to see it first."""
        assert self.enrolment  # noqa: S101 - post() has looked
        if not constant_time_compare(self.request.POST.get("secret", ""), self.enrolment.secret):
            return self.get(self.request)
        return self.show_enrolment(self.enrolment, form)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        codes = services.turn_on(user=form.user, session=self.session)
        context = {"title": "Your second factor is on", "codes": codes, "onward": by_way_of_sign_in(self.request)}
        return render(self.request, "second_factor/recovery_codes.html", context)
