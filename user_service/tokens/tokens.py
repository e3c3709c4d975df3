"""simplejwt's tokens, signed with this service's key: it sets no `kid` by itself."""

from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.exceptions import TokenBackendError

from common.authentication import KeySetBackend, backend
from user_service.tokens.keys import active_key
from user_service.tokens.models import Session


class SigningBackend(KeySetBackend):
    def encode(self, payload: dict[str, Any]) -> str:
        key = active_key()
        payload = payload | {"iss": self.issuer, "aud": self.audience}
        return jwt.encode(payload, key.private, algorithm=self.algorithm, headers={"kid": key.kid})


signing_backend = backend(SigningBackend)


class AccessToken(tokens.AccessToken):
    _token_backend = signing_backend

    @classmethod
    def of(cls, session: Session) -> str:
        token = cls.for_user(session.user)
        token["username"] = session.user.username
        token["sid"] = str(session.id)
        token["amr"] = ["pwd", "mfa"] if session.second_factor else ["pwd"]  # RFC 8176
        if settings.OPERATORS_NEED_SECOND_FACTOR and session.user.is_staff and not session.second_factor:
            token["scope"] = ""  # RFC 8693: good for nothing but setting one up
        return str(token)

    @classmethod
    def session_of(cls, raw: Any) -> UUID | None:
        """Return the session's id; the signature counts, the time does not."""
        try:
            options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
            key = signing_backend.get_verifying_key(raw)
            return UUID(jwt.decode(raw, key, algorithms=[signing_backend.algorithm], options=options)["sid"])
        except (jwt.PyJWTError, TokenBackendError, KeyError, ValueError):
            return None


class RefreshToken(tokens.RefreshToken):
    """Names its session in `sid`; its `jti` is the session's current token."""

    _token_backend = signing_backend

    @classmethod
    def of(cls, session: Session) -> str:
        token = cls.for_user(session.user)
        token["jti"] = session.current.hex
        token["sid"] = str(session.id)
        token.set_exp(claim="exp", from_time=session.last_used_at)
        return str(token)
