"""The HTML sign-in of the browsable APIs and both admins: the tokens go into HttpOnly cookies."""

from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import FormView
from rest_framework.exceptions import APIException

from common.authentication import session_id
from common.cookies import LONGEST_NEXT
from common.problems import problem_response
from common.scopes import is_restricted
from user_service.second_factor import first_step
from user_service.second_factor.models import SecondFactor
from user_service.tokens import services
from user_service.tokens.cookies import delete_cookies, set_cookies, sign_in
from user_service.users.models import User

ACCOUNT_PATH = f"{settings.LOGIN_URL}account/"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def safe_next(request: HttpRequest) -> str:
    """Return where to go afterwards: a path of this origin, or the account page."""
    wanted = request.GET.get("next") or request.POST.get("next") or ACCOUNT_PATH
    good = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=settings.HTTPS)
    return wanted if good and len(wanted) <= LONGEST_NEXT else ACCOUNT_PATH


class SignInForm(AuthenticationForm):
    error_messages = {"invalid_login": "No active account has this name and password."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Username or e-mail"
        self.fields["username"].widget.attrs["maxlength"] = 254


@method_decorator(never_cache, name="dispatch")
class Page(View):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = super().dispatch(request, *args, **kwargs)
        except APIException as error:  # the password was changed, the account locked, in this very moment
            response = problem_response(request, error.status_code, str(error.get_codes()), str(error.detail))
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = problem_response(request, 405, "method_not_allowed", f"{request.method} is not for this page.")
        response.headers["Allow"] = super().http_method_not_allowed(request, *args, **kwargs).headers["Allow"]
        return response


class SecretAddress(Page):
    """The address holds a secret: not even our own style sheet is asked for with it as the referrer.

    Not no-referrer: browsers then send `Origin: null` with a form, which the CSRF check refuses.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Referrer-Policy"] = "strict-origin"
        return response


class FormPage(Page, FormView):  # type: ignore[type-arg]
    http_method_names = ["get", "head", "post", "options"]
    template_name = "tokens/form.html"
    title = button = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(next=safe_next(self.request), title=self.title, button=self.button, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What a service refuses comes back in the form."""
        form = self.get_form()
        if form.is_valid():
            try:
                return self.form_valid(form)
            except ValidationError as error:
                form.add_error(None, error)
        return self.form_invalid(form)


class SignedInPage(LoginRequiredMixin, Page):
    """Knows who asks. Who has yet to set up the second factor that operators need does that first."""

    for_restricted = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and is_restricted(request.access_token) and not self.for_restricted:  # type: ignore[attr-defined]
            onward = urlencode({"next": request.path if request.method == "GET" else safe_next(request)})
            return HttpResponseRedirect(f"{settings.LOGIN_URL}second-factor/?{onward}")
        return super().dispatch(request, *args, **kwargs)

    @property
    def user(self) -> User:
        return cast("User", self.request.user)

    @property
    def session(self) -> UUID:
        return session_id(self.request.access_token)  # type: ignore[attr-defined]

    def done(self, message: str) -> HttpResponse:
        """Go on to `next`, and say there what was done."""
        messages.success(self.request, message)
        return HttpResponseRedirect(safe_next(self.request))


class OwnFormPage(SignedInPage, FormPage):
    """A form of what is one's own."""

    template_name = "tokens/own_form.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request, "user": self.user}


class LoginPage(FormPage):
    """A form; or, where the browser holds a good refresh token, a silent renewal on the way to `next`."""

    form_class = SignInForm
    template_name = "tokens/login.html"
    title = button = "Sign in"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        refresh = request.COOKIES.get(settings.REFRESH_COOKIE)
        if refresh:
            try:
                pair = services.renew_session(refresh=refresh)
            except services.RefreshRefused:
                return delete_cookies(super().get(request, *args, **kwargs))
            return set_cookies(HttpResponseRedirect(safe_next(request)), pair)
        return super().get(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user: Any = form.get_user()
        onward = urlencode({"next": safe_next(self.request)})
        if SecondFactor.objects.guards(user):
            response = HttpResponseRedirect(f"{first_step.PATH}?{onward}")
            first_step.remember(response, user)
            return response
        owed = SecondFactor.objects.owed_by(user)
        to = f"{settings.LOGIN_URL}second-factor/?{onward}" if owed else safe_next(self.request)
        return sign_in(self.request, user=user, to=to)


@method_decorator(csrf_exempt, name="dispatch")
class RenewPage(Page):
    """Where a form goes whose access token ran out while it was filled in: renewed, and on to `next` as it was sent.

    Any method; it changes nothing but the cookies, and the CSRF check is made where the form ends up.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            pair = services.renew_session(refresh=request.COOKIES.get(settings.REFRESH_COOKIE, ""))
        except services.RefreshRefused:
            back = urlencode({"next": safe_next(request)})
            return HttpResponseRedirect(f"{settings.LOGIN_URL}?{back}", status=303)
        return set_cookies(HttpResponseRedirect(safe_next(request), preserve_request=True), pair)


class LogoutPage(Page):
    def post(self, request: HttpRequest) -> HttpResponse:
        services.end_session_of(access=request.COOKIES.get(settings.ACCESS_COOKIE, ""))
        return delete_cookies(HttpResponseRedirect("/"))
