"""The operator signs in once, works in both admins and both browsable APIs, signs out once, and is out everywhere."""

import json

import pytest

from tests.system.test_revocation import refused_everywhere

PERSON, TASK, HOLDS = "/admin/users/users/user/{}/", "/admin/tasks/tasks/task/{}/", "/admin/tasks/erasure/legalhold/"
TASKS, ME = "/api/v1/tasks/", "/api/v1/users/me/"


@pytest.fixture
def task(system, alice):
    """Alice's, whom task_service has heard of, and of the operator, too."""
    known = "SELECT count(*) FROM user_mirror_user WHERE id = %s OR username = %s AND is_superuser"
    system.eventually(lambda: system.sql("task_service", known, alice.id, system.operator) == [(2,)])
    return alice.post(TASKS, json={"title": "Water the plants"}).json()


def come_in(browser, system, wanted):
    """By the one sign-in, which a page that wants somebody leads to."""
    browser.open(wanted)
    browser.wait(lambda: browser.path.startswith("/login/?next="))
    browser.fill(username=system.operator, password=system.operator_password)
    browser.click("form button")
    browser.wait(lambda: browser.path == wanted)


def change_the_person(browser, alice):
    page = PERSON.format(alice.id)
    browser.fill(display_name="Alice Liddell")
    browser.click("[name=_save]")
    browser.see("was changed successfully")
    check_log(browser, page, "Changed Display name.")


def change_the_task(browser, task):
    page = TASK.format(task["id"])
    browser.open(f"{page}change/")
    browser.fill(title="Water all plants")
    browser.choose("[name=priority]", "Urgent")
    browser.click("[name=_save]")
    browser.see("was changed successfully")
    check_log(browser, page, "Changed Title and Priority.")


def check_log(browser, page, said):
    """The admin's log says what was done, under the operator's name."""
    browser.open(f"{page}history/")
    browser.see("operator", "td[data-label=User]")
    browser.see(said, "td[data-label=Action]")


def hold(browser, alice):
    browser.open(f"{HOLDS}add/")
    browser.pick("person", alice.username, alice.username)
    browser.fill(why="Court order 7")
    browser.click("[name=_save]")
    browser.see("was added successfully")
    browser.open(f"{HOLDS}?q={alice.username}")
    browser.see("operator", "#result_list .field-placed_by")


def make_a_task_by_the_form(browser):
    browser.open(TASKS)
    browser.fill("#post-object-form", title="Call the plumber")
    browser.click("#post-object-form .form-actions button")
    browser.see("HTTP 201 Created", ".response-info")


def change_oneself_by_raw_data(browser):
    browser.follow("You")
    browser.wait(lambda: browser.path == ME)
    browser.fill("#put-generic-content-form", _content=json.dumps({"display_name": "Olga"}))
    browser.click("#put-generic-content-form [data-method=PATCH]")
    browser.see('"display_name": "Olga"', ".response-info")


def sign_out_in_the_admin(browser):
    browser.open("/admin/tasks/")
    browser.click("[x-data*=openUserLinks] > [x-on\\:click]")
    browser.click("#logout-form button")
    browser.wait(lambda: browser.path == "/")


def check_out(browser, system, access):
    """Also with what the cookie held, as who had stolen it would send it."""
    for path in ("/admin/users/", "/admin/tasks/"):
        browser.open(path)
        assert browser.path.startswith("/login/?next=")
    for path in (TASKS, ME):
        browser.open(path)
        browser.see("HTTP 401", ".response-info")
    thief = system.client(headers={"Authorization": f"Bearer {access}"})
    refused_everywhere(system, thief)
    with_cookie = system.client(headers={"Cookie": f"tandem_access={access}", "Accept": "text/html"})
    assert [with_cookie.get(path).status_code for path in (TASKS, ME, "/admin/users/", "/admin/tasks/")] == [
        401, 401, 302, 302,
    ]  # fmt: skip


def test_one_sign_in_is_for_all_work_and_one_sign_out_ends_it_everywhere(browser, system, alice, task):
    come_in(browser, system, PERSON.format(alice.id) + "change/")
    change_the_person(browser, alice)
    change_the_task(browser, task)
    hold(browser, alice)
    make_a_task_by_the_form(browser)
    change_oneself_by_raw_data(browser)
    access = browser.driver.get_cookie("tandem_access")["value"]

    assert alice.get(ME).json()["display_name"] == "Alice Liddell"
    changed = alice.get(f"{TASKS}{task['id']}/").json()
    assert (changed["title"], changed["priority"]) == ("Water all plants", "urgent")
    operator = system.client(headers={"Authorization": f"Bearer {access}"})
    assert operator.get(ME).json()["display_name"] == "Olga"
    assert operator.get(TASKS).json()["results"][0]["title"] == "Call the plumber"

    sign_out_in_the_admin(browser)
    check_out(browser, system, access)
