"""Between the two steps of the HTML sign-in: whose password was right, in a signed cookie that lives for 5 minutes."""

from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from user_service.users.models import User

COOKIE = "tandem_first_step"
PATH = f"{settings.LOGIN_URL}code/"
SECONDS = 300


def remember(response: HttpResponse, person: User) -> None:
    value = signing.dumps([str(person.pk), person.get_session_auth_hash()], salt=COOKIE)
    response.set_cookie(COOKIE, value, max_age=SECONDS, path=PATH, secure=settings.HTTPS, httponly=True, samesite="Lax")


def recall(request: HttpRequest) -> User | None:
    """Return the person, unless their password was changed or they were locked meanwhile."""
    try:
        person_id, auth_hash = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=SECONDS)
    except signing.BadSignature:
        return None
    person: Any = User.objects.active().filter(pk=person_id).first()
    return person if person and constant_time_compare(person.get_session_auth_hash(), auth_hash) else None


def forget(response: HttpResponse) -> None:
    response.delete_cookie(COOKIE, path=PATH, samesite="Lax")
