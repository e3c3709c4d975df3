"""The operator's admin: Olga works on tasks through the same services as the API; people and events she only reads."""

import pytest
from django.test import Client
from django.urls import reverse

from common import events
from common.models import InboxEvent, OutboxEvent
from task_service.tasks.models import Task
from tests.answers import assert_problem
from tests.forms import shown

TASKS = "/admin/tasks/tasks/task/"
FORM = {"title": "Paint", "description": "", "status": "todo", "priority": "none", "parent": ""}
NO_DATES = {"start_at_0": "", "start_at_1": "", "due_at_0": "", "due_at_1": ""}


def change_url(task):
    return f"{TASKS}{task['id']}/change/"


def save(browser, url, **fields):
    """Post the form, and follow to the list where the message is."""
    response = browser.post(url, FORM | NO_DATES | fields, follow=True)
    assert response.status_code == 200, response.content
    return response


def run_action(browser, action, *tasks):
    data = {"action": action, "_selected_action": [task["id"] for task in tasks]}
    return browser.post(TASKS, data, follow=True)


def test_olga_adds_a_task_and_it_is_told(olga, alice, bob, told):
    save(
        olga.browser(), f"{TASKS}add/", title="Audit", assignees=[str(bob.id)], due_at_0="2030-05-01", due_at_1="12:00"
    )
    row = Task.objects.get(title="Audit")
    task = bob.read({"id": str(row.id)}).json()
    assert (task["created_by"], task["assignees"], task["version"]) == (str(olga.id), [str(bob.id)], 1)
    assert task["due_at"] == "2030-05-01T12:00:00.000000Z"
    assert [(event["type"], event["data"]["version"]) for event in told(task)] == [("task.created", 1)]
    assert alice.read(task).status_code == 404


def test_olga_changes_a_task_and_its_assignees(olga, alice, bob, charlie, told):
    task = alice.make(title="Paint", assignees=[str(bob.id)])
    save(olga.browser(), change_url(task), title="Paint it", priority="high", assignees=[str(charlie.id)])
    changed = alice.read(task).json()
    assert (changed["title"], changed["priority"], changed["assignees"]) == ("Paint it", "high", [str(charlie.id)])
    assert (changed["created_by"], changed["version"]) == (str(alice.id), 2)
    assert [event["type"] for event in told(task)] == ["task.created", "task.updated"]
    assert [who.read(task).status_code for who in (alice, bob, charlie)] == [200, 404, 200]


def test_the_change_form_shows_what_is_set(olga, alice, bob):
    parent = alice.make(title="House")
    task = alice.make(
        title="Paint <it>",
        status="in_progress",
        due_at="2030-05-01T12:34:56Z",
        parent=parent["id"],
        assignees=[str(bob.id)],
    )
    form = olga.browser().get(change_url(task)).context["adminform"].form
    assert form["title"].value() == "Paint <it>"
    assert form["status"].value() == "in_progress"
    assert [str(person) for person in form["assignees"].value()] == [str(bob.id)]
    assert str(form["parent"].value()) == parent["id"]
    assert 'value="12:34:56"' in str(form["due_at"])


def test_saving_what_is_there_makes_no_version(olga, alice, bob, told):
    task = alice.make(title="Paint", assignees=[str(bob.id)])
    save(olga.browser(), change_url(task), assignees=[str(bob.id)])
    assert alice.read(task).json() == task
    assert len(told(task)) == 1


def test_a_form_that_was_open_meanwhile_takes_back_nothing(olga, alice, bob):
    task = alice.make(title="Paint", assignees=[str(bob.id)])
    browser, url = olga.browser(), change_url(task)
    form = shown(browser, url)
    alice.patch(task, {"title": "Paint the wall", "due_at": "2030-05-01T12:00:00Z", "assignees": []})
    assert browser.post(url, form | {"priority": "high"}).status_code == 302
    now = alice.read(task).json()
    assert (now["priority"], now["title"], now["due_at"]) == ("high", "Paint the wall", "2030-05-01T12:00:00.000000Z")
    assert now["assignees"] == []


def test_olga_sets_the_status_and_completed_at_follows(olga, alice, told):
    task = alice.make(title="Paint")
    save(olga.browser(), change_url(task), status="done")
    assert alice.read(task).json()["completed_at"] is not None
    assert told(task)[-1]["type"] == "task.completed"


