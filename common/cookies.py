"""The browser's sign-in: the access token in an HttpOnly cookie, for the browsable APIs and the admins."""

import time
from typing import Any
from urllib.parse import urlencode

import jwt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import SimpleLazyObject
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError

from common.authentication import verify
from common.problems import Unavailable, problem_response

LONGEST_NEXT = 2000  # Django redirects to nothing that is much longer
SIGN_IN_PATHS = (  # for who is not signed in, or not any more: a sign-in that is over is not in their way
    *("/login/", "/login/code/", "/login/renew/", "/logout/"),
    *("/login/register/", "/login/forgot/", "/login/reset/", "/login/erasure/"),
)


class CookieAuthenticationMiddleware(AuthenticationMiddleware):
    """Says who the cookie's token is for; one that has run out goes by way of the sign-in."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]
        request.user = AnonymousUser()
        raw = request.COOKIES.get(settings.ACCESS_COOKIE)
        if not raw or request.path in SIGN_IN_PATHS or request.path.startswith(("/static/", "/health/")):
            return None
        try:
            token = verify(raw.encode())
        except TokenError:
            return _renewal(request, raw)
        except Unavailable as error:
            return problem_response(request, 503, "service_unavailable", str(error.detail))
        request.access_token = token  # type: ignore[attr-defined]
        request.user = SimpleLazyObject(  # type: ignore[assignment]
            lambda: get_user_model().objects.from_cookie(token.payload) or AnonymousUser()
        )
        return None

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """What is for one person stays with them: in no shared cache, and no page under the Back button of the next."""
        html = response.headers.get("Content-Type", "").startswith("text/html")
        response.headers.setdefault("Cache-Control", "no-store" if html else "private, no-cache")
        return response


class CookieAuthentication(SessionAuthentication):
    """Takes who CookieAuthenticationMiddleware found, if the CSRF token came along with what writes."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        found = super().authenticate(request)
        return found and (found[0], request._request.access_token)  # type: ignore[attr-defined]

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(str(error.detail), code="csrf_failed") from error


def _renewal(request: HttpRequest, raw: str) -> HttpResponse | None:
    """Send a browser whose token has run out by way of the sign-in, which renews it silently if it may.

    A form that was sent goes along (307 keeps method and body): nothing that was typed is lost.
    """
    if "text/html" not in request.headers.get("Accept", ""):
        return None
    try:
        expires = jwt.decode(raw, options={"verify_signature": False}).get("exp")
    except (jwt.PyJWTError, RecursionError):
        return None
    if not isinstance(expires, int | float) or expires > time.time():
        return None  # not good for another reason: a renewed one would not be better
    back = urlencode({"next": request.get_full_path()})
    if len(back) > LONGEST_NEXT:
        return None
    if request.method in ("GET", "HEAD"):
        return HttpResponseRedirect(f"{settings.LOGIN_URL}?{back}")
    return HttpResponseRedirect(f"{settings.LOGIN_URL}renew/?{back}", preserve_request=True)
