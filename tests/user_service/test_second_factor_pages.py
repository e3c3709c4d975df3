"""The second factor in the browser: the second step of the sign-in, and where it is set up."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import jwt
import pytest
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.core import signing
from django.db.models import F
from django.test import Client

from tests.forms import fill
from user_service.second_factor import services
from user_service.second_factor.models import SecondFactor
from user_service.tokens import services as sessions
from user_service.tokens.models import Session
from user_service.tokens.tokens import AccessToken
from user_service.users import services as users

URL = "/login/second-factor/"
CONFIRM = f"{URL}confirm/"
NEW_CODES = f"{URL}recovery-codes/"
CODE = "/login/code/"
ACCOUNT = "/login/account/"
BEGIN = f"{URL}?next=%2Flogin%2Faccount%2F"
PASSWORD = "correct-horse-9"
LIMIT = django_settings.AXES_FAILURE_LIMIT
EVIL = ["//evil.example", "https://evil.example/", "javascript:alert(1)"]


def amr(browser):
    return jwt.decode(browser.cookies["tandem_access"].value, options={"verify_signature": False})["amr"]


@pytest.fixture
def browser():
    return Client(enforce_csrf_checks=True, headers={"accept": "text/html"})


class TestSecondStep:
    @pytest.fixture
    def first(self, alice, app, browser):
        """Alice gives her password, and is asked for a code."""
        app.codes = app.guard(alice)

        def sign_in(wanted="/api/v1/users/me/", **fields):
            page = browser.get(f"/login/?{urlencode({'next': wanted})}")
            return fill(browser, page, "/login/", username="alice", password=PASSWORD, **fields)

        return sign_in

    @pytest.fixture
    def second(self, first, browser):
        def enter(code):
            step = first()
            return fill(browser, browser.get(step.headers["Location"]), CODE, code=code)

        return enter

    def test_after_the_password_comes_the_code_and_no_token(self, first):
        step = first()
        assert step.headers["Location"] == "/login/code/?next=%2Fapi%2Fv1%2Fusers%2Fme%2F"
        cookie = step.cookies["tandem_first_step"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["max-age"]) == (True, "Lax", CODE, 300)
        assert "tandem_access" not in step.cookies
        assert not Session.objects.alive().exists()

    def test_a_code_signs_in_and_leads_on(self, second, app, browser):
        answer = second(app.code())
        assert (answer.status_code, answer.headers["Location"]) == (302, "/api/v1/users/me/")
        assert answer.cookies["tandem_first_step"].value == ""
        assert amr(browser) == ["pwd", "mfa"]
        assert browser.get("/api/v1/users/me/").status_code == 200

    def test_a_recovery_code_does_too(self, second, app):
        assert second(app.codes[0]).status_code == 302

    def test_a_wrong_one_says_so_and_the_page_stays(self, second, app, browser):
        answer = second("000000")
        assert 'role="alert"' in answer.content.decode()
        assert "tandem_access" not in answer.cookies
        assert fill(browser, answer, CODE, code=app.code()).status_code == 302

    def test_wrong_ones_lock(self, second, app):
        assert [second("000000").status_code for _ in range(LIMIT)] == [200] * (LIMIT - 1) + [429]
        assert second(app.code()).status_code == 429

    def test_without_the_first_step_there_is_no_second(self, db, browser):
        answer = browser.get(f"{CODE}?next=/admin/users/")
        assert answer.headers["Location"] == "/login/?next=%2Fadmin%2Fusers%2F"
        browser.cookies["tandem_first_step"] = "rubbish"
        assert browser.get(CODE).status_code == 302

    def test_a_first_step_signed_for_something_else_is_none(self, alice, browser):
        browser.cookies["tandem_first_step"] = signing.dumps([str(alice.pk), alice.get_session_auth_hash()])
        assert browser.get(CODE).status_code == 302

    def test_it_runs_out(self, first, app, browser, monkeypatch):
        page = browser.get(first().headers["Location"])
        later = signing.time.time() + timedelta(minutes=6).total_seconds()
        monkeypatch.setattr(signing.time, "time", lambda: later)
        assert fill(browser, page, CODE, code=app.code()).headers["Location"].startswith("/login/?")
        assert not Session.objects.alive().exists()

    @pytest.mark.parametrize("change", ["password", "lock"])
    def test_what_changes_meanwhile_ends_it(self, alice, first, app, browser, change):
        page = browser.get(first().headers["Location"])
        alice.refresh_from_db()
        if change == "password":
            users.set_password(user=alice, password="another-horse-9")
        else:
            users.update_user(user=alice, changes={"is_active": False})
        assert fill(browser, page, CODE, code=app.code()).headers["Location"].startswith("/login/?")

    def test_an_access_cookie_that_has_run_out_is_not_in_the_way(self, alice, second, app, browser):
        token = AccessToken(sessions.begin_session(user=alice, second_factor=True).access)
        token.set_exp(lifetime=-timedelta(minutes=5))
        browser.cookies["tandem_access"] = str(token)
        assert second(app.code()).headers["Location"] == "/api/v1/users/me/"

    def test_the_step_needs_the_csrf_token(self, first, app, browser):
        first()
        assert browser.post(CODE, {"code": app.code()}).status_code == 403

    @pytest.mark.parametrize("wanted", EVIL)
    def test_it_leads_to_no_other_site(self, first, app, browser, wanted):
        step = first(wanted)
        assert step.headers["Location"] == "/login/code/?next=%2Flogin%2Faccount%2F"
        page = browser.get(f"{CODE}?{urlencode({'next': wanted})}")
        assert fill(browser, page, CODE, code=app.code(), next=wanted).headers["Location"] == ACCOUNT

    def test_who_has_none_is_not_asked(self, bob, browser):
        page = browser.get("/login/")
        assert fill(browser, page, "/login/", username="bob", password=PASSWORD).headers["Location"] == ACCOUNT
        assert amr(browser) == ["pwd"]


class TestSetUp:
    def test_from_a_password_over_the_picture_to_the_recovery_codes(self, alice, browser_of, app):
        browser = browser_of(alice)
        enrolment = fill(browser, browser.get(URL), URL, password=PASSWORD)
        assert "<svg" in enrolment.content.decode()
        page = app.set_up(browser).content.decode()
        codes = re.findall(r"<li><code>([A-Z2-7-]{19})</code>", page)
        assert len(codes) == 10
        assert services.use_code(user=alice, code=codes[0])
        assert "9 recovery codes are left" in browser.get(URL).content.decode()

    def test_a_wrong_code_shows_the_picture_again(self, alice, browser_of, app):
        browser = browser_of(alice)
        enrolment = fill(browser, browser.get(URL), URL, password=PASSWORD)
        answer = fill(browser, enrolment, CONFIRM, code="000000")
        assert "<svg" in answer.content.decode()
        assert 'role="alert"' in answer.content.decode()
        assert not SecondFactor.objects.guards(alice)

    def test_the_secret_is_shown_to_nobody_who_has_not_seen_it(self, alice, browser_of):
        secret = services.begin(user=alice).secret
        browser = browser_of(alice)
        page = browser.get(URL)
        answer = fill(browser, page, CONFIRM, code="000000", secret="another")
        assert (answer.status_code, secret in answer.content.decode()) == (302, False)

    def test_what_was_begun_runs_out(self, alice, browser_of, app):
        browser = browser_of(alice)
        app.scan(services.begin(user=alice).secret)
        SecondFactor.objects.update(begun_at=F("begun_at") - timedelta(minutes=10))
        answer = fill(browser, browser.get(URL), CONFIRM, code=app.code())
        assert answer.headers["Location"].startswith(URL)
        assert not SecondFactor.objects.guards(alice)

    def test_it_takes_the_password_and_counts_wrong_ones(self, alice, browser_of):
        browser = browser_of(alice)
        page = browser.get(URL)
        answers = [fill(browser, page, URL, password="wrong") for _ in range(LIMIT)]
        assert 'role="alert"' in answers[0].content.decode()
        assert [answer.status_code for answer in answers] == [200] * (LIMIT - 1) + [429]
        assert not SecondFactor.objects.exists()

    def test_no_code_is_taken_before_it_began(self, alice, browser_of):
        browser = browser_of(alice)
        page = browser.get(URL)
        assert fill(browser, page, CONFIRM, code="123456").headers["Location"] == BEGIN
        assert browser.get(CONFIRM).headers["Location"] == BEGIN

    def test_an_app_on_the_same_device_opens_it_by_a_link(self, alice, browser_of):
        browser = browser_of(alice)
        enrolment = fill(browser, browser.get(URL), URL, password=PASSWORD)
        assert 'href="otpauth://totp/Tandem:alice?secret=' in enrolment.content.decode()

    def test_new_recovery_codes_take_a_code(self, alice, browser_of, app):
        old, browser = app.guard(alice), browser_of(alice, second_factor=True)
        page = browser.get(NEW_CODES)
        assert 'role="alert"' in fill(browser, page, NEW_CODES, code="000000").content.decode()
        shown = fill(browser, page, NEW_CODES, code=app.code())
        assert "no-store" in shown.headers["Cache-Control"]
        assert f'href="{ACCOUNT}"' in shown.content.decode()
        new = re.findall(r"<li><code>([A-Z2-7-]{19})</code>", shown.content.decode())
        assert [services.use_code(user=alice, code=code) for code in (old[0], new[0])] == [False, True]

    def test_who_has_no_second_factor_is_led_to_where_it_is_set_up(self, alice, browser_of):
        assert browser_of(alice).get(NEW_CODES).headers["Location"] == URL

    def test_it_is_turned_off_by_password_and_code(self, alice, browser_of, app):
        browser = browser_of(alice)
        app.set_up(browser)
        page = browser.get(URL)
        assert 'role="alert"' in fill(browser, page, URL, password=PASSWORD, code="000000").content.decode()
        assert 'role="alert"' in fill(browser, page, URL, password="wrong", code=app.code()).content.decode()
        off = fill(browser, page, URL, password=PASSWORD, code=app.code())
        assert off.headers["Location"] == "/login/?next=%2Flogin%2Faccount%2F"
        assert not SecondFactor.objects.exists()
        page = browser.get(off.headers["Location"], follow=True)
        assert amr(browser) == ["pwd"]
        assert "Your second factor is off." in page.content.decode()

    @pytest.mark.parametrize("url", [URL, CONFIRM, NEW_CODES])
    def test_it_is_for_who_is_signed_in(self, db, browser, url):
        assert browser.get(url).headers["Location"] == f"/login/?next={url}"

    def test_nothing_of_it_is_kept_by_a_browser(self, alice, browser_of, app):
        assert "no-store" in app.set_up(browser_of(alice)).headers["Cache-Control"]


def test_no_code_of_a_page_gets_into_the_table(alice, browser, app):
    app.guard(alice)
    step = fill(browser, browser.get("/login/"), "/login/", username="alice", password=PASSWORD)
    fill(browser, browser.get(step.headers["Location"]), CODE, code="271828")
    assert "271828" not in str(AccessAttempt.objects.values().get())
