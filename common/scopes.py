"""What an API token may do: a view names its `scope`, and what reads needs `scope:read`, what writes `scope:write`."""

from typing import Any

from django.conf import settings
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from common.models import ApiToken


class InsufficientScope(PermissionDenied):
    """403 as RFC 6750 (3.1) has it: who asks is known, so it is no 401."""

    default_code = "insufficient_scope"

    def __init__(self, needed: str | None) -> None:
        super().__init__(f"This API token lacks the scope {needed}." if needed else "No API token may do this.")
        self.auth_header = f'Bearer error="{self.default_code}"' + (f', scope="{needed}"' if needed else "")


class SecondFactorOwed(PermissionDenied):
    default_detail = f"Operators need a second factor: set yours up at {settings.LOGIN_URL}second-factor/."
    default_code = "second_factor_not_set_up"


class HasScope(BasePermission):
    """A session may do all; an API token what its scopes say, and nothing where the view names no `scope`.

    The session of an operator who lacks the second factor that is wanted of them may do nothing.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        token: Any = request.auth
        if isinstance(token, ApiToken):
            needed = needed_scope(view, request.method or "")
            if needed not in token.scopes:
                raise InsufficientScope(needed)
        elif token is not None and is_restricted(token):
            raise SecondFactorOwed
        return True


def is_restricted(access_token: Any) -> bool:
    """Say whether a session's token is good for nothing but setting up a second factor."""
    return bool(access_token.get("scope") == "")


def needed_scope(view: Any, method: str) -> str | None:
    """Return None where no scope is enough. Writing does not imply reading."""
    scope = getattr(view, "scope", None)
    return scope and f"{scope}:{'read' if method in SAFE_METHODS else 'write'}"
