"""The cast: Alice, Bob and Charlie are people, Olga is the operator. All have the same password."""

from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tests.contract import assert_all_published
from tests.user_service.second_factors import App
from user_service.tokens import keys
from user_service.tokens import services as sessions
from user_service.tokens.models import Session
from user_service.users import services

PASSWORD = "correct-horse-9"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Whatever a test has made the service tell is of the published contract."""
    result = yield
    if {"db", "transactional_db"} & set(item.fixturenames):
        assert_all_published()
    return result


@pytest.fixture(scope="session")
def _signing_keys_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("signing_keys")


@pytest.fixture(autouse=True)
def signing_keys_dir(settings, _signing_keys_dir):
    settings.SIGNING_KEYS_DIR = _signing_keys_dir
    if not keys.key_paths():
        keys.create_key()
    return _signing_keys_dir


@pytest.fixture
def password():
    return PASSWORD


@pytest.fixture(name="register")
def _register(db):
    return register


def register(username, **fields):
    fields = {"email": f"{username}@example.org", "password": PASSWORD} | fields
    return services.register_user(username=username, **fields)


@pytest.fixture
def alice(db):
    return register("alice", display_name="Alice Ames")


@pytest.fixture
def bob(db):
    return register("bob", display_name="Bob Berg")


@pytest.fixture
def charlie(db):
    return register("charlie", display_name="Charlie Chen")


@pytest.fixture
def olga(db):
    return register("olga", is_staff=True, is_superuser=True)


@pytest.fixture
def api():
    """Nobody is signed in."""
    return APIClient()


@pytest.fixture
def api_of():
    """`api_of(alice)` is a client with her access token."""

    def make(person, **session):
        access = sessions.begin_session(user=person, **session).access
        return APIClient(headers={"authorization": f"Bearer {access}"})

    return make


@pytest.fixture
def sign_in(db):
    """`sign_in("bob", code="123456")` asks for tokens; who names nobody is Alice, and knows her password."""

    def post(username="alice", password=PASSWORD, ip="203.0.113.9", headers=None, **more):
        body = {"username": username, "password": password} | more
        return APIClient().post("/api/v1/auth/token/", body, headers={"x-forwarded-for": ip} | (headers or {}))

    return post


@pytest.fixture
def browser_of():
    """`browser_of(alice)` is signed in by cookie and asks for HTML; it has no CSRF token yet."""

    def make(person, *, enforce_csrf_checks=True, **session):
        browser = Client(enforce_csrf_checks=enforce_csrf_checks, headers={"accept": "text/html"})
        pair = sessions.begin_session(user=person, **session)
        browser.cookies["tandem_access"] = pair.access
        browser.cookies["tandem_refresh"] = pair.refresh
        return browser

    return make


@pytest.fixture
def admin_of(browser_of):
    """`admin_of(olga)` is her browser, of which no CSRF token is asked."""
    return partial(browser_of, enforce_csrf_checks=False)


@pytest.fixture
def app(monkeypatch):
    """An authenticator app: `app.guard(alice)` turns her second factor on, `app.code()` is what it shows."""
    return App(monkeypatch)


@pytest.fixture
def later():
    """`later(16)`: as if that many seconds had gone by since the refresh tokens were rotated."""

    def move(seconds):
        for session in Session.objects.all():
            session.lately_at = [at - timedelta(seconds=seconds) for at in session.lately_at]
            session.save()

    return move
