"""What task_service tells the others: one event for each change, with the task as it is then."""

import json

import pytest
from django.db import transaction

from common.models import OutboxEvent
from task_service.tasks import services
from task_service.tasks.models import Task

# (what Alice does to a task that is in the state `before`, the event that tells of it)
WRITES = {
    "create": ("todo", None, "task.created"),
    "patch": ("todo", lambda alice, task: alice.patch(task, {"title": "New"}), "task.updated"),
    "put": ("todo", lambda alice, task: alice.put(task, {"title": "New"}), "task.updated"),
    "patch to done": ("todo", lambda alice, task: alice.patch(task, {"status": "done"}), "task.completed"),
    "put from done": ("done", lambda alice, task: alice.put(task, {"title": "New"}), "task.reopened"),
    "cancel": ("todo", lambda alice, task: alice.patch(task, {"status": "cancelled"}), "task.updated"),
    "cancel when done": ("done", lambda alice, task: alice.patch(task, {"status": "cancelled"}), "task.reopened"),
    "complete": ("in_progress", lambda alice, task: alice.act(task, "complete"), "task.completed"),
    "reopen": ("done", lambda alice, task: alice.act(task, "reopen"), "task.reopened"),
    "reopen when cancelled": ("cancelled", lambda alice, task: alice.act(task, "reopen"), "task.updated"),
    "delete": ("todo", lambda alice, task: alice.delete(task), "task.deleted"),
}


@pytest.mark.parametrize("name", WRITES)
def test_each_write_is_told_once_with_the_whole_task(alice, bob, told, name):
    before, write, event_type = WRITES[name]
    parent = alice.make()
    task = alice.make(
        status=before,
        description="Green",
        priority="high",
        start_at="2030-05-01T12:00:00Z",
        due_at="2030-06-01T12:00:00.5Z",
        parent=parent["id"],
        assignees=[str(bob.id)],
    )
    if write is not None:
        assert write(alice, task).status_code in (200, 204)
    events = told(task)
    assert len(events) == (1 if write is None else 2)
    assert events[-1]["type"] == event_type
    assert canonical(events[-1]["data"]) == canonical(as_it_is(alice, task))


def as_it_is(person, task):
    trashed = person.list(trashed="true").json()["results"]
    return next((found for found in trashed if found["id"] == task["id"]), None) or person.read(task).json()


def canonical(task):
    """The same moment is written in two ways: with six digits of a second, or with as many as it needs."""
    found = {name: value for name, value in task.items() if not name.endswith("_at")}
    times = {name: (value or "").rstrip("Z") for name, value in task.items() if name.endswith("_at")}
    return found | {name: value.rstrip("0").rstrip(".") if "." in value else value for name, value in times.items()}


def test_the_envelope_is_a_cloudevent_of_the_request(alice):
    response = alice.api.post("/api/v1/tasks/", {"title": "x"}, headers={"x-request-id": "my-own-request"})
    row = OutboxEvent.objects.get(aggregate_id=response.json()["id"])
    envelope = json.loads(row.envelope)
    assert {name: envelope[name] for name in ("specversion", "source", "type", "subject", "requestid")} == {
        "specversion": "1.0",
        "source": "/task_service",
        "type": "task.created",
        "subject": response.json()["id"],
        "requestid": "my-own-request",
    }
    assert (row.type, str(row.event_id), row.version, row.state) == ("task.created", envelope["id"], 1, "pending")


def test_versions_of_events_count_up_with_the_task(alice, told):
    task = alice.make()
    for number in range(3):
        alice.patch(task, {"title": f"Turn {number}"})
    alice.delete(task)
    assert [event["data"]["version"] for event in told(task)] == [1, 2, 3, 4, 5]
    assert Task.objects.get(id=task["id"]).version == 5


def test_events_tell_who_is_assigned_and_who_no_longer(alice, bob, charlie, told):
    bobs, charlies = str(bob.id), str(charlie.id)
    task = alice.make()
    for people in ([bobs], [charlies, bobs], [charlies], []):
        alice.patch(task, {"assignees": people})
    assert [event["data"]["assignees"] for event in told(task)] == [
        [],
        [bobs],
        sorted([bobs, charlies]),
        [charlies],
        [],
    ]


def test_the_order_in_which_people_are_assigned_is_no_news(alice, bob, charlie, told):
    people = [str(bob.id), str(charlie.id)]
    task = alice.make(assignees=people)
    assert alice.patch(task, {"assignees": people[::-1]}).json() == task
    assert len(told(task)) == 1


@pytest.mark.parametrize("fields", [{"title": ""}, {"status": "x"}, {"parent": "self"}, {"assignees": ["x"]}], ids=str)
def test_a_refused_write_tells_nothing_and_changes_nothing(alice, told, fields):
    task = alice.make()
    if "parent" in fields:
        fields = {"parent": task["id"]}
    assert alice.patch(task, {"description": "New"} | fields).status_code == 400
    assert alice.read(task).json() == task
    assert len(told(task)) == 1


def test_no_event_without_its_change(alice, told):
    task = alice.make()

    class Interrupted(Exception):
        pass

    def write(row):
        services.update_task(task=row, changes={"title": "New"})
        services.delete_task(task=row)
        services.create_task(by=row.created_by, title="Another")
        raise Interrupted

    with pytest.raises(Interrupted), transaction.atomic():
        write(Task.objects.get(id=task["id"]))
    assert alice.read(task).json() == task
    assert (len(told(task)), OutboxEvent.objects.filter(type="task.created").count()) == (1, 1)


def test_charlie_causes_no_event_of_a_task_that_is_not_his(alice, bob, charlie, shared_task, told):
    for who in (alice, bob, charlie):
        who.patch(shared_task, {"title": f"By {who.username}"})
    assert [event["data"]["title"] for event in told(shared_task)] == ["Paint the fence", "By alice", "By bob"]
