"""Who is asking, by the Authorization header: a signed access token, checked offline, or an API token, looked up.

A browser brings the same access token in a cookie: cookies.py.
"""

import re
import time
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.utils.crypto import constant_time_compare
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt import exceptions, tokens
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.settings import api_settings

from common import api_tokens
from common.keys import key_set
from common.models import ApiToken
from common.revocations import revoked

CACHED_TOKENS = 10_000


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


_verified: dict[bytes, tuple[str, AccessToken]] = {}  # and the id of the key that each is signed with


def verify(raw: bytes) -> AccessToken:
    """Return the checked token; TokenError if it is not valid. A signature that was checked is not checked again, as
    long as its key is one of ours: a stolen key's tokens end with the key.

    Two thirds of a task list's authentication time is the signature; the cache is bounded, oldest out first.
    """
    kid, token = _verified.get(raw, ("", None))
    if token is None or token.payload["exp"] <= time.time() or key_set.get(kid) is None:
        token = AccessToken(raw)  # type: ignore[arg-type]
        while len(_verified) >= CACHED_TOKENS:
            _verified.pop(next(iter(_verified)), None)
        _verified[raw] = jwt.get_unverified_header(raw)["kid"], token
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


class ServiceAuthentication(BaseAuthentication):
    """`/internal/…`: the credential that the services share."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        given = request.headers.get("Authorization", "")
        if not constant_time_compare(given, f"Bearer {settings.SERVICE_CREDENTIAL}"):
            raise AuthenticationFailed("The service credential is missing or wrong.")
        return AnonymousUser(), None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="internal"'
