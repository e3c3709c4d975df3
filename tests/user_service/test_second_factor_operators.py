"""Second factors and operators: one may be wanted of them, and they reset those of people who lost theirs."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from tests.answers import assert_problem
from tests.forms import fill
from user_service.second_factor.models import SecondFactor
from user_service.tokens import services as sessions
from user_service.tokens.models import Session

URL = "/login/second-factor/"
PEOPLE = "/admin/users/users/user/"


class TestWanted:
    @pytest.fixture(autouse=True)
    def _need_one(self, settings):
        settings.OPERATORS_NEED_SECOND_FACTOR = True

    def test_an_operator_without_one_is_led_to_where_it_is_set_up_and_back(self, olga, browser_of, app):
        browser = browser_of(olga)
        page = browser.get(PEOPLE, follow=True)
        assert page.redirect_chain[-1] == (f"{URL}?next=%2Fadmin%2Fusers%2Fusers%2Fuser%2F", 302)
        done = app.set_up(browser, PEOPLE)
        onward = re.search(r'class="button" href="([^"]+)"', done.content.decode())[1]
        back = browser.get(onward, follow=True)
        assert back.redirect_chain == [(PEOPLE, 302)]
        assert back.status_code == 200

    def test_the_sign_in_leads_there_at_once(self, olga, alice):
        for person, to in ((olga, f"{URL}?next=%2Fadmin%2Ftasks%2F"), (alice, "/admin/tasks/")):
            browser = Client(headers={"accept": "text/html"})
            page = browser.get("/login/?next=/admin/tasks/")
            answer = fill(browser, page, "/login/", username=person.username, password="correct-horse-9")
            assert answer.headers["Location"] == to

    def test_who_does_not_follow_the_link_gets_in_too(self, olga, browser_of, app):
        browser = browser_of(olga)
        app.set_up(browser)
        assert browser.get("/admin/users/", follow=True).status_code == 200

    def test_nothing_is_written_before(self, olga, alice, admin_of, app):
        app.guard(alice)
        admin_of(olga).post(PEOPLE, {"action": "reset_second_factor", "_selected_action": [alice.pk]})
        assert SecondFactor.objects.guards(alice)

    def test_who_signed_in_with_one_is_let_in(self, olga, browser_of, app):
        app.guard(olga)
        assert browser_of(olga, second_factor=True).get("/admin/users/").status_code == 200

    def test_a_person_without_rights_is_still_refused(self, alice, browser_of):
        assert browser_of(alice).get("/admin/users/", follow=True).status_code == 403

    def test_without_one_there_are_no_tokens(self, olga, sign_in):
        assert_problem(sign_in("olga"), 401, "second_factor_not_set_up")
        assert not Session.objects.exists()

    def test_a_wrong_password_says_nothing_of_it(self, olga, sign_in):
        assert_problem(sign_in("olga", "wrong"), 401, "invalid_credentials")

    def test_with_one_there_are(self, olga, app, sign_in):
        app.guard(olga)
        assert sign_in("olga", code=app.code()).status_code == 200

    def test_people_need_none(self, alice, sign_in):
        assert sign_in().status_code == 200

    @pytest.mark.parametrize(
        "path",
        ["users/me/", "users/", "users/me/export/"]
        + [f"auth/{name}/" for name in ("sessions", "api-tokens", "second-factor", "logout-all", "password")],
    )
    def test_a_browser_s_session_without_one_is_good_for_no_api(self, olga, browser_of, path):
        browser = browser_of(olga)
        bearer = {"authorization": f"Bearer {browser.cookies['tandem_access'].value}"}
        for api in (Client(headers=bearer), browser):
            answer = api.get(f"/api/v1/{path}", headers={"accept": "application/json"})
            assert_problem(answer, 403, "second_factor_not_set_up")

    @pytest.mark.parametrize("path", ["/login/account/", "/login/password/", "/login/account/delete/"])
    def test_nor_for_other_pages(self, olga, browser_of, path):
        assert browser_of(olga).get(path).headers["Location"].startswith(f"{URL}?next=%2Flogin%2F")

    def test_nor_after_a_renewal_by_the_api(self, olga, api):
        renewed = sessions.renew_session(refresh=sessions.begin_session(user=olga).refresh)
        answer = api.get("/api/v1/users/me/", headers={"authorization": f"Bearer {renewed.access}"})
        assert_problem(answer, 403, "second_factor_not_set_up")

    def test_once_it_is_set_up_the_session_is_good_for_all(self, olga, browser_of, app):
        browser = browser_of(olga)
        app.set_up(browser)
        browser.get("/login/?next=/")
        assert browser.get("/api/v1/users/me/").status_code == 200


def test_an_operator_resets_a_person_s(alice, bob, olga, admin_of, app):
    app.guard(alice)
    pair = sessions.begin_session(user=alice, second_factor=True)
    form = {"action": "reset_second_factor", "_selected_action": [alice.pk, bob.pk]}
    answer = admin_of(olga).post(PEOPLE, form, follow=True)
    assert "Second factor reset: alice." in answer.content.decode()
    assert not SecondFactor.objects.exists()
    with pytest.raises(sessions.RefreshRefused):
        sessions.renew_session(refresh=pair.refresh)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.get_change_message(), entry.user_id) == (
        str(alice.pk), "Second factor reset.", olga.pk,
    )  # fmt: skip


def test_the_admin_shows_who_has_one(alice, bob, olga, browser_of, app):
    app.guard(alice)
    pages = [browser_of(olga).get(f"{PEOPLE}{who.pk}/change/").content.decode() for who in (alice, bob)]
    shown = [re.search(r'Second factor</label>.*?title="(\w+)"', page, re.DOTALL)[1] for page in pages]
    assert shown == ["True", "False"]
