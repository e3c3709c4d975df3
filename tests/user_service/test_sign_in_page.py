from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from tests.answers import assert_problem
from tests.forms import fill
from user_service.tokens import services as sessions
from user_service.tokens.models import Session
from user_service.tokens.tokens import AccessToken
from user_service.users import services

URL, ACCOUNT = "/login/", "/login/account/"
EVIL = ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "http:///evil.example"]


@pytest.fixture
def browser():
    return Client(headers={"accept": "text/html"})


@pytest.fixture
def sign_in(browser, password):
    def post(username="alice", **more):
        return browser.post(URL, {"username": username, "password": password} | more)

    return post


def run_out(browser, person):
    """Put an access token into the cookie that has run out, of a session that has not."""
    token = AccessToken(browser.cookies["tandem_access"].value)
    token.set_exp(lifetime=-timedelta(minutes=5))
    browser.cookies["tandem_access"] = str(token)


def test_the_page_has_a_form(db, browser):
    page = browser.get(URL).content.decode()
    assert 'name="username"' in page
    assert 'name="csrfmiddlewaretoken"' in page


def test_the_page_runs_no_script_and_is_in_no_frame(db, browser):
    policy = browser.get(URL).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_signing_in_sets_two_cookies_that_scripts_cannot_read(alice, sign_in):
    response = sign_in(next="/api/v1/users/me/")
    assert (response.status_code, response.headers["Location"]) == (302, "/api/v1/users/me/")
    access, refresh = response.cookies["tandem_access"], response.cookies["tandem_refresh"]
    assert all(cookie["httponly"] and cookie["samesite"] == "Lax" for cookie in (access, refresh))
    assert (access["path"], refresh["path"]) == ("/", "/login/")


def test_who_wanted_nothing_else_comes_to_their_account(alice, browser, sign_in):
    assert sign_in().headers["Location"] == ACCOUNT
    assert browser.get(URL).headers["Location"] == ACCOUNT  # signed in already


def test_cookies_are_secure_behind_https(alice, sign_in, settings):
    settings.HTTPS = True
    assert all(sign_in().cookies[name]["secure"] for name in ("tandem_access", "tandem_refresh"))


def test_the_cookie_signs_in_for_the_browsable_api(alice, browser, sign_in):
    sign_in()
    page = browser.get("/api/v1/users/me/")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "alice@example.org" in page.content.decode()


def test_a_wrong_password_says_so_and_sets_no_cookie(alice, sign_in):
    response = sign_in(password="not-this-one")
    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()
    assert "tandem_access" not in response.cookies


def test_who_is_locked_out_sees_what_a_stranger_sees(alice, sign_in):
    services.update_user(user=alice, changes={"is_active": False})
    locked = sign_in().content.decode().split("<h1>")[1].split("<label")[0]
    unknown = sign_in("nobody").content.decode().split("<h1>")[1].split("<label")[0]
    assert locked == unknown


def test_what_was_typed_is_escaped(db, sign_in):
    assert "<script>" not in sign_in('"><script>alert(1)</script>').content.decode()


@pytest.mark.parametrize("wanted", EVIL)
def test_after_sign_in_nobody_is_sent_to_another_site(alice, sign_in, wanted):
    assert sign_in(next=wanted).headers["Location"] == ACCOUNT


@pytest.mark.parametrize("wanted", EVIL)
def test_the_form_does_not_carry_another_site_along(db, browser, wanted):
    assert 'name="next" value="/login/account/"' in browser.get(URL, {"next": wanted}).content.decode()


@pytest.mark.parametrize("wanted", EVIL)
def test_a_silent_renewal_sends_nobody_to_another_site(alice, browser_of, wanted):
    assert browser_of(alice).get(URL, {"next": wanted}).headers["Location"] == ACCOUNT


def test_signing_in_needs_the_csrf_token(alice, password):
    browser = Client(enforce_csrf_checks=True, headers={"accept": "text/html"})
    response = browser.post(URL, {"username": "alice", "password": password})
    assert response.status_code == 403
    assert "csrf_failed" in response.content.decode()
    assert not Session.objects.exists()


def test_signing_in_makes_a_csrf_token_of_before_void(alice, password):
    browser = Client(enforce_csrf_checks=True, headers={"accept": "text/html"})
    before = browser.get(URL)
    assert fill(browser, before, URL, username="alice", password=password).status_code == 302
    assert fill(browser, before, "/logout/").status_code == 403


def test_an_expired_cookie_leads_over_the_sign_in_back_to_the_page(alice, browser, sign_in):
    sign_in()
    run_out(browser, alice)
    response = browser.get("/api/v1/users/me/?format=api")
    assert response.headers["Location"] == "/login/?next=%2Fapi%2Fv1%2Fusers%2Fme%2F%3Fformat%3Dapi"
    response = browser.get(response.headers["Location"])
    assert response.headers["Location"] == "/api/v1/users/me/?format=api"
    assert browser.get("/api/v1/users/me/").status_code == 200


def test_a_renewal_rotates_the_refresh_cookie(alice, browser, sign_in):
    before = sign_in().cookies["tandem_refresh"].value
    assert browser.get(URL, {"next": "/"}).cookies["tandem_refresh"].value != before


def test_a_session_that_ended_elsewhere_shows_the_form_and_drops_the_cookies(alice, browser, sign_in):
    refresh = sign_in().cookies["tandem_refresh"].value
    sessions.end_session(refresh=refresh)
    response = browser.get(URL, {"next": "/"})
    assert 'name="username"' in response.content.decode()
    assert [response.cookies[name].value for name in ("tandem_access", "tandem_refresh")] == ["", ""]