def test_olga_completes_and_reopens_by_action(olga, alice, bob, told):
    tasks = [alice.make(), bob.make(status="in_progress"), bob.make(status="done")]
    assert run_action(olga.browser(), "complete", *tasks).status_code == 200
    assert [who.read(task).json()["status"] for who, task in zip((alice, bob, bob), tasks, strict=True)] == ["done"] * 3
    assert [told(task)[-1]["type"] for task in tasks] == ["task.completed", "task.completed", "task.created"]
    assert run_action(olga.browser(), "reopen", *tasks).status_code == 200
    assert [told(task)[-1]["type"] for task in tasks] == ["task.reopened"] * 3
    assert alice.read(tasks[0]).json()["version"] == 3


def test_olga_deletes_one_task_into_the_trash(olga, alice, bob, told):
    task = alice.make(assignees=[str(bob.id)])
    child = alice.make(title="Below", parent=task["id"])
    assert olga.browser().get(f"{TASKS}{task['id']}/delete/").status_code == 200
    assert olga.browser().post(f"{TASKS}{task['id']}/delete/", {"post": "yes"}, follow=True).status_code == 200
    assert [found["id"] for found in alice.list(trashed="true").json()["results"]] == [task["id"]]
    assert (told(task)[-1]["type"], told(task)[-1]["data"]["version"]) == ("task.deleted", 2)
    assert alice.read(child).json() == child


def test_olga_deletes_many_by_action(olga, alice, told):
    tasks = [alice.make() for _ in range(3)]
    alice.delete(tasks[0])
    assert run_action(olga.browser(), "delete_selected", *tasks).status_code == 200
    data = {"action": "delete_selected", "_selected_action": [task["id"] for task in tasks], "post": "yes"}
    assert olga.browser().post(TASKS, data, follow=True).status_code == 200
    assert len(alice.list(trashed="true").json()["results"]) == 3
    assert [len(told(task)) for task in tasks] == [2, 2, 2]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 501}, "title"),
        ({"status": "x"}, "status"),
        ({"due_at_0": "0001-01-01", "due_at_1": "00:00"}, "due_at"),
        ({"due_at_0": "9999-01-01", "due_at_1": "00:00"}, "due_at"),
        ({"assignees": ["01900000-0000-7000-8000-000000000000"]}, "assignees"),
        ({"parent": "01900000-0000-7000-8000-000000000000"}, "parent"),
        ({"parent": "itself"}, "parent"),
    ],
    ids=str,
)
def test_what_the_api_refuses_the_admin_refuses_next_to_the_field(olga, alice, told, fields, field):
    task = alice.make(title="Paint")
    fields = fields | ({"parent": task["id"]} if fields.get("parent") == "itself" else {})
    response = save(olga.browser(), change_url(task), **fields)
    assert field in response.context["adminform"].form.errors
    assert alice.read(task).json() == task
    assert len(told(task)) == 1


def test_a_ring_of_parents_is_refused_next_to_the_field(olga, alice):
    top = alice.make(title="Paint")
    below = alice.make(parent=alice.make(parent=top["id"])["id"])
    response = save(olga.browser(), change_url(top), parent=below["id"])
    assert "parent" in response.context["adminform"].form.errors
    assert alice.read(top).json() == top


def test_a_task_in_the_trash_is_shown_and_left_alone(olga, alice, told):
    task = alice.make(title="Paint")
    alice.delete(task)
    browser = olga.browser()
    assert browser.get(change_url(task)).status_code == 200
    assert "_save" not in browser.get(change_url(task)).content.decode()
    assert browser.post(change_url(task), FORM | NO_DATES | {"title": "New"}).status_code == 403
    assert browser.post(f"{TASKS}{task['id']}/delete/", {"post": "yes"}).status_code == 403
    assert len(told(task)) == 2


def test_more_than_50_assignees_are_refused_here_too(olga, alice, person):
    task = alice.make(title="Paint")
    people = [str(person(f"person{number}").id) for number in range(51)]
    response = save(olga.browser(), change_url(task), assignees=people)
    assert "assignees" in response.context["adminform"].form.errors
    assert alice.read(task).json() == task


@pytest.mark.parametrize("model", ["tasks_task", "user_mirror_user", "common_outboxevent", "common_inboxevent"])
def test_olga_sees_every_list_and_can_search_it(olga, shared_task, model):
    path = reverse(f"admin:{model}_changelist")
    text = "01900000-0000-7000-8000-000000000000" if model.startswith("common") else "a"
    for url in (path, f"{path}?q={text}", f"{path}?q=x%00y"):
        assert olga.browser().get(url, follow=True).status_code == 200
    assert olga.browser().get(f"{path}?nonsense=1").status_code == 400


