"""Guessing ends: by name and address for passwords, whether the name exists or not."""

import logging
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.contrib.admin.models import LogEntry
from django.db.models import F
from django.test import Client

from tests.answers import assert_problem, without_id
from user_service.lockout import services
from user_service.lockout.policy import fold

URL = "/api/v1/auth/token/"
PASSWORD_URL = "/api/v1/auth/password/"
LIMIT = django_settings.AXES_FAILURE_LIMIT
WRONG = "not-this-one"


@pytest.fixture
def fail(sign_in):
    def post(times, username="alice", **more):
        return [sign_in(username, WRONG, **more).status_code for _ in range(times)]

    return post


def pass_time(**interval):
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(**interval))


def test_the_last_failure_locks_and_says_for_how_long(alice, sign_in, fail):
    assert fail(LIMIT) == [401] * (LIMIT - 1) + [429]
    locked = sign_in()
    assert_problem(locked, 429, "locked_out")
    assert 890 < int(locked.headers["Retry-After"]) <= 900


def test_a_name_that_nobody_has_is_locked_alike(alice, sign_in, fail):
    fail(LIMIT), fail(LIMIT, "nobody")
    real, unknown = sign_in(), sign_in("nobody")
    assert (real.status_code, without_id(real)) == (unknown.status_code, without_id(unknown))
    assert abs(int(real.headers["Retry-After"]) - int(unknown.headers["Retry-After"])) <= 1


def test_it_ends_when_it_said_and_trying_meanwhile_does_not_put_it_off(alice, sign_in, fail):
    fail(LIMIT)
    pass_time(minutes=10)
    assert fail(3) == [429] * 3
    assert int(sign_in().headers["Retry-After"]) <= 300
    pass_time(seconds=301)
    assert sign_in().status_code == 200


def test_a_success_forgives_what_was_before_by_either_name(alice, sign_in, fail):
    fail(LIMIT - 1)
    fail(LIMIT - 1, "alice@example.org")
    assert sign_in().status_code == 200
    assert fail(LIMIT - 1) == fail(LIMIT - 1, "alice@example.org") == [401] * (LIMIT - 1)


def test_another_name_and_another_address_are_not_locked(alice, bob, sign_in, fail):
    fail(LIMIT)
    assert sign_in("bob").status_code == 200
    assert sign_in(ip="203.0.113.10").status_code == 200
    assert sign_in().status_code == 429


def test_another_address_of_a_client_s_ipv6_network_is_no_way_out(alice, sign_in, fail):
    assert [fail(1, ip=f"2001:db8:1:2::{number}") for number in range(LIMIT)][-1] == [429]
    assert sign_in(ip="2001:db8:1:2:ffff::").status_code == 429
    assert sign_in(ip="2001:db8:1:3::1").status_code == 200


def test_a_success_from_it_forgives(alice, sign_in, fail):
    fail(LIMIT - 1, ip="2001:db8::1")
    assert sign_in(ip="2001:db8::2").status_code == 200
    assert not AccessAttempt.objects.exists()


def test_another_program_is_no_way_out(alice, sign_in, fail):
    assert [fail(1, headers={"user-agent": f"Program/{n}"}) for n in range(LIMIT)][-1] == [429]
    assert sign_in(headers={"user-agent": "Browser/1"}).status_code == 429


@pytest.mark.parametrize(
    "names", [["Boss", "BOSS", "\uff42oss", "bo\u017fs"], ["Boss@Example.org", "boss@EXAMPLE.org"]]
)
def test_every_spelling_counts_as_one_name(register, sign_in, fail, names):
    register("boss")
    for number in range(LIMIT):
        fail(1, names[number % len(names)])
    assert [sign_in(name).status_code for name in names] == [429] * len(names)


def test_one_spelling_is_a_letter_for_a_letter_and_fits_the_table():
    assert fold("AL\u0130CE") == "alice"
    assert len(fold("\ufdfa" * 254)) == 255


def test_the_longest_strangest_name_is_counted(db, fail):
    assert fail(LIMIT, "\ufdfa" * 254)[-1] == 429


def test_the_page_says_so(alice, fail):
    fail(LIMIT, ip="127.0.0.1")
    browser = Client(headers={"accept": "text/html"})
    response = browser.post("/login/", {"username": "alice", "password": "correct-horse-9"})
    assert response.status_code == 429
    assert "Too many wrong tries" in response.content.decode()
    assert "tandem_access" not in response.cookies


SECRETS = ["username", "password", "old_password", "new_password1", "new_password2", "new_password", "code", "token"]


@pytest.mark.parametrize("path", ["/login/", URL, PASSWORD_URL])
def test_no_secret_gets_into_a_table_or_a_log(alice, browser_of, caplog, path):
    """Not the one of a form, not the one that somebody typed as their name."""
    caplog.set_level(logging.DEBUG)
    browser = browser_of(alice)
    browser.get("/login/password/")
    form = dict.fromkeys(SECRETS, "hunter-2-secret") | {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
    for extra in ({}, {"username": "alice"}, {"current_password": "hunter-2-secret"}):
        for fields in (form | extra, {name: form[name] for name in ("username", "password", "csrfmiddlewaretoken")}):
            browser.post(path, fields)
    rows = list(AccessAttempt.objects.values("get_data", "post_data", "path_info", "user_agent", "http_accept"))
    assert "hunter-2-secret" not in f"{rows} {caplog.text}"
    assert browser.cookies["csrftoken"].value not in f"{rows} {caplog.text}"


def test_an_operator_sees_and_unlocks(alice, olga, admin_of, sign_in, fail):
    fail(LIMIT), fail(LIMIT, "nobody")
    admin = admin_of(olga)
    page = admin.get("/admin/users/axes/accessattempt/").content.decode()
    assert "203.0.113.9" in page
    attempt = AccessAttempt.objects.get(username="alice")
    assert admin.get(f"/admin/users/axes/accessattempt/{attempt.pk}/change/").status_code == 200
    assert admin.get("/admin/users/axes/accessattempt/add/").status_code == 403
    chosen = {"action": "unlock", "_selected_action": [attempt.pk]}
    assert "Unlocked: alice." in admin.post("/admin/users/axes/accessattempt/", chosen, follow=True).content.decode()
    assert (sign_in().status_code, sign_in("nobody").status_code) == (200, 429)
    assert [entry.get_change_message() for entry in LogEntry.objects.all()] == ["Unlocked alice."]


def test_what_counts_no_more_is_deleted(alice, fail):
    fail(2), fail(3, "bob")
    AccessAttempt.objects.filter(username="alice").update(attempt_time=F("attempt_time") - timedelta(minutes=16))
    assert services.purge_attempts() == 1
    assert AccessAttempt.objects.get().username == "bob"
