"""The account page: what Alice sees of her account, and what she does with its buttons; Bob's is his."""

import re
from datetime import timedelta
from zlib import compress

import pytest
from django.test import Client
from django.utils import timezone

from common import api_tokens
from tests.forms import Form
from user_service.api_tokens import services as tokens_services
from user_service.exports import services as exports
from user_service.exports.models import Export
from user_service.tokens import services as sessions
from user_service.tokens.devices import device_of
from user_service.tokens.models import Session

URL = "/login/account/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
MOZILLA = "Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) %s"


@pytest.fixture
def browser(alice, browser_of):
    return browser_of(alice, user_agent=FIREFOX, ip="203.0.113.7")


def text(page):
    """What a person reads, one line."""
    main = page.content.decode().partition("<main>")[2]
    return " ".join(re.sub("<[^>]+>", " ", main).replace("\N{NO-BREAK SPACE}", " ").split())


def press(browser, action, page=None):
    """Press the button of the form with that action, and follow; the page must have it."""
    content = (page or browser.get(URL)).content.decode()
    form = re.search(f'<form method="post" action="{re.escape(action)}">.*?</form>', content, re.DOTALL)
    assert form, f"no button for {action}"
    return browser.post(action, {name: values[0] for name, values in Form(form[0]).fields.items()}, follow=True)


def latest():
    return Session.objects.latest("id")


class TestPage:
    def test_alice_sees_who_she_is(self, browser):
        assert "Alice Ames alice · alice@example.org" in text(browser.get(URL))

    def test_it_is_for_who_is_signed_in(self, db):
        answer = Client(headers={"accept": "text/html"}).get(URL)
        assert answer.headers["Location"] == f"/login/?next={URL}"

    def test_it_runs_no_script_and_is_kept_by_no_browser(self, browser):
        page = browser.get(URL)
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "no-store" in page.headers["Cache-Control"]

    def test_an_operator_finds_the_admins(self, olga, browser, browser_of):
        assert 'href="/admin/tasks/"' in browser_of(olga).get(URL).content.decode()
        assert "/admin/" not in browser.get(URL).content.decode()

    def test_it_shows_whether_a_second_factor_is_on(self, alice, app, browser_of):
        assert "Second factor off Set up" in text(browser_of(alice).get(URL))
        app.guard(alice)
        page = text(browser_of(alice, second_factor=True).get(URL))
        assert re.search(r"Second factor on since .* · 10 recovery codes left New codes Turn off", page)

    def test_times_are_those_of_her_time_zone(self, alice, browser):
        tokens_services.create_api_token(
            user=alice,
            name="backup",
            scopes=["tasks:read"],
            expires_at=timezone.datetime.fromisoformat("2099-07-01T20:00Z"),
        )
        type(alice).objects.update(time_zone="Asia/Tokyo")
        assert "good until 2 July 2099, 05:00" in text(browser.get(URL))


