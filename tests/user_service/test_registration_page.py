"""Who is new makes an account on a page, and is signed in."""

import re
from urllib.parse import urlencode

import pytest
from django.test import Client

from common.models import OutboxEvent
from tests.forms import Form, fill
from user_service.users.models import User

URL = "/login/register/"
DORA = {"username": "dora", "email": "dora@example.org", "password": "correct-horse-9"}


@pytest.fixture
def browser(db):
    return Client(enforce_csrf_checks=True, headers={"accept": "text/html"})


@pytest.fixture
def send(browser):
    def send(wanted="", **fields):
        page = browser.get(f"{URL}?{urlencode({'next': wanted})}" if wanted else URL)
        return fill(browser, page, URL, **DORA | fields)

    return send


def test_dora_registers_and_is_signed_in(browser, send):
    answer = send(display_name="Dora D.")
    assert answer.headers["Location"] == "/login/account/"
    dora = User.objects.get()
    assert (dora.username, dora.email, dora.display_name) == ("dora", "dora@example.org", "Dora D.")
    assert dora.check_password(DORA["password"])
    assert "Dora D." in browser.get("/login/account/").content.decode()
    assert OutboxEvent.objects.get().type == "user.registered"


def test_she_gets_to_where_she_wanted(send):
    assert send("/api/v1/tasks/").headers["Location"] == "/api/v1/tasks/"


def test_and_to_no_other_site(send):
    assert send("//evil.example").headers["Location"] == "/login/account/"


def test_the_sign_in_leads_there_and_back(browser):
    onward = "?next=/api/v1/tasks/"
    assert f'href="{URL}{onward}"' in browser.get(f"/login/{onward}").content.decode()
    assert f'href="/login/{onward}"' in browser.get(URL + onward).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("username", "dora d", "Use letters, digits and . + - _ only."),
        ("username", "\uff44\uff4f\uff52\uff41", "Use the plain form of each letter."),
        ("username", "ALICE", "This is taken already."),
        ("email", "Alice@Example.ORG", "This is taken already."),
        ("email", "dora@\uff45xample.org", "Use the plain form of each letter."),
        ("email", "dora", "Enter a valid email address."),
        ("password", "short", "This password is too short."),
        ("password", "dora@example.org", "too similar to the email"),
    ],
)
def test_what_the_api_refuses_is_told_at_its_field(alice, send, field, value, reason):
    page = send(**{field: value}).content.decode()
    told = re.search(f'name="{field}"(?:(?!<label).)*role="alert">([^<]*)', page, re.DOTALL)
    assert reason in told[1]
    assert list(User.objects.all()) == [alice]


def test_a_password_is_not_sent_back(send):
    page = send(username="dora d").content.decode()
    fields = Form(page).fields
    assert (fields["email"], fields["password"]) == ([DORA["email"]], [""])


def test_nobody_makes_themselves_an_operator(send):
    send(is_staff="on", is_superuser="on")
    dora = User.objects.get()
    assert (dora.is_staff, dora.is_superuser) == (False, False)


def test_it_needs_the_csrf_token(browser):
    assert browser.post(URL, DORA).status_code == 403
    assert not User.objects.exists()