@pytest.mark.parametrize("model", ["user_mirror_user", "common_outboxevent", "common_inboxevent"])
def test_people_and_events_can_only_be_read(olga, shared_task, bob, model):
    rows = {"user_mirror_user": bob.id, "common_outboxevent": OutboxEvent.objects.first().pk}
    pk = rows.get(model) or InboxEvent.objects.first().pk
    browser = olga.browser()
    assert browser.get(reverse(f"admin:{model}_change", args=[pk])).status_code == 200
    for url in (reverse(f"admin:{model}_add"), reverse(f"admin:{model}_delete", args=[pk])):
        assert (browser.get(url).status_code, browser.post(url, {"post": "yes"}).status_code) == (403, 403)
    if model != "user_mirror_user":  # of a person the permissions can be written, see test_operators.py
        assert browser.post(reverse(f"admin:{model}_change", args=[pk]), {"username": "x"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [str(pk)], "post": "yes"}
    browser.post(reverse(f"admin:{model}_changelist"), action)
    assert browser.get(reverse(f"admin:{model}_change", args=[pk])).status_code == 200


@pytest.mark.parametrize("path", ["/admin/tasks/", TASKS, f"{TASKS}add/", "/admin/tasks/login/"])
def test_who_is_no_operator_gets_403(alice, bob, charlie, path):
    for who in (alice, bob, charlie):
        response = who.browser().get(path, follow=True)
        assert (response.status_code, "Permission" in response.content.decode()) != (200, True)
        assert response.status_code == 403
    assert alice.browser().post(f"{TASKS}add/", FORM, follow=True).status_code == 403
    assert not Task.objects.exists()


@pytest.mark.parametrize("path", ["/admin/tasks/", TASKS])
def test_who_is_not_signed_in_is_sent_to_the_sign_in(db, path):
    response = Client().get(path)
    response = Client().get(response.headers["Location"])
    assert response.status_code == 302
    assert response.headers["Location"] == f"/login/?next={path.replace('/', '%2F')}"


def test_a_post_without_the_csrf_token_is_refused(olga):
    browser = olga.browser(enforce_csrf_checks=True)
    assert browser.post(f"{TASKS}add/", FORM | NO_DATES).status_code == 403
    browser.get(f"{TASKS}add/")
    token = browser.cookies["csrftoken"].value
    assert browser.post(f"{TASKS}add/", FORM | NO_DATES | {"csrfmiddlewaretoken": token}).status_code == 302
    assert Task.objects.count() == 1


def test_an_operator_who_is_locked_here_and_signed_in_is_not_sent_round_in_circles(olga, hear, news_of):
    hear(news_of(olga, events.UserUpdated, version=2, is_staff=True, is_active=False))
    response = olga.browser().get(TASKS, follow=True)
    assert (response.status_code, len(response.redirect_chain)) == (403, 1)


class TestSecondFactor:
    @pytest.fixture(autouse=True)
    def _need_one(self, settings):
        settings.OPERATORS_NEED_SECOND_FACTOR = True

    @pytest.mark.parametrize("amr", [None, [], ["pwd"]])
    def test_without_one_olga_is_led_to_where_it_is_set_up(self, olga, amr):
        olga.sign_in(amr=amr)
        response = olga.browser().get(TASKS)
        assert response.headers["Location"].startswith("/admin/tasks/login/")
        response = olga.browser().get(response.headers["Location"])
        assert response.headers["Location"] == "/login/second-factor/?next=%2Fadmin%2Ftasks%2Ftasks%2Ftask%2F"

    def test_nothing_is_written_without_one(self, olga):
        assert olga.browser().post(f"{TASKS}add/", FORM | NO_DATES).status_code == 302
        assert not Task.objects.exists()

    def test_with_one_she_works(self, olga):
        olga.sign_in(amr=["pwd", "mfa"])
        assert olga.browser().get(TASKS).status_code == 200

    def test_who_is_no_operator_is_refused_with_or_without(self, alice):
        for amr in (["pwd"], ["pwd", "mfa"]):
            alice.sign_in(amr=amr)
            assert alice.browser().get(TASKS, follow=True).status_code == 403

    def test_a_session_that_lacks_one_is_good_for_no_api(self, olga):
        olga.sign_in(scope="")
        assert_problem(olga.list(), 403, "second_factor_not_set_up")
