"""Alice deletes her account in the browser, and looks what becomes of it."""

import re

import pytest
from django.conf import settings as django_settings
from django.test import Client

from tests.forms import fill
from tests.user_service.erasing import REASON, done, prepared, refused
from user_service.erasure.models import Erasure
from user_service.tokens.models import Session
from user_service.users.models import User

URL = "/login/account/delete/"
PASSWORD = "correct-horse-9"
LIMIT = django_settings.AXES_FAILURE_LIMIT


@pytest.fixture
def browser(alice, browser_of):
    return browser_of(alice)


@pytest.fixture
def delete(browser):
    return lambda password=PASSWORD: fill(browser, browser.get(URL), URL, password=password)


@pytest.fixture
def look(delete):
    """Ask for it, and return what shows how it stands to who is not signed in."""
    address = delete().headers["Location"]
    return lambda: Client(headers={"accept": "text/html"}).get(address)


def title(page):
    return re.search("<h1>(.*)</h1>", page.content.decode())[1]


def test_it_takes_the_password_and_locks_the_account_at_once(alice, browser, delete):
    answer = delete()
    assert answer.headers["Location"].startswith("/login/erasure/?key=")
    assert {answer.cookies[name].value for name in ("tandem_access", "tandem_refresh")} == {""}
    assert User.objects.get().is_active is False
    assert not Session.objects.alive().exists()
    assert browser.get(URL).headers["Location"] == f"/login/?next={URL}"


def test_a_wrong_password_is_told_and_counted(alice, delete):
    answers = [delete("wrong") for _ in range(LIMIT)]
    assert "This is not your password." in answers[0].content.decode()
    assert [answer.status_code for answer in answers] == [200] * (LIMIT - 1) + [429]
    assert not Erasure.objects.exists()


def test_an_operator_is_told_why_not(olga, browser_of):
    browser = browser_of(olga)
    page = fill(browser, browser.get(URL), URL, password=PASSWORD)
    assert "Another operator has to take your rights away first." in page.content.decode()
    assert not Erasure.objects.exists()


def test_it_needs_the_csrf_token(alice, browser):
    assert browser.post(URL, {"password": PASSWORD}).status_code == 403
    assert not Erasure.objects.exists()


def test_the_page_tells_how_it_goes_until_it_is_done(look):
    assert title(look()) == "Your account is being deleted"
    prepared(Erasure.objects.get())
    assert title(look()) == "Your account is being deleted"
    done(Erasure.objects.get())
    assert title(look()) == "Your account is deleted"
    assert not User.objects.exists()


def test_the_page_tells_why_it_was_refused(look):
    refused(Erasure.objects.get())
    assert title(look()) == "Your account was not deleted"
    assert REASON in look().content.decode()


def test_its_address_is_a_secret(look):
    assert look().headers["Referrer-Policy"] == "strict-origin"
    assert "no-store" in look().headers["Cache-Control"]


@pytest.mark.parametrize("key", ["", "?key=", "?key=x"])
def test_without_the_key_there_is_nothing(db, client, key):
    assert client.get(f"/login/erasure/{key}").status_code == 404
