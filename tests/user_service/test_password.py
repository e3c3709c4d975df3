"""A new password from who knows the old one: by the API, on the page, and what it ends."""

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from rest_framework.exceptions import AuthenticationFailed

from common.models import OutboxEvent
from tests.answers import assert_problem, field_errors
from tests.forms import fill
from user_service.tokens import services as sessions
from user_service.tokens.models import Session
from user_service.users import services
from user_service.users.models import User

URL = "/api/v1/auth/password/"
PAGE = "/login/password/"
OLD, NEW, WRONG = "correct-horse-9", "another-horse-9", "not-this-one"
LIMIT = django_settings.AXES_FAILURE_LIMIT


def password_is(password):
    return User.objects.get(username="alice").check_password(password)


def alive(person):
    return Session.objects.alive().filter(user=person).count()


def ended():
    """The ids of the sessions whose end is owed to the other services."""
    return list(OutboxEvent.objects.filter(type="session.revoked").values_list("aggregate_id", flat=True))


class TestAPI:
    @pytest.fixture
    def change(self, alice, api_of):
        api = api_of(alice)
        return lambda current=OLD, new=NEW: api.post(URL, {"current_password": current, "new_password": new})

    def test_it_changes_and_the_others_end(self, alice, change, api_of):
        api_of(alice)
        assert change().status_code == 204
        assert password_is(NEW)
        assert ended() == [Session.objects.latest("id").id]
        assert field_errors(change()) == {"current_password": "password_incorrect"}  # still signed in

    def test_it_wants_the_current_one(self, change):
        assert field_errors(change(WRONG)) == {"current_password": "password_incorrect"}
        assert password_is(OLD)

    def test_which_is_not_guessed_without_end(self, change, sign_in):
        assert [change(WRONG).status_code for _ in range(LIMIT)] == [400] * (LIMIT - 1) + [429]
        assert_problem(change(), 429, "locked_out")
        assert sign_in(ip="127.0.0.1").status_code == 429
        assert password_is(OLD)

    @pytest.mark.parametrize(
        ("new", "code"),
        [("short", "password_too_short"), ("password1", "password_too_common"), ("alice-99x", "password_too_similar")],
    )
    def test_the_new_one_must_be_good(self, change, new, code):
        assert field_errors(change(new=new)) == {"new_password": code}

    def test_a_browser_keeps_its_own(self, alice, browser_of, api_of):
        browser, _ = browser_of(alice), api_of(alice)
        browser.get(PAGE)
        headers = {"x-csrftoken": browser.cookies["csrftoken"].value, "accept": "application/json"}
        changed = browser.post(URL, {"current_password": OLD, "new_password": NEW}, headers=headers)
        assert changed.status_code == 204
        assert ended() == [Session.objects.latest("id").id]


class TestPage:
    @pytest.fixture
    def change(self, alice, browser_of):
        browser = browser_of(alice)
        page = browser.get(PAGE)
        return lambda old=OLD: fill(browser, page, PAGE, old_password=old, new_password1=NEW, new_password2=NEW)

    def test_it_changes_and_the_others_end(self, alice, change, api_of):
        api_of(alice)
        changed = change()
        assert changed.headers["Location"] == "/login/account/"
        assert "Your password is changed." in changed.client.get("/login/account/").content.decode()
        assert password_is(NEW)
        assert ended() == [Session.objects.latest("id").id]

    def test_it_wants_the_old_one(self, alice, change):
        assert 'role="alert"' in change(WRONG).content.decode()
        assert password_is(OLD)

    def test_which_is_not_guessed_without_end(self, change):
        assert [change(WRONG).status_code for _ in range(LIMIT)] == [200] * (LIMIT - 1) + [429]
        assert change().status_code == 429

    def test_one_that_another_has_overtaken_is_told_so(self, change, monkeypatch):
        set_password = services.set_password

        def overtaken(**fields):
            set_password(user=User.objects.get(), password="quicker-horse-9")
            set_password(**fields)

        monkeypatch.setattr(services, "set_password", overtaken)
        assert "meanwhile" in change().content.decode()
        assert password_is("quicker-horse-9")

    def test_it_is_for_who_is_signed_in(self, db, client):
        assert client.get(PAGE).headers["Location"] == f"/login/?next={PAGE}"

    def test_the_admin_leads_there(self, olga, browser_of):
        assert browser_of(olga).get("/admin/users/password_change/").headers["Location"] == PAGE


def test_it_ends_every_sign_in_of_that_person_only(alice, bob):
    for person in (alice, alice, bob):
        sessions.begin_session(user=person)
    services.set_password(user=alice, password=NEW)
    assert (alive(alice), alive(bob)) == (0, 1)


def test_one_that_cannot_be_set_ends_nothing(alice, monkeypatch):
    sessions.begin_session(user=alice)
    monkeypatch.setattr(services.tokens, "end_sessions", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.set_password(user=alice, password=NEW)
    assert password_is(OLD)
    assert alive(alice) == 1


def test_who_signs_in_meanwhile_by_the_old_one_does_not_get_in(alice):
    authenticated = User.objects.get()
    services.set_password(user=alice, password=NEW)
    with pytest.raises(AuthenticationFailed):
        sessions.begin_session(user=authenticated)


def test_a_change_by_the_old_one_does_not_undo_a_reset(alice):
    thief = User.objects.get()
    services.set_password(user=alice, password=NEW)
    with pytest.raises(ValidationError, match="meanwhile"):
        services.set_password(user=thief, password="thiefs-horse-9")
    assert password_is(NEW)


class TestHashOfAnotherCost:
    @pytest.fixture(autouse=True)
    def _raise_the_cost(self, alice, settings):
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", *settings.PASSWORD_HASHERS]

    def test_is_renewed_by_the_look_and_does_not_look_like_a_change(self, alice, api_of):
        assert api_of(alice).post(URL, {"current_password": OLD, "new_password": NEW}).status_code == 204
        assert password_is(NEW)

    def test_is_renewed_at_the_sign_in(self, sign_in):
        assert sign_in().status_code == 200
        assert User.objects.get().password.startswith("scrypt$")

    def test_takes_the_place_of_no_password_that_was_set_meanwhile(self, alice):
        seen_before = User.objects.get()
        services.set_password(user=alice, password=NEW)
        assert seen_before.check_password(OLD)
        assert password_is(NEW)
