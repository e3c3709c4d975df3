from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from common import events, inbox
from common.ids import uuid7
from tests.envelopes import envelope, task_event
from user_service.task_mirror.models import MirroredTask


def receive(*told):
    assert inbox.receive([envelope(event) for event in told]) == [None] * len(told)


@pytest.fixture
def counts_of(api_of):
    return lambda person: api_of(person).get("/api/v1/users/me/").json()["task_counts"]


def test_a_task_counts_for_who_made_it_and_who_does_it(alice, bob, charlie, counts_of):
    receive(task_event(created_by=alice.id, assignees=[bob.id]))
    assert counts_of(alice) == counts_of(bob) == {"open": 1, "done": 0}
    assert counts_of(charlie) == {"open": 0, "done": 0}


def test_a_task_of_ones_own_counts_once(alice, counts_of):
    receive(task_event(created_by=alice.id, assignees=[alice.id]))
    assert counts_of(alice) == {"open": 1, "done": 0}


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("todo", {"open": 1, "done": 0}),
        ("in_progress", {"open": 1, "done": 0}),
        ("done", {"open": 0, "done": 1}),
        ("cancelled", {"open": 0, "done": 0}),
    ],
)
def test_each_status_counts_where_it_belongs(alice, counts_of, status, counts):
    receive(task_event(created_by=alice.id, status=status))
    assert counts_of(alice) == counts


def test_completing_a_task_moves_it(alice, counts_of):
    task = task_event(created_by=alice.id)
    receive(task)
    done = task_event(events.TaskCompleted, id=task.id, version=2, created_by=alice.id, status="done")
    receive(done)
    assert counts_of(alice) == {"open": 0, "done": 1}


def test_the_tag_of_me_follows_the_counts(alice, api_of):
    me = api_of(alice)
    before = me.get("/api/v1/users/me/").headers["ETag"]
    receive(task_event(created_by=alice.id))
    assert me.get("/api/v1/users/me/", headers={"if-none-match": before}).status_code == 200


def test_who_is_no_longer_assigned_is_no_longer_counted(alice, bob, counts_of):
    task = task_event(events.TaskUpdated, created_by=alice.id, assignees=[bob.id])
    receive(task)
    receive(replace(task, version=2, assignees=[]))
    assert counts_of(bob) == {"open": 0, "done": 0}


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
def test_the_newest_version_wins_in_any_order(alice, order):
    task = task_event(events.TaskUpdated, created_by=alice.id)
    for version in order:
        receive(replace(task, version=version, title=f"v{version}"))
    assert MirroredTask.objects.values_list("version", "title").get() == (3, "v3")


def test_an_event_that_comes_twice_has_one_effect(alice):
    body = envelope(task_event(created_by=alice.id))
    assert inbox.receive([body]) == [None]
    assert inbox.receive([body, body]) == [None, None]
    assert MirroredTask.objects.count() == 1


def test_a_deleted_task_stays_deleted_when_its_creation_comes_late(alice, counts_of):
    created = task_event(created_by=alice.id)
    receive(task_event(events.TaskDeleted, id=created.id, version=2, created_by=alice.id, deleted_at=datetime.now(UTC)))
    receive(created)
    assert counts_of(alice) == {"open": 0, "done": 0}
    assert MirroredTask.objects.get().deleted_at is not None


def test_a_restored_task_counts_again(alice, counts_of):
    task = task_event(events.TaskDeleted, created_by=alice.id, version=2, deleted_at=datetime.now(UTC))
    receive(task)
    receive(task_event(events.TaskUpdated, id=task.id, version=3, created_by=alice.id))
    assert counts_of(alice) == {"open": 1, "done": 0}


def test_a_task_of_a_person_who_is_not_known_here_is_kept(db):
    receive(task_event(created_by=uuid7()))
    assert MirroredTask.objects.count() == 1


def test_the_mirror_hears_every_task_event():
    heard = {event.type for event in inbox.handlers() if event.type.startswith("task.")}
    assert heard == {kind.type for kind in [*events.TaskEvent.__subclasses__(), events.TaskErased]}
