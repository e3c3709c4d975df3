"""A browser's sign-in: its tokens are in HttpOnly cookies."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from rest_framework_simplejwt.settings import api_settings

from user_service.tokens import services
from user_service.users.models import User

COOKIE_PATHS = {settings.ACCESS_COOKIE: "/", settings.REFRESH_COOKIE: settings.LOGIN_URL}


def sign_in(request: HttpRequest, *, user: User, to: str, second_factor: bool = False) -> HttpResponse:
    """Begin the browser's session and send it on. A CSRF token that somebody has set before is not good any more.

    Raises AuthenticationFailed as begin_session does.
    """
    agent, ip = request.headers.get("User-Agent", ""), request.META["REMOTE_ADDR"]
    pair = services.begin_session(user=user, user_agent=agent, ip=ip, second_factor=second_factor)
    rotate_token(request)
    return set_cookies(HttpResponseRedirect(to), pair)


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
