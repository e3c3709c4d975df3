"""What task_service tells again of tasks."""

from dataclasses import fields

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from common import events
from common.snapshots import snapshots
from task_service.tasks.models import Task
from task_service.tasks.services import erase_tasks

TASKS = "/internal/snapshots/tasks/"


@pytest.fixture
def ask():
    client = APIClient(headers={"authorization": f"Bearer {settings.SERVICE_CREDENTIAL}"})

    def get(path, **parameters):
        answer = client.get(TASKS + path, parameters)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return get


def test_a_task_is_told_as_its_last_event_told_it(alice, bob, charlie, told, ask):
    task = alice.make(title='Say "hi"\u2028', description="\\n", assignees=[str(charlie.id), str(bob.id)])
    alice.act(task, "complete")
    (event,) = ask("events/", ids=task["id"])["events"]
    assert event["data"] == told(task)[-1]["data"]


def test_the_trash_is_told_and_what_is_erased_is_not(alice, ask):
    trashed, erased = alice.make(), alice.make()
    alice.delete(trashed)
    erase_tasks(tasks=[Task.objects.get(pk=erased["id"])])
    assert [event["subject"] for event in ask("events/")["events"]] == [trashed["id"]]


def test_a_change_of_who_has_a_part_in_it_is_a_change_of_the_row(alice, bob, ask):
    task = alice.make()

    def digest():
        return ask("rows/", fields="people", ids=task["id"])["rows"][0][2]

    alone = digest()
    alice.patch(task, {"assignees": [str(bob.id)]})
    Task.objects.update(version=1)
    shared = digest()
    alice.patch(task, {"assignees": [str(bob.id), str(alice.id)]})
    Task.objects.update(version=1)
    assert alone != shared
    assert digest() == shared  # who created it has a part in any case


def test_every_fact_of_the_event_can_be_compared():
    names = {"created_by": "created_by_id", "parent": "parent_id", "assignees": "people"}
    facts = {names.get(field.name, field.name) for field in fields(events.TaskUpdated)} - {"id", "version"}
    assert set(snapshots()["tasks"].fields) == facts
