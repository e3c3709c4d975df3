from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from user_service.lockout import services as lockout
from user_service.lockout.policy import client_network
from user_service.users.models import User


def proves(request: HttpRequest, user: Any, **credentials: Any) -> bool:
    """Say whether this is the signed-in person's own password or code; wrong ones are counted as at the sign-in."""
    found = authenticate(request, **credentials)
    if found is not None:
        user.password = found.password  # of a new hash, where the cost was raised since the last sign-in
    return found is not None


class UsernameOrEmailBackend(ModelBackend):
    """Signs in by username or e-mail; usernames hold no @, so the two never mix."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if username is None or password is None:
            return None
        user: User | None = User.objects.named(username).first()
        if user is None:
            User().set_password(password)  # the same time whether the name exists or not
            return None
        if not user.check_password(password) or not self.user_can_authenticate(user):
            return None
        lockout.forgive_password(person=user, ip=client_network(request) if request else None)
        return user
