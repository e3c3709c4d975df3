"""How often a secret may be guessed, as django-axes asks for it (AXES_… in settings.py).

A password is counted by the name that was typed and the client's address: nobody locks another person out from
elsewhere, and it makes no difference whether the name exists. A code of a second factor is counted by the person alone:
who tries one knows the password already.
"""

from datetime import timedelta
from ipaddress import ip_address, ip_network
from math import ceil
from typing import Any
from unicodedata import normalize

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from common.problems import problem_response
from user_service.users.models import User


def fold(name: str) -> str:
    """Return one spelling for all that the sign-in takes for the same (User.objects.named).

    Letter by letter, as PostgreSQL's lower() goes: Python's makes two of some.
    """
    return "".join(letter.lower()[0] for letter in normalize("NFKC", name))[:255]


def code_key(person: User) -> str:
    """Return what codes are counted under; the capital keeps it apart from any name that is typed."""
    return f"Code of {person.username}"


def key(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    credentials = credentials or {}
    person = credentials.get("person")
    return code_key(person) if person else fold(credentials.get("username") or "")


def parameters(request: HttpRequest, credentials: dict[str, Any] | None = None) -> list[list[str]]:
    return [["username"]] if credentials and credentials.get("person") else [["username", "ip_address"]]


def client_network(request: HttpRequest) -> str:
    """Return the address that failed sign-ins are counted by: of IPv6 its /64, all of which one client has."""
    address: str = request.META["REMOTE_ADDR"]
    if ip_address(address).version == 4:
        return address
    return str(ip_network(f"{address}/64", strict=False).network_address)


def locked_out(request: HttpRequest, response: HttpResponse, credentials: dict[str, Any] | None) -> HttpResponse:
    """Answer in place of the view, whether what was sent is right or not."""
    [attempts] = AxesProxyHandler.get_implementation().get_user_attempts(request, credentials)
    newest = attempts.aggregate(newest=Max("attempt_time"))["newest"] or timezone.now()
    wait: timedelta = newest + settings.AXES_COOLOFF_TIME - timezone.now()
    seconds = max(ceil(wait.total_seconds()), 1)
    detail = f"Too many wrong tries. Try again in {ceil(seconds / 60)} min."
    answer = problem_response(request, 429, "locked_out", detail)
    answer.headers["Retry-After"] = str(seconds)
    return answer