def test_an_expired_cookie_does_not_redirect_scripts(alice, browser, sign_in):
    sign_in()
    run_out(browser, alice)
    for ask in (browser.get, browser.patch):
        assert ask("/api/v1/users/me/", headers={"accept": "application/json"}).status_code == 401


def test_a_form_sent_with_an_expired_cookie_is_renewed_and_arrives(alice, browser_of):
    browser = browser_of(alice)
    browser.get("/api/v1/users/me/")
    run_out(browser, alice)
    form = {"display_name": "Al", "csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
    url, body, kind = "/api/v1/users/me/", urlencode(form), "application/x-www-form-urlencoded"
    csrf = {"x-csrftoken": form["csrfmiddlewaretoken"]}
    first = browser.patch(url, body, kind, headers=csrf)
    assert (first.status_code, first.headers["Location"]) == (307, "/login/renew/?next=%2Fapi%2Fv1%2Fusers%2Fme%2F")
    second = browser.patch(first.headers["Location"], body, kind)
    assert (second.status_code, second.headers["Location"]) == (307, url)
    assert browser.patch(second.headers["Location"], body, kind, headers=csrf).status_code == 200
    alice.refresh_from_db()
    assert alice.display_name == "Al"


def test_a_form_whose_session_is_over_leads_to_the_sign_in(alice, browser_of):
    browser = browser_of(alice)
    services.set_password(user=alice, password="another-horse-9")
    response = browser.post("/login/renew/?next=/api/v1/users/me/", {"display_name": "Al"})
    assert (response.status_code, response.headers["Location"]) == (303, "/login/?next=%2Fapi%2Fv1%2Fusers%2Fme%2F")


@pytest.mark.parametrize("wanted", EVIL)
def test_a_renewed_form_goes_to_no_other_site(alice, browser_of, wanted):
    assert browser_of(alice).post("/login/renew/?" + urlencode({"next": wanted})).headers["Location"] == ACCOUNT


@pytest.mark.parametrize("wanted", ["/a\r\nSet-Cookie: b=c", "/\0", "/\u65e5\u672c", "/?a=\u00e4 b", f"/{'x' * 3000}"])
@pytest.mark.parametrize("renewal", ["/login/", "/login/renew/"])
def test_an_odd_address_costs_nobody_their_sign_in(alice, browser_of, renewal, wanted):
    browser = browser_of(alice)
    answer = browser.get(f"{renewal}?{urlencode({'next': wanted})}")
    assert answer.headers["Location"].isascii()
    assert answer.headers["Location"].isprintable()
    assert "tandem_refresh" in answer.cookies


def test_a_page_with_a_very_long_address_is_refused_and_not_renewed(alice, browser_of):
    browser = browser_of(alice)
    run_out(browser, alice)
    assert browser.get(f"/api/v1/users/me/?{'x' * 3000}").status_code == 401


def test_a_cookie_that_is_rubbish_does_not_redirect(db, browser):
    browser.cookies["tandem_access"] = "rubbish"
    assert browser.get("/api/v1/users/me/").status_code == 401


def test_a_renewal_within_the_grace_of_two_tabs_keeps_both_signed_in(alice, browser_of):
    one, other = browser_of(alice), browser_of(alice)
    other.cookies = one.cookies.copy()
    for _ in range(2):
        assert [tab.get(URL, {"next": "/"}).status_code for tab in (one, other)] == [302, 302]
    assert [tab.get("/api/v1/users/me/").status_code for tab in (one, other)] == [200, 200]


def test_writing_by_cookie_needs_the_csrf_token(alice, browser_of):
    browser = browser_of(alice)
    url, body = "/api/v1/users/me/", '{"display_name": "Al"}'
    assert browser.patch(url, body, "application/json").status_code == 403
    browser.get(url)
    csrf = {"x-csrftoken": browser.cookies["csrftoken"].value}
    assert browser.patch(url, body, "application/json", headers=csrf).status_code == 200


def test_logging_out_ends_the_session_and_drops_the_cookies(alice, browser, sign_in):
    refresh = sign_in().cookies["tandem_refresh"].value
    response = browser.post("/logout/")
    assert response.headers["Location"] == "/"
    assert {cookie.value for cookie in response.cookies.values()} == {""}
    with pytest.raises(sessions.RefreshRefused):
        sessions.renew_session(refresh=refresh)


def test_logging_out_works_where_the_clocks_differ(alice, browser_of, monkeypatch):
    now = timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr("rest_framework_simplejwt.tokens.aware_utcnow", lambda: now + timedelta(seconds=20))
        browser = browser_of(alice, enforce_csrf_checks=False)
    browser.post("/logout/")
    assert Session.objects.get().revoked_at is not None


def test_logging_out_works_with_an_expired_cookie(alice, browser, sign_in):
    sign_in()
    run_out(browser, alice)
    browser.post("/logout/")
    assert Session.objects.get().revoked_at is not None


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("get", "/logout/", "POST, OPTIONS"),
        ("delete", URL, "GET, POST, HEAD, OPTIONS"),
        ("put", URL, "GET, POST, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_a_problem_that_names_the_right_ones(db, client, method, path, allowed):
    response = getattr(client, method)(path, headers={"accept": "application/json"})
    assert_problem(response, 405, "method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) == set(allowed.split(", "))


def test_another_method_shows_a_browser_a_page(db, browser):
    response = browser.get("/logout/")
    assert (response.status_code, response.headers["Content-Type"]) == (405, "text/html; charset=utf-8")


def test_logging_out_without_being_signed_in_is_fine(db, browser):
    assert browser.post("/logout/").status_code == 302
