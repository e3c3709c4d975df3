"""The HTML sign-in of the browsable APIs and both admins: the tokens go into HttpOnly cookies."""

from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.generic import FormView
from rest_framework_simplejwt.settings import api_settings

from common.problems import problem_response
from user_service.tokens import services
from user_service.tokens.views import client_ip

COOKIE_PATHS = {settings.ACCESS_COOKIE: "/", settings.REFRESH_COOKIE: settings.LOGIN_URL}


def safe_next(request: HttpRequest) -> str:
    """Return where to go afterwards: a path of this origin, or the landing page."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    good = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=settings.HTTPS)
    return wanted if good else "/"


def set_cookies(response: HttpResponse, pair: services.Pair) -> HttpResponse:
    """Both live as long as the refresh token: a browser that sends an old access token is renewed at the sign-in."""
    for name, value in ((settings.ACCESS_COOKIE, pair.access), (settings.REFRESH_COOKIE, pair.refresh)):
        response.set_cookie(
            name,
            value,
            max_age=api_settings.REFRESH_TOKEN_LIFETIME,
            path=COOKIE_PATHS[name],
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
        )
    return response


def delete_cookies(response: HttpResponse) -> HttpResponse:
    for name, path in COOKIE_PATHS.items():
        response.delete_cookie(name, path=path, samesite="Lax")
    return response


class SignInForm(AuthenticationForm):
    error_messages = {"invalid_login": "No active account has this name and password."}


class Page(View):
    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = problem_response(request, 405, "method_not_allowed", f"{request.method} is not for this page.")
        response.headers["Allow"] = super().http_method_not_allowed(request, *args, **kwargs).headers["Allow"]
        return response


@method_decorator(never_cache, name="dispatch")
class LoginPage(Page, FormView):  # type: ignore[type-arg]
    """A form; or, where the browser holds a good refresh token, a silent renewal on the way to `next`."""

    http_method_names = ["get", "head", "post", "options"]
    form_class = SignInForm
    template_name = "tokens/login.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        refresh = request.COOKIES.get(settings.REFRESH_COOKIE)
        if refresh and "next" in request.GET:
            try:
                pair = services.renew_session(refresh=refresh)
            except services.RefreshRefused:
                return delete_cookies(super().get(request, *args, **kwargs))
            return set_cookies(HttpResponseRedirect(safe_next(request)), pair)
        return super().get(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(next=safe_next(self.request), **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user: Any = form.get_user()
        pair = services.begin_session(
            user=user, user_agent=self.request.headers.get("User-Agent", ""), ip=client_ip(self.request)
        )
        return set_cookies(HttpResponseRedirect(safe_next(self.request)), pair)


@method_decorator(never_cache, name="dispatch")
class LogoutPage(Page):
    def post(self, request: HttpRequest) -> HttpResponse:
        services.end_session_of(access=request.COOKIES.get(settings.ACCESS_COOKIE, ""))
        return delete_cookies(HttpResponseRedirect("/"))
