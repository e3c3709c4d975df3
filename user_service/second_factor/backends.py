from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from user_service.lockout import services as lockout
from user_service.second_factor import services
from user_service.users.models import User


class SecondFactorBackend(BaseBackend):
    """`authenticate(request, person=alice, code="123456")`, of whom the password is known. Wrong codes are counted."""

    def authenticate(self, request: HttpRequest | None, person: User, code: str) -> User | None:  # type: ignore[override]
        if not services.use_code(user=person, code=code):
            return None
        lockout.forgive_codes(person=person)
        return person
