"""Idempotency-Key at tasks: a create, complete or reopen whose answer was lost may be said again."""

import threading
from urllib.parse import urlencode

import pytest
from django.db import transaction

from common.models import IdempotencyKey, OutboxEvent
from task_service.tasks.models import Task
from tests.answers import assert_problem
from tests.forms import shown
from tests.task_service.conftest import TASKS
from tests.waiting import wait_until, waiting_for_locks

KEY = {"idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


def create(person, title="Buy milk"):
    return person.api.post(TASKS, {"title": title}, headers=KEY)


def test_a_task_is_made_once(alice, told):
    first, again = create(alice), create(alice)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert (again.headers["Location"], again.headers["ETag"]) == (f"{TASKS}{first.json()['id']}/", '"1"')
    assert Task.objects.count() == 1
    assert [event["type"] for event in told(first.json())] == ["task.created"]


def test_of_fifty_creates_at_once_one_makes_the_task(transactional_db, alice, in_threads):
    answers = in_threads(50, lambda _: create(alice))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.content for answer in answers if answer.status_code == 201} == {create(alice).content}
    assert Task.objects.count() == OutboxEvent.objects.filter(type="task.created").count() == 1


def test_while_it_runs_the_same_is_refused_and_afterwards_answered(transactional_db, alice, in_threads):
    task = alice.make()
    locked, busy = threading.Event(), []

    def hold():
        with transaction.atomic():
            Task.objects.select_for_update().get(pk=task["id"])
            locked.set()
            wait_until(waiting_for_locks)
            busy.extend(in_threads(1, lambda _: alice.act(task, "complete", **KEY)))

    def complete():
        locked.wait(10)
        return alice.act(task, "complete", **KEY)

    _, done = in_threads(2, lambda number: (hold, complete)[number]())
    assert_problem(busy[0], 409, "idempotency_in_progress")
    again = alice.act(task, "complete", **KEY)
    assert (done.status_code, again.content, again.headers["ETag"]) == (200, done.content, done.headers["ETag"])
    assert again.headers["Idempotency-Replayed"] == "true"


def test_completing_again_says_what_it_said_even_where_the_task_was_reopened(alice):
    task = alice.make()
    done = alice.act(task, "complete", **KEY)
    alice.act(task, "reopen")
    assert alice.act(task, "complete", **KEY).content == done.content
    assert alice.read(task).json()["status"] == "todo"


def test_the_same_key_of_somebody_else_is_another(alice, bob, charlie):
    ids = {create(person).json()["id"] for person in (alice, bob, charlie) for _ in range(2)}
    assert len(ids) == Task.objects.count() == 3


def test_an_invalid_task_leaves_the_key_free(alice, errors):
    assert errors(create(alice, title="")) == {"title": "blank"}
    assert create(alice).status_code == 201


def test_a_stale_if_match_leaves_it_free_too(alice):
    task = alice.make()
    assert alice.act(task, "complete", **KEY, if_match='"7"').status_code == 412
    assert alice.act(task, "complete", **KEY, if_match='"1"').status_code == 200


def test_who_is_not_known_here_yet_has_a_key_too(db, stranger_here):
    dora = stranger_here("dora")
    assert create(dora).content == create(dora).content
    assert Task.objects.count() == 1


def test_without_a_key_a_task_is_one_statement_and_no_transaction(alice, django_assert_num_queries, transactional_db):
    with django_assert_num_queries(1):
        alice.make()
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("form", [{}, {"content_type": "application/x-www-form-urlencoded"}])
def test_a_form_of_the_browsable_api_has_its_body_left_after_the_csrf_check(alice, form):
    browser = alice.browser(enforce_csrf_checks=True)
    token = shown(browser, TASKS)["csrfmiddlewaretoken"]
    body = {"title": "By form", "status": "todo", "priority": "none", "csrfmiddlewaretoken": token}
    sent = urlencode(body, doseq=True) if form else body
    answers = [browser.post(TASKS, sent, **form, headers=KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert Task.objects.get().title == "By form"
