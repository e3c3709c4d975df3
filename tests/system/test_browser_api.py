"""The browsable API of both services, as a person uses it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.system.running import PASSWORD

TASKS = "/api/v1/tasks/"
ANSWER = ".response-info"
POST, PUT = "#post-object-form", "#put-object-form"


@pytest.fixture
def page(browser, alice):
    """Alice has signed in and looks at her tasks."""
    browser.come_as(alice, to=TASKS)
    browser.see("HTTP 200", ANSWER)
    return browser


@pytest.fixture
def task(alice):
    return alice.post(TASKS, json={"title": "Buy bread", "due_at": "2030-01-02T03:04:00Z"}).json()


def make(browser, **fields):
    browser.fill(POST, **fields)
    browser.click(f"{POST} .form-actions button")


def test_a_stranger_is_shown_the_way_in(browser, alice):
    browser.open(f"{TASKS}?page_size=7")
    browser.see("HTTP 401", ANSWER)
    browser.follow("Sign in")
    browser.fill(username=alice.username, password=PASSWORD)
    browser.click("form button")
    browser.see("HTTP 200", ANSWER)
    assert browser.path == f"{TASKS}?page_size=7"


def test_a_person_registers_by_the_form_and_is_told_of_a_taken_name(browser, alice):
    browser.open("/api/v1/auth/register/")
    make(browser, username=alice.username.upper(), email="somebody@example.com", password=PASSWORD)
    browser.see("This is taken already.", f"{POST} .has-error")
    assert browser.find(f"{POST} [name=email]").get_attribute("value") == "somebody@example.com"
    assert browser.find(f"{POST} [name=password]").get_attribute("value") == ""
    make(browser, username=f"new-{alice.username}", email=f"new-{alice.username}@example.com", password=PASSWORD)
    browser.see("HTTP 201 Created", ANSWER)


def test_a_person_who_is_no_operator_is_offered_no_admin(page):
    assert "Admin" not in page.find(".navbar").text


def test_a_task_is_made_by_the_form_also_below_a_page_of_the_list(page, alice):
    page.open(f"{TASKS}?page_size=1")
    page.choose(f"{POST} [name=priority]", "High")
    make(page, title="Book the train")
    page.see("HTTP 201 Created", ANSWER)
    task = alice.get(TASKS).json()["results"][0]
    assert (task["title"], task["priority"]) == ("Book the train", "high")


def test_a_mistake_is_shown_at_its_field_and_the_rest_is_kept(page):
    page.driver.execute_script("arguments[0].value = '1800-01-01T10:00'", page.find(f"{POST} [name=due_at]"))
    make(page, title="Too early")
    page.see("Give a time from the year 1900 on.", f"{POST} .has-error")
    assert page.find(f"{POST} [name=title]").get_attribute("value") == "Too early"
    assert page.find(f"{POST} [name=due_at]").get_attribute("value") == "1800-01-01T10:00"


def test_the_list_is_paged_and_filtered(page, alice):
    for number in range(3):
        alice.post(TASKS, json={"title": f"Task {number}", "priority": "urgent" if number == 1 else "low"})
    page.open(f"{TASKS}?page_size=2")
    page.see("Task 2", ANSWER)
    page.follow("Next »")
    page.see("Task 0", ANSWER)
    page.follow("« Previous")
    page.see("Task 2", ANSWER)
    page.click("[data-target='#filtersModal']")
    page.choose("#filtersModal [name=priority]", "Urgent")
    page.click("#filtersModal [type=submit]")
    page.wait(lambda: "priority=urgent" in page.path)
    assert re.findall("Task [0-9]", page.find(ANSWER).text) == ["Task 1"]


def test_a_task_is_changed_by_the_form_and_by_raw_data(page, alice, task):
    page.open(f"{TASKS}{task['id']}/")
    page.fill(PUT, title="Buy rye bread")
    page.click(f"{PUT} .form-actions button")
    page.see('"version": 2', ANSWER)
    page.open(f"{TASKS}{task['id']}/")
    page.click("[href='#put-generic-content-form']")
    page.fill("#put-generic-content-form", _content='{"status": "in_progress"}')
    page.click("#put-generic-content-form [data-method=PATCH]")
    page.see('"version": 3', ANSWER)
    now = alice.get(f"{TASKS}{task['id']}/").json()
    assert (now["title"], now["status"], now["due_at"]) == ("Buy rye bread", "in_progress", task["due_at"])
    page.driver.delete_cookie("tabstyle")


def test_raw_data_can_be_sent_as_it_is_offered(page, task):
    page.open(f"{TASKS}{task['id']}/")
    page.click("[href='#put-generic-content-form']")
    page.click("#put-generic-content-form button:not([data-method])")
    page.wait(lambda: page.find(".request-info").text.startswith("PUT"))
    page.see("HTTP 200 OK", ANSWER)


def test_a_task_is_completed_and_deleted(page, alice, task):
    page.open(f"{TASKS}{task['id']}/")
    page.click("#extra-actions-menu")
    page.follow("Complete")
    page.click(f"{POST} .form-actions button")
    page.see('"status": "done"', ANSWER)
    page.open(f"{TASKS}{task['id']}/")
    page.click("[data-target='#deleteModal']")
    page.click("#deleteModal .btn-danger")
    page.see("HTTP 204", ANSWER)
    assert alice.get(f"{TASKS}{task['id']}/").status_code == 404


def test_an_api_token_is_made_by_the_form_and_works_in_both_services(page, system, alice):
    page.open("/api/v1/auth/api-tokens/")
    for scope in ("tasks:read", "profile:read"):
        page.choose(f"{POST} [name=scopes]", scope)
    expires_at = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M}"
    page.driver.execute_script("arguments[0].value = arguments[1]", page.find(f"{POST} [name=expires_at]"), expires_at)
    make(page, name="Nightly backup")
    page.see("HTTP 201 Created", ANSWER)
    secret = re.search('"token": "(tdm_[^"]+)"', page.find(ANSWER).text).group(1)
    script = system.client(headers={"Authorization": f"Bearer {secret}"})
    for path in (TASKS, "/api/v1/users/me/"):
        system.eventually(lambda path=path: script.get(path).status_code == 200)
    [made] = alice.get("/api/v1/auth/api-tokens/").json()["results"]
    page.open(f"/api/v1/auth/api-tokens/{made['id']}/")
    page.see("Nightly backup", ANSWER)
    page.click("[data-target='#deleteModal']")
    page.click("#deleteModal .btn-danger")
    page.see("HTTP 204", ANSWER)
    system.eventually(lambda: {script.get(path).status_code for path in (TASKS, "/api/v1/users/me/")} == {401})


def test_logging_out_is_for_both_services(page):
    page.click(".navbar .dropdown-toggle")
    page.click(".navbar .dropdown-menu button")
    page.wait(lambda: page.path == "/")
    for path in (TASKS, "/api/v1/users/me/"):
        page.open(path)
        page.see("HTTP 401", ANSWER)
