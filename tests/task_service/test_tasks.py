"""A task's life through the API: created, read, changed, completed, reopened, put into the trash."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from common.ids import time_of

FIELDS = [
    "id", "title", "description", "status", "priority", "start_at", "due_at", "parent", "assignees",
    "created_by", "completed_at", "created_at", "updated_at", "deleted_at", "version",
]  # fmt: skip


def test_a_new_task_has_a_location_an_etag_and_defaults(alice):
    response = alice.create(title="Buy milk")
    task = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/v1/tasks/{task['id']}/"
    assert response.headers["ETag"] == '"1"'
    assert list(task) == FIELDS
    made = {name: task[name] for name in FIELDS if name not in ("id", "created_at", "updated_at")}
    assert made == {
        "title": "Buy milk",
        "description": "",
        "status": "todo",
        "priority": "none",
        "start_at": None,
        "due_at": None,
        "parent": None,
        "assignees": [],
        "created_by": str(alice.id),
        "completed_at": None,
        "deleted_at": None,
        "version": 1,
    }


def test_a_new_tasks_id_is_a_uuid7_of_its_creation_time(alice):
    task = alice.make()
    created_at = datetime.fromisoformat(task["created_at"])
    assert UUID(task["id"]).version == 7
    assert time_of(UUID(task["id"])) == created_at
    assert timedelta(0) <= datetime.now(UTC) - created_at < timedelta(minutes=1)


def test_a_new_task_keeps_everything_that_was_sent(alice, bob):
    parent = alice.make(title="House")
    sent = {
        "title": "Paint the fence",
        "description": "Green, twice.\nMind the cat.",
        "status": "in_progress",
        "priority": "high",
        "start_at": "2030-04-30T06:00:00.000000Z",
        "due_at": "2030-05-01T12:30:45.123456Z",
        "parent": parent["id"],
        "assignees": sorted([str(alice.id), str(bob.id)]),
    }
    task = alice.make(**sent)
    assert task == task | sent


def test_what_create_answers_is_what_a_read_answers(alice, bob):
    task = alice.make(description="x", due_at="2030-05-01T14:30:00+02:00", assignees=[str(bob.id)])
    assert task["due_at"] == "2030-05-01T12:30:00.000000Z"
    assert alice.read(task).json() == task


def test_a_person_assigned_twice_is_assigned_once(alice, bob):
    assert alice.make(assignees=[str(bob.id), str(bob.id)])["assignees"] == [str(bob.id)]


def test_a_title_loses_the_white_space_around_it(alice):
    assert alice.make(title="  Buy milk\n")["title"] == "Buy milk"


def test_a_task_may_be_made_done(alice):
    task = alice.make(status="done")
    assert task["completed_at"] is not None


def test_patch_changes_only_what_is_sent(alice, bob):
    task = alice.make(description="Green", priority="high", due_at="2030-05-01T12:00:00Z", assignees=[str(bob.id)])
    changed = alice.patch(task, {"title": "Paint the wall"}).json()
    assert changed == task | {"title": "Paint the wall", "version": 2, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > task["updated_at"]


def test_put_resets_what_is_left_out(alice, bob):
    parent = alice.make()
    task = alice.make(
        description="Green",
        status="done",
        priority="high",
        start_at="2030-04-01T12:00:00Z",
        due_at="2030-05-01T12:00:00Z",
        parent=parent["id"],
        assignees=[str(bob.id)],
    )
    changed = alice.put(task, {"title": "Paint the wall"}).json()
    kept = {name: task[name] for name in ("id", "created_by", "created_at")}
    fresh = alice.make(title="Paint the wall") | kept | {"version": 2, "updated_at": changed["updated_at"]}
    assert changed == fresh


def test_put_needs_the_title(alice, errors):
    assert errors(alice.put(alice.make(), {"description": "x"})) == {"title": "required"}


def test_put_of_what_was_read_changes_nothing(alice, bob, shared_task):
    writable = FIELDS[1:9]
    parent = alice.make(title="House")
    alice.patch(shared_task, {"parent": parent["id"]})
    for who in (alice, bob):  # Bob can't see the parent, and leaves it where it is
        task = who.read(shared_task).json()
        response = who.put(task, {name: task[name] for name in writable})
        assert (response.status_code, response.json()) == (200, task)


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        ("todo", "complete", "done"),
        ("in_progress", "complete", "done"),
        ("cancelled", "complete", "done"),
        ("done", "reopen", "todo"),
        ("cancelled", "reopen", "todo"),
    ],
)
def test_complete_and_reopen_set_the_status_and_completed_at(alice, before, action, after):
    task = alice.make(status=before)
    response = alice.act(task, action)
    changed = response.json()
    assert (response.status_code, response.headers["ETag"]) == (200, '"2"')
    assert (changed["status"], changed["version"]) == (after, 2)
    assert (changed["completed_at"] is not None) == (after == "done")


@pytest.mark.parametrize(("status", "action"), [("done", "complete"), ("todo", "reopen"), ("in_progress", "reopen")])
def test_complete_and_reopen_may_come_twice(alice, status, action, told):
    task = alice.make(status=status)
    assert alice.act(task, action).json() == task
    assert len(told(task)) == 1


def test_completed_at_stays_while_the_task_is_done_and_goes_when_it_is_not(alice):
    task = alice.make(status="done")
    assert alice.patch(task, {"title": "x"}).json()["completed_at"] == task["completed_at"]
    assert alice.put(task, {"title": "y", "status": "done"}).json()["completed_at"] == task["completed_at"]
    assert alice.patch(task, {"status": "cancelled"}).json()["completed_at"] is None


def test_a_patch_with_nothing_new_makes_no_version_and_no_event(alice, told):
    task = alice.make(description="Green", due_at="2030-05-01T12:00:00Z")
    for same in ({}, {"description": "Green"}, {"due_at": "2030-05-01T14:00:00+02:00"}, {"assignees": []}):
        response = alice.patch(task, same)
        assert (response.status_code, response.json()) == (200, task)
    assert len(told(task)) == 1


def test_a_deleted_task_is_gone_for_everyone_and_in_the_trash(alice, bob, shared_task):
    response = alice.delete(shared_task)
    assert (response.status_code, response.content) == (204, b"")
    for who in (alice, bob):
        assert who.read(shared_task).status_code == 404
        assert who.titles() == []
    trashed = alice.list(trashed="true").json()["results"]
    assert [task["id"] for task in trashed] == [shared_task["id"]]
    assert trashed[0]["deleted_at"] is not None
    assert trashed[0]["version"] == 2


def test_a_task_in_the_trash_can_not_be_changed(alice):
    task = alice.make()
    alice.delete(task)
    answers = [alice.patch(task, {"title": "x"}), alice.put(task, {"title": "x"}), alice.delete(task)]
    answers += [alice.act(task, "complete"), alice.act(task, "reopen")]
    assert [answer.status_code for answer in answers] == [404] * 5


def test_a_method_that_a_path_does_not_know_is_405(alice):
    for response in (alice.api.delete("/api/v1/tasks/"), alice.api.get(alice.url(alice.make(), "complete"))):
        assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
        assert response.headers["Allow"]


def test_head_and_options_are_answered(alice):
    task = alice.make()
    head = alice.api.head(alice.url(task))
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", '"1"')
    assert alice.api.options(alice.url(task)).status_code == 200
    assert alice.api.options("/api/v1/tasks/").status_code == 200
