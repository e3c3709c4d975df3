"""Both admins, as the operator works in them."""

import pytest

from tests.system.running import PASSWORD

PEOPLE = "/admin/users/users/user/"
TASKS = "/admin/tasks/tasks/task/"


@pytest.fixture(scope="module")
def operator(system):
    """Of whom task_service has heard."""
    known = "SELECT is_superuser FROM user_mirror_user WHERE username = %s"
    system.eventually(lambda: system.sql("task_service", known, system.operator) == [(True,)])
    return system.sign_in_operator()


@pytest.fixture
def office(browser, operator):
    browser.come_as(operator)
    return browser


@pytest.fixture
def task(alice):
    return alice.post("/api/v1/tasks/", json={"title": f"Water the plants of {alice.username}"}).json()


def run(browser, action):
    browser.click("#result_list tbody [name=_selected_action]")
    browser.choose("[name=action]", action)
    browser.click("[name=index]")


def test_one_admin_leads_to_the_other(office):
    office.open("/admin/tasks/")
    office.click("#site-name")
    office.click("a[href='/admin/users/']")
    office.wait(lambda: office.path == "/admin/users/")


def test_who_is_no_operator_is_refused(browser, alice):
    browser.come_as(alice, to="/admin/tasks/")
    browser.see("Forbidden", "h1")


def test_a_task_is_added_with_its_people_and_they_see_it(office, system, bob):
    system.eventually(lambda: system.sql("task_service", "SELECT 1 FROM user_mirror_user WHERE id = %s", bob.id))
    office.open(f"{TASKS}add/")
    office.fill(title="Order new chairs", due_at_0="2030-12-24", due_at_1="10:00")
    office.pick("assignees", bob.username, bob.username)
    office.click("[name=_save]")
    office.see("was added successfully")
    [task] = bob.get("/api/v1/tasks/").json()["results"]
    assert (task["title"], task["due_at"]) == ("Order new chairs", "2030-12-24T10:00:00.000000Z")


def test_mistakes_in_a_task_are_shown_at_their_fields(office, task):
    office.open(f"{TASKS}{task['id']}/change/")
    office.fill(due_at_0="tomorrow")
    office.click("[name=_save]")
    office.see("Enter a valid date.", ".field-due_at")
    office.fill(due_at_0="")
    office.pick("parent", task["title"], task["title"])
    office.click("[name=_save]")
    office.see("A task can't be below itself.", ".field-parent")


def test_actions_on_tasks_that_were_searched_for(office, alice, task):
    office.open(f"{TASKS}?q={alice.username}")
    run(office, "Complete the selected tasks")
    office.see("Completed. 1 changed.")
    assert alice.get(f"/api/v1/tasks/{task['id']}/").json()["status"] == "done"
    run(office, "Delete selected tasks")
    office.see("Are you sure")
    office.click("form:has([name=post]) [type=submit]")
    office.see("Successfully deleted 1 task.")
    assert alice.get(f"/api/v1/tasks/{task['id']}/").status_code == 404


def test_a_task_in_the_trash_is_only_shown(office, alice, task):
    alice.delete(f"/api/v1/tasks/{task['id']}/")
    office.open(f"{TASKS}{task['id']}/change/")
    office.see(task["title"])
    assert office.all("[name=_save]") == []


def test_a_person_is_added_and_may_sign_in(office, system, alice):
    name = f"new-{alice.username}"
    office.open(f"{PEOPLE}add/")
    office.fill(username=alice.username, email=alice.username + "@example.com", password1="abc", password2="abd")
    office.click("[name=_save]")
    office.see("The two password fields", ".field-password2")
    office.fill(username=name, password1=PASSWORD, password2=PASSWORD)
    office.click("[name=_save]")
    office.see("This is taken already.", ".field-email")
    office.fill(email=f"{name}@example.com", password1=PASSWORD, password2=PASSWORD)
    office.click("[name=_save]")
    office.see("was added successfully")
    answer = system.client().post("/api/v1/auth/token/", json={"username": name, "password": PASSWORD})
    assert answer.status_code == 200


def test_a_person_is_made_an_operator_and_enters_both_admins(office, system, alice):
    office.open(f"{PEOPLE}{alice.id}/change/")
    office.click("[name=is_staff]")
    office.click("[name=is_superuser]")
    office.click("[name=_save]")
    office.see("was changed successfully")
    flag = "SELECT is_superuser FROM user_mirror_user WHERE id = %s"
    system.eventually(lambda: system.sql("task_service", flag, alice.id) == [(True,)])
    office.forget()
    office.come_as(alice, to="/admin/tasks/")
    office.see("Admin of tasks")


def test_a_taken_name_is_told_in_a_persons_form(office, alice, bob):
    office.open(f"{PEOPLE}{alice.id}/change/")
    office.fill(username=bob.username.upper())
    office.click("[name=_save]")
    office.see("This is taken already.", ".field-username")


def test_permissions_are_picked_by_search(office, alice):
    office.open(f"{PEOPLE}{alice.id}/change/")
    office.pick("user_permissions", "view_user", "People | user | Can view user")
    office.click("[name=_continue]")
    office.see("was changed successfully")
    office.see("Can view user", ".field-user_permissions")


def test_an_event_is_shown_in_full_and_only_shown(office, task):
    office.open("/admin/tasks/common/outboxevent/?state=all")
    office.click("#result_list tbody a")
    office.see('"specversion": "1.0"', "pre")
    assert office.all("[name=_save]") == []


@pytest.mark.parametrize("mirror", ["/admin/users/task_mirror/mirroredtask/", "/admin/tasks/user_mirror/user/"])
def test_a_mirror_is_only_shown(office, system, task, mirror):
    system.eventually(lambda: system.sql("user_service", "SELECT 1 FROM task_mirror_mirroredtask LIMIT 1"))
    office.open(mirror)
    office.click("#result_list tbody a")
    office.see("Version")
    assert office.all("fieldset [name]:not([type=hidden]):not([name=user_permissions])") == []
    assert office.all("a[href$='/add/']") == []


def test_an_operator_is_given_permissions_in_the_admin_of_tasks_and_works_by_them(office, system, alice):
    office.open(f"{PEOPLE}{alice.id}/change/")
    office.click("[name=is_staff]")
    office.click("[name=_save]")
    office.see("was changed successfully")
    flag = "SELECT is_staff FROM user_mirror_user WHERE id = %s"
    system.eventually(lambda: system.sql("task_service", flag, alice.id) == [(True,)])
    office.open(f"/admin/tasks/user_mirror/user/{alice.id}/change/")
    office.pick("user_permissions", "view_task", "Tasks | task | Can view task")
    office.click("[name=_continue]")
    office.see("Can view task", ".field-user_permissions")
    office.forget()
    office.come_as(alice, to=TASKS)
    office.wait(lambda: "Select task to view" in office.driver.title)
    assert office.all("a[href$='/add/']") == []


def test_an_api_token_is_revoked(office, system, alice):
    made = alice.make_api_token("tasks:read")
    script = system.client(headers={"Authorization": f"Bearer {made['token']}"})
    system.eventually(lambda: script.get("/api/v1/tasks/").status_code == 200)
    office.open(f"/admin/users/common/apitoken/?q={alice.username}")
    run(office, "Revoke the selected API tokens")
    office.see("Revoked. 1 changed.")
    system.eventually(lambda: script.get("/api/v1/tasks/").status_code == 401)
