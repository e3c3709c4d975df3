"""Who is asking: a signed access token, from the Authorization header or from the browser's cookie, checked offline;
or an API token, looked up.
"""

import re
import time
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import jwt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework_simplejwt import exceptions, tokens
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.settings import api_settings

from common import api_tokens
from common.keys import key_set
from common.models import ApiToken
from common.problems import Unavailable, problem_response
from common.revocations import revoked

CACHED_TOKENS = 10_000
LONGEST_NEXT = 2000  # Django redirects to nothing that is much longer
SIGN_IN_PATHS = ("/login/", "/login/code/", "/login/renew/", "/logout/")  # for who is not signed in, or not any more


class KeySetBackend(TokenBackend):
    """simplejwt's backend, with the key chosen by the token's `kid` (simplejwt knows one key only)."""

    def get_verifying_key(self, token: Any) -> Any:
        try:
            key = key_set.get(jwt.get_unverified_header(token).get("kid", ""))
        except (jwt.PyJWTError, RecursionError) as error:
            raise TokenBackendError("Token is malformed") from error
        if key is None:
            raise TokenBackendError("Token is signed with an unknown key")
        return key.key


def backend(cls: type[TokenBackend]) -> TokenBackend:
    """Return a simplejwt backend of this project's issuer, audience and algorithm."""
    return cls(
        api_settings.ALGORITHM,
        audience=api_settings.AUDIENCE,
        issuer=api_settings.ISSUER,
        leeway=api_settings.LEEWAY,
    )


class AccessToken(tokens.AccessToken):
    _token_backend = backend(KeySetBackend)

    def verify(self) -> None:
        """Also that it names a person and a sign-in: nobody further on has to doubt it."""
        super().verify()
        try:
            UUID(self.payload["sub"]), UUID(self.payload["sid"]), self.payload["username"]
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise TokenError("Token names no person, or no sign-in") from error


_verified: dict[bytes, AccessToken] = {}


def verify(raw: bytes) -> AccessToken:
    """Return the checked token; TokenError if it is not valid. A token that was checked is not checked again.

    Two thirds of a task list's authentication time is the signature; the cache is bounded, oldest out first.
    """
    token = _verified.get(raw)
    if token is None or token.payload["exp"] <= time.time():
        token = AccessToken(raw)  # type: ignore[arg-type]
        while len(_verified) >= CACHED_TOKENS:
            _verified.pop(next(iter(_verified)), None)
        _verified[raw] = token
    if token.payload.get("sid") in revoked:
        raise TokenError("This sign-in was ended.")
    return token


class BearerAuthentication(JWTAuthentication):
    """`Authorization: Bearer …`, an access token or an API token.

    An access token is good by itself: no database query unless the user model's manager makes one.
    """

    www_authenticate_realm = "tandem"

    def get_raw_token(self, header: bytes) -> bytes | None:
        try:
            # simplejwt takes the scheme's name as it is written; RFC 9110 takes it in any case of letters.
            raw: bytes | None = super().get_raw_token(re.sub(rb"^bearer ", b"Bearer ", header, flags=re.IGNORECASE))
        except exceptions.AuthenticationFailed as error:  # simplejwt's, whose detail is no sentence
            raise AuthenticationFailed("The Authorization header must be: Bearer, a space, the token.") from error
        return raw

    def get_validated_token(self, raw_token: bytes) -> Any:
        if raw_token.startswith(api_tokens.PREFIX):
            return self.get_api_token(raw_token)
        try:
            return verify(raw_token)
        except TokenError as error:
            raise AuthenticationFailed(str(error), code="token_not_valid") from error

    def get_api_token(self, secret: bytes) -> ApiToken:
        token = api_tokens.find(secret)
        if token is None:
            raise AuthenticationFailed("This API token is not good, or not any more.", code="token_not_valid")
        api_tokens.note_use(token)
        return token

    def get_user(self, validated_token: Any) -> Any:
        if isinstance(validated_token, ApiToken):
            return validated_token.user
        user = get_user_model().objects.from_token(validated_token.payload)
        if user is None:
            raise AuthenticationFailed("This account is gone or locked.", code="user_inactive")
        return user


def session_id(token: Any) -> UUID:
    """Return the sign-in that a request's token belongs to. An API token has none: HasScope keeps it out."""
    return UUID(token["sid"])


class CookieAuthenticationMiddleware(AuthenticationMiddleware):
    """The browser's sign-in: the same token in an HttpOnly cookie, for the browsable API and the admin."""

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


class ServiceAuthentication(BaseAuthentication):
    """`/internal/…`: the credential that the services share."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        given = request.headers.get("Authorization", "")
        if not constant_time_compare(given, f"Bearer {settings.SERVICE_CREDENTIAL}"):
            raise AuthenticationFailed("The service credential is missing or wrong.")
        return AnonymousUser(), None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="internal"'
