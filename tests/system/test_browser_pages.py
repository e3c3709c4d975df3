"""What anybody's browser shows: the landing page, the sign-in, the API's documents, errors."""

import pytest

from tests.system.running import PASSWORD


@pytest.fixture
def landing(browser):
    browser.open("/")
    return browser


def test_the_landing_page_leads_to_everything(landing, system):
    paths = {link.get_attribute("href").removeprefix(system.url).partition("?")[0] for link in landing.all("a")}
    assert paths >= {
        "/login/", "/api/docs/", "/admin/users/", "/admin/tasks/", "/api/v1/tasks/", "/api/v1/users/",
        "/api/schema/users/", "/api/schema/tasks/",
    }  # fmt: skip


def test_every_link_of_the_landing_page_leads_somewhere(landing, system):
    links = {link.get_attribute("href") for link in landing.all("a")}
    with system.client(headers={"Accept": "text/html,*/*;q=0.8"}, follow_redirects=True) as client:
        answers = {link: client.get(link).status_code for link in links}
    # A stranger is asked to sign in by some, and the registration takes a POST.
    assert {link: status for link, status in answers.items() if status not in (200, 401, 405)} == {}


def test_pages_are_styled_and_have_an_icon(landing):
    for path in ("/", "/login/", "/nothing/here/", "/api/v1/nothing/"):
        landing.open(path)
        assert "Tandem" in landing.driver.title
        assert landing.find(".brand img").get_property("naturalWidth") > 0
        assert "system-ui" in landing.find("body").value_of_css_property("font-family")


def test_a_wrong_password_is_told_and_the_name_is_kept(browser, alice):
    browser.sign_in(alice.username, "not-the-password", to="/api/v1/users/me/")
    browser.see("No active account has this name and password.")
    assert browser.find("[name=username]").get_attribute("value") == alice.username
    browser.fill(password=PASSWORD)
    browser.click("form button")
    browser.see(alice.username, ".response-info")
    assert browser.path == "/api/v1/users/me/"


@pytest.mark.parametrize(("path", "heading"), [("/nothing/", "Not Found"), ("/api/v1/nothing/", "Not Found")])
def test_what_is_not_there_is_a_page_that_leads_back(browser, path, heading):
    browser.open(path)
    browser.see(heading, "h1")
    browser.follow("Back to the start")
    browser.see("Sign in")
    assert browser.path == "/"


def test_a_form_that_is_too_old_is_a_page_too(browser, alice):
    browser.open("/login/")
    browser.driver.delete_cookie("csrftoken")
    browser.fill(username=alice.username, password=PASSWORD)
    browser.click("form button")
    browser.see("Forbidden", "h1")
    browser.see("csrf_failed")


def test_the_docs_show_both_documents(browser):
    browser.open("/api/docs/")
    browser.see("/api/v1/tasks/{id}/complete/")
    browser.choose("#select", "Users")
    browser.see("/api/v1/auth/register/")
    assert "Tandem" in browser.driver.title


def test_the_docs_try_a_call_with_a_token(browser, alice):
    browser.open("/api/docs/")
    browser.click(".btn.authorize")
    browser.find(".auth-container input").send_keys(alice.access)
    browser.click(".auth-btn-wrapper .authorize")
    browser.click(".btn-done")
    browser.click(".opblock-post .opblock-summary")
    browser.click(".try-out__btn")
    browser.click(".execute")
    browser.see("201", ".live-responses-table tbody .response-col_status")
    assert alice.get("/api/v1/tasks/").json()["results"] != []