class TestSessions:
    def test_each_is_shown_and_which_one_is_this(self, alice, bob, browser):
        sessions.begin_session(user=alice, user_agent="curl/8.0", ip="203.0.113.8")
        sessions.begin_session(user=bob, user_agent="wget/1.0")
        page = text(browser.get(URL))
        assert "Firefox on Linux this browser · 203.0.113.7 Sign out" in page
        assert "curl used now · 203.0.113.8 Sign out" in page
        assert "wget" not in page

    def test_of_very_many_the_latest_are_shown_and_always_this_one(self, alice, browser):
        for number in range(25):
            sessions.begin_session(user=alice, user_agent=f"script-{number}/1")
        page = text(browser.get(URL))
        assert page.count("script-") == 19
        assert "script-24" in page
        assert "this browser" in page
        assert "and 6 more" in page

    def test_she_signs_one_out(self, alice, browser):
        sessions.begin_session(user=alice, user_agent="curl/8.0")
        other = latest()
        page = press(browser, f"{URL}sessions/{other.id}/end/")
        assert page.redirect_chain == [(URL, 302)]
        assert "curl is signed out." in text(page)
        other.refresh_from_db()
        assert other.revoked_at is not None
        assert "curl" not in text(browser.get(URL))  # told once

    def test_this_browser_she_signs_out_as_everywhere(self, browser):
        assert press(browser, "/logout/").redirect_chain == [("/", 302)]
        assert not Session.objects.alive().exists()

    def test_bob_s_is_not_hers_to_end(self, bob, browser):
        sessions.begin_session(user=bob)
        browser.get(URL)
        csrf = {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
        assert browser.post(f"{URL}sessions/{latest().id}/end/", csrf).status_code == 404
        assert Session.objects.alive().filter(user=bob).exists()

    def test_she_signs_out_everywhere(self, alice, bob, browser, browser_of):
        browser_of(bob)
        sessions.begin_session(user=alice)
        page = press(browser, f"{URL}sessions/end/")
        assert page.redirect_chain == [("/login/", 302)]
        assert "You are signed out everywhere." in text(page)
        assert [session.user for session in Session.objects.alive()] == [bob]

    @pytest.mark.parametrize(
        ("user_agent", "device"),
        [
            (FIREFOX, "Firefox on Linux"),
            (MOZILLA % ("Windows NT 10.0; Win64; x64", "Chrome/140.0.0.0 Safari/537.36"), "Chrome on Windows"),
            (MOZILLA % ("Windows NT 10.0", "Chrome/140.0.0.0 Safari/537.36 Edg/140.0"), "Edge on Windows"),
            (MOZILLA % ("Linux; Android 15; Pixel 9", "Chrome/140.0.0.0 Mobile Safari/537.36"), "Chrome on Android"),
            (MOZILLA % ("Macintosh; Intel Mac OS X 10_15_7", "Version/18.5 Safari/605.1.15"), "Safari on macOS"),
            (MOZILLA % ("iPhone; CPU iPhone OS 18_5 like Mac OS X", "CriOS/140.0 Safari/604.1"), "Chrome on iPhone"),
            (MOZILLA % ("Fridge", "Safari/1"), "Safari"),
            ("curl/8.14.1", "curl"),
            ("python-httpx/0.28.1", "python-httpx"),
            ("Mozilla/5.0 (compatible)", "Mozilla"),
            ("", "An unknown device"),
        ],
    )
    def test_a_device_has_a_name_that_people_know(self, user_agent, device):
        assert device_of(user_agent) == device


class TestAPITokens:
    @pytest.fixture
    def made(self, alice):
        expires_at = timezone.now() + timedelta(days=30)
        return tokens_services.create_api_token(
            user=alice, name="Nightly <backup>", scopes=["tasks:write", "tasks:read"], expires_at=expires_at
        )

    def test_each_is_shown_with_its_scopes_and_use(self, browser, made):
        page = browser.get(URL).content.decode()
        assert "Nightly &lt;backup&gt;" in page
        assert "tasks:read, tasks:write" in page
        assert "never used" in page
        api_tokens.note_use(made.token)
        assert "used now Revoke" in text(browser.get(URL))

    def test_she_revokes_one(self, browser, made):
        page = press(browser, f"{URL}api-tokens/{made.token.id}/revoke/")
        assert page.redirect_chain == [(URL, 302)]
        assert "is revoked." in text(page)
        assert "You have none." in text(page)
        assert api_tokens.find(made.secret.encode()) is None

    def test_bob_may_not(self, bob, browser_of, made):
        browser = browser_of(bob)
        assert "backup" not in text(browser.get(URL))
        csrf = {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
        assert browser.post(f"{URL}api-tokens/{made.token.id}/revoke/", csrf).status_code == 404
        assert api_tokens.find(made.secret.encode())


class TestExport:
    def test_a_copy_is_asked_for_gathered_and_fetched(self, alice, browser):
        page = press(browser, f"{URL}export/")
        assert "Your data is being gathered." in text(page)
        assert "being gathered, asked for now Look again" in text(page)
        exports.keep_part(export_id=Export.objects.get(user=alice).pk, number=1, parts=1, data=compress(b"{}"))
        exports.make_archives()
        page = browser.get(URL)
        assert "Download Make a new one" in text(page)
        link = re.search('href="([^"]+zip)"', page.content.decode())[1]
        fetched = browser.get(link, headers={"accept": "text/html,*/*;q=0.8"})
        assert fetched.headers["Content-Type"] == "application/zip"

    def test_one_that_could_not_be_made_may_be_asked_for_again(self, alice, browser):
        press(browser, f"{URL}export/")
        exports.keep_part(export_id=Export.objects.get(user=alice).pk, number=1, parts=1, data=b"not compressed")
        exports.make_archives()
        assert "could not be made; if it fails again, tell an operator Try again" in text(browser.get(URL))


ACTIONS = ["sessions/end/", f"sessions/{'0' * 8}-0000-7000-8000-{'0' * 12}/end/", "export/"]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_button_needs_the_csrf_token(browser, action):
    assert browser.post(URL + action).status_code == 403
    assert Session.objects.alive().exists()
    assert not Export.objects.exists()


@pytest.mark.parametrize("action", ACTIONS)
def test_who_has_to_sign_in_first_comes_back_to_the_page(browser, action):
    assert browser.get(URL + action).headers["Location"] == URL
