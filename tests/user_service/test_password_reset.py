"""Who has forgotten the password sets a new one by mail; whoever else asks learns nothing and gets nothing."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db.models import F
from django.test import Client

from tests.answers import field_errors
from user_service.mail.models import OutgoingMail
from user_service.mail.services import send_due
from user_service.tokens import services as sessions
from user_service.tokens.models import Session
from user_service.tokens.tokens import AccessToken
from user_service.users import reset_tokens, services
from user_service.users.models import PasswordResetRequest, User

ASK = "/api/v1/auth/password/reset/"
CONFIRM = "/api/v1/auth/password/reset/confirm/"
NEW = "another-horse-9"


@pytest.fixture
def post(mailoutbox):
    """What was mailed, after the schedule had its turn."""

    def sent():
        services.answer_password_reset_requests()
        send_due()
        return mailoutbox

    return sent


@pytest.fixture
def token(alice, api, post):
    api.post(ASK, {"email": alice.email})
    return re.search(r"\?token=(\S+)", post()[-1].body)[1]


def password_is(password):
    return User.objects.get(username="alice").check_password(password)


def test_the_mail_leads_to_a_new_password_and_ends_all_sessions(alice, api, post):
    sessions.begin_session(user=alice)
    assert api.post(ASK, {"email": "ALICE@example.org"}).status_code == 202
    (mail,) = post()
    assert mail.to == ["alice@example.org"]
    token = re.search(r"^http://localhost:8080/login/reset/\?token=(\S+)$", mail.body, re.MULTILINE)[1]
    assert api.post(CONFIRM, {"token": token, "new_password": NEW}).status_code == 204
    assert password_is(NEW)
    assert not Session.objects.alive().exists()
    assert [mail.subject for mail in post()] == ["Set a new password", "Your password was changed"]


def test_what_a_stranger_typed_is_in_no_letter(register, api, post):
    register("www.evil.example", email="victim@example.org")
    api.post(ASK, {"email": "victim@example.org"})
    assert "evil" not in post()[-1].body


def test_a_program_finds_the_token_in_a_line_of_its_own(token, post):
    assert f"\n{token}\n" in post()[-1].body


def test_a_stranger_hears_the_same_and_nothing_is_sent(alice, api, post):
    known, unknown = api.post(ASK, {"email": alice.email}), api.post(ASK, {"email": "nobody@example.org"})
    assert (unknown.status_code, unknown.content) == (known.status_code, known.content) == (202, known.content)
    assert [mail.to for mail in post()] == [["alice@example.org"]]


def test_who_is_locked_out_gets_no_mail(alice, api, post):
    services.update_user(user=alice, changes={"is_active": False})
    assert api.post(ASK, {"email": alice.email}).status_code == 202
    services.set_password(user=alice, password=NEW)
    assert post() == []


def test_the_fourth_in_an_hour_is_not_sent(alice, bob, api, post):
    for _ in range(5):
        assert api.post(ASK, {"email": alice.email}).status_code == 202
    api.post(ASK, {"email": bob.email})
    assert [mail.to[0] for mail in post()] == [alice.email] * 3 + [bob.email]
    OutgoingMail.objects.update(created_at=F("created_at") - timedelta(hours=1, seconds=1))
    api.post(ASK, {"email": alice.email})
    assert len(post()) == 5


def test_another_address_does_not_get_her_more(alice, api, post):
    for number in range(5):
        alice = services.update_user(user=alice, changes={"email": f"alice{number}@example.org"})
        api.post(ASK, {"email": alice.email})
        post()
    assert len(post()) == 3


def test_asking_costs_the_same_whether_anybody_has_the_address(alice, api, django_assert_num_queries):
    for email in (alice.email, "nobody@example.org"):
        with django_assert_num_queries(1):
            api.post(ASK, {"email": email})


def test_one_whose_person_is_held_up_holds_up_no_other(alice, bob, api, post, monkeypatch):
    token_for = reset_tokens.token_for
    monkeypatch.setattr(reset_tokens, "token_for", lambda user: token_for(user) if user == bob else 1 / 0)
    for person in (alice, bob):
        api.post(ASK, {"email": person.email})
    assert [mail.to for mail in post()] == [[bob.email]]
    assert [asked.email for asked in PasswordResetRequest.objects.all()] == [alice.email]


def test_no_address_is_kept(alice, api, post):
    for email in (alice.email, "nobody@example.org"):
        api.post(ASK, {"email": email})
    post()
    assert not PasswordResetRequest.objects.exists()


def test_the_mail_is_not_kept_with_its_token(token):
    assert not OutgoingMail.objects.filter(body__contains=token).exists()


@pytest.mark.parametrize("email", ["alice", "", None, "a@b", "x" * 250 + "@example.org"])
def test_what_is_no_address_is_refused(db, api, email):
    assert set(field_errors(api.post(ASK, {"email": email}))) == {"email"}


class TestToken:
    @pytest.fixture
    def confirm(self, api):
        return lambda token, password=NEW: api.post(CONFIRM, {"token": token, "new_password": password})

    def refused(self, answer):
        assert field_errors(answer) == {"token": "invalid_token"}
        assert answer.json()["code"] == "invalid_token"
        assert not password_is("stolen-horse-9")

    def test_it_is_good_once(self, token, confirm):
        assert confirm(token).status_code == 204
        self.refused(confirm(token, "stolen-horse-9"))

    @pytest.mark.django_db(transaction=True)
    def test_of_several_at_once_one_sets_the_password(self, token, in_threads):
        answers = in_threads(4, lambda n: services.reset_password(token=token, password=f"another-horse-{n}"))
        assert answers.count(None) == 1
        assert password_is(f"another-horse-{answers.index(None)}")

    def test_it_is_good_for_an_hour(self, token, confirm, monkeypatch):
        now = PasswordResetTokenGenerator()._now()
        monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: now + timedelta(hours=1, seconds=2))
        self.refused(confirm(token, "stolen-horse-9"))

    def test_a_second_one_does_not_end_the_first(self, token, alice, api, confirm):
        api.post(ASK, {"email": alice.email})
        assert confirm(token).status_code == 204

    def test_any_new_password_ends_it(self, token, alice, confirm):
        services.set_password(user=alice, password=NEW)
        self.refused(confirm(token, "stolen-horse-9"))

    def test_a_new_address_ends_it(self, token, alice, confirm):
        services.update_user(user=alice, changes={"email": "alice@example.net"})
        self.refused(confirm(token, "stolen-horse-9"))

    def test_a_locked_account_ends_it(self, token, alice, confirm):
        services.update_user(user=alice, changes={"is_active": False})
        self.refused(confirm(token, "stolen-horse-9"))

    def test_it_is_hers_alone(self, token, alice, bob, confirm):
        self.refused(confirm(token.replace(alice.pk.hex, bob.pk.hex), "stolen-horse-9"))

    @pytest.mark.parametrize(
        "forged", ["x", "-", "0" * 32, "z" * 32 + "-a-b", "0" * 32 + "-a-b", "é-ü", "٣" * 32 + "-a"]
    )
    def test_what_is_none_is_refused(self, alice, confirm, forged):
        self.refused(confirm(forged, "stolen-horse-9"))

    @pytest.mark.parametrize(
        ("new", "code"),
        [("short", "password_too_short"), ("password1", "password_too_common"), ("alice-99x", "password_too_similar")],
    )
    def test_a_bad_password_does_not_use_it_up(self, token, confirm, new, code):
        assert field_errors(confirm(token, new)) == {"new_password": code}
        assert confirm(token).status_code == 204

    def test_both_fields_are_needed(self, db, api):
        assert field_errors(api.post(CONFIRM, {})) == {"token": "required", "new_password": "required"}


class TestPages:
    @pytest.fixture
    def browser(self):
        browser = Client(enforce_csrf_checks=True, headers={"accept": "text/html"})
        browser.get("/login/")
        return browser

    def send(self, browser, url, **fields):
        return browser.post(url, fields | {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value})

    def test_the_sign_in_leads_to_it(self, db, browser):
        assert 'href="/login/forgot/"' in browser.get("/login/").content.decode()

    def test_a_known_and_an_unknown_address_see_the_same(self, alice, browser, post):
        pages = [self.send(browser, "/login/forgot/", email=email) for email in (alice.email, "nobody@example.org")]
        assert pages[0].status_code == 200
        assert pages[0].content == pages[1].content
        assert len(post()) == 1

    def test_the_link_sets_a_new_password(self, token, browser):
        page = browser.get("/login/reset/", {"token": token})
        assert f'name="token" value="{token}"' in page.content.decode()
        answer = self.send(browser, "/login/reset/", token=token, new_password=NEW)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/login/")
        assert password_is(NEW)
        assert "Your new password is set" in browser.get("/login/").content.decode()

    def test_looking_at_the_link_does_not_use_it_up(self, token, browser):
        for _ in range(2):
            assert 'name="new_password"' in browser.get("/login/reset/", {"token": token}).content.decode()

    def test_a_link_that_is_good_no_more_says_so_before_a_password_is_typed(self, token, alice, browser):
        services.set_password(user=alice, password=NEW)
        for void in (token, "x", ""):
            page = browser.get("/login/reset/", {"token": void})
            assert "This link is good no more" in page.content.decode()
            assert 'href="/login/forgot/"' in page.content.decode()
            assert 'name="new_password"' not in page.content.decode()
            assert page.headers["Referrer-Policy"] == "strict-origin"

    def test_a_sign_in_that_is_over_is_not_in_the_way(self, token, alice, browser_of):
        browser = browser_of(alice)
        access = AccessToken(browser.cookies["tandem_access"].value)
        access.set_exp(lifetime=-timedelta(minutes=5))
        browser.cookies["tandem_access"] = str(access)
        assert browser.get("/login/reset/", {"token": token}).status_code == 200

    def test_one_that_was_used_meanwhile_says_so_and_offers_another(self, alice, browser):
        page = self.send(browser, "/login/reset/", token="x", new_password=NEW).content.decode()
        assert "too old" in page
        assert 'href="/login/forgot/"' in page
        assert not password_is(NEW)

    def test_a_bad_password_is_explained(self, token, browser):
        page = self.send(browser, "/login/reset/", token=token, new_password="short").content.decode()
        assert "too short" in page
        assert f'value="{token}"' in page

    def test_the_token_goes_to_nobody_as_a_referrer_and_into_no_cache(self, token, browser):
        page = browser.get("/login/reset/", {"token": token})
        assert page.headers["Referrer-Policy"] == "strict-origin"
        assert "no-store" in page.headers["Cache-Control"]

    @pytest.mark.parametrize("url", ["/login/forgot/", "/login/reset/"])
    def test_they_need_the_csrf_token(self, db, browser, url):
        assert browser.post(url, {}).status_code == 403


def test_her_mail_goes_with_her(alice, bob, api):
    for person in (alice, bob):
        api.post(ASK, {"email": person.email})
    services.answer_password_reset_requests()
    alice.delete()
    assert [mail.recipient for mail in OutgoingMail.objects.all()] == [bob.email]
