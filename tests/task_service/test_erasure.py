"""task_service's part in the erasure of a person: Alice is erased, Bob shares a task, Charlie is a stranger."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from django.contrib.admin.models import LogEntry

from common import events
from common.ids import uuid7
from common.models import OutboxEvent
from task_service.erasure import services
from task_service.erasure.models import Erasure
from task_service.tasks.models import Participant, Task

HOLDS = "/admin/tasks/erasure/legalhold/"


def test_being_asked_destroys_nothing(alice, hear, saga):
    task = alice.make()
    hear(saga["requested", 1])
    assert (saga.state, saga.answers()) == ("prepared", ["prepared"])
    assert alice.read(task).json() == task


def test_a_private_task_is_gone_for_ever_with_a_tombstone_that_says_nothing(alice, erase, saga, told):
    task, trashed = alice.make(title="Secret"), alice.make(title="Secret too", assignees=[str(alice.id)])
    alice.delete(trashed)
    erase()
    assert saga.answers() == ["prepared", "done"]
    assert not Task.objects.exists()
    for each, version in ((task, 2), (trashed, 3)):
        last = told(each)[-1]
        assert (last["type"], last["data"]["version"]) == ("task.erased", version)
        assert set(last["data"]) == {"id", "version", "erased_at"}


def test_a_shared_task_becomes_the_first_assignee_s(alice, bob, charlie, erase, told):
    people = sorted([str(bob.id), str(charlie.id)])
    task = alice.make(assignees=[str(alice.id), *people])
    erase()
    found = bob.read(task).json()
    assert (found["created_by"], found["assignees"], found["version"]) == (people[0], people, 2)
    assert told(task)[-1]["type"] == "task.updated"
    assert told(task)[-1]["data"]["created_by"] == people[0]
    assert [who.delete(task).status_code for who in (charlie, bob)] == [403, 204]


def test_in_the_trash_too(alice, bob, shared_task, erase):
    alice.delete(shared_task)
    erase()
    found = bob.list(trashed="true").json()["results"][0]
    assert (found["created_by"], found["version"]) == (str(bob.id), 3)


def test_the_task_of_somebody_else_is_left(alice, bob, erase, told):
    task = bob.make(assignees=[str(alice.id), str(bob.id)])
    erase()
    found = bob.read(task).json()
    assert (found["created_by"], found["assignees"], found["version"]) == (str(bob.id), [str(bob.id)], 2)


def test_what_is_below_an_erased_task_keeps_on_without_it(alice, bob, erase, told):
    parent = alice.make(assignees=[str(bob.id)])
    child = bob.make(parent=parent["id"])
    alice.patch(parent, {"assignees": []})
    erase()
    found = bob.read(child).json()
    assert (found["parent"], found["version"]) == (None, 2)
    assert told(child)[-1]["data"]["parent"] is None


def test_a_parent_and_its_child_go_together(alice, erase, told):
    parent = alice.make()
    child = alice.make(parent=parent["id"])
    erase()
    assert not Task.objects.exists()
    assert [event["type"] for event in told(child)] == ["task.created", "task.erased"]


def test_more_than_a_batch(alice, bob, erase, monkeypatch):
    monkeypatch.setattr(services, "BATCH", 2)
    for number in range(5):
        alice.make(assignees=[str(bob.id)] if number % 2 else [])
    erase()
    assert Task.objects.count() == 2
    assert not Participant.objects.filter(user=alice.id).exists()


def test_a_stranger_s_tasks_stay(charlie, erase):
    task = charlie.make()
    erase()
    assert charlie.read(task).json() == task


def test_the_log_forgets_the_title(alice, olga, erase):
    task = alice.make(title="Secret")
    olga.browser().post(
        "/admin/tasks/tasks/task/", {"action": "complete", "_selected_action": [task["id"]]}, follow=True
    )
    assert LogEntry.objects.get().object_repr == "Secret"
    erase()
    assert LogEntry.objects.get().object_repr == "erased task"


def test_what_comes_twice_is_answered_once(hear, saga):
    for said in [("requested", 1)] * 2 + [("committed", 2)] * 2 + [("requested", 1)]:
        hear(saga[said])
        services.erase_committed()
    assert (saga.state, saga.answers()) == ("done", ["prepared", "done"])


@pytest.mark.parametrize("order", list(permutations([("requested", 1), ("cancelled", 2), ("cancelled", 3)])), ids=str)
def test_cancelled_beats_what_it_was_told_after_in_any_order(alice, hear, saga, order):
    task = alice.make()
    for said in order:
        hear(saga[said])
    assert saga.state == "cancelled"
    assert saga.answers() in ([], ["prepared"])
    assert alice.read(task).json() == task


def test_a_commit_needs_no_request_before_it(alice, hear, saga):
    alice.make()
    hear(saga["committed", 2])
    hear(saga["requested", 1])
    services.erase_committed()
    assert (saga.state, saga.answers()) == ("done", ["done"])
    assert not Task.objects.exists()


def test_what_is_sent_again_is_answered_again(hear, saga):
    for said in [("requested", 1), ("requested", 2), ("committed", 3), ("committed", 4)]:
        hear(saga[said])
        services.erase_committed()
    assert saga.answers() == ["prepared", "prepared", "done", "done"]
    versions = OutboxEvent.objects.filter(aggregate_id=saga.id).order_by("id").values_list("version", flat=True)
    assert list(versions) == [1, 2, 3, 4]


def test_a_person_we_never_heard_of_is_no_obstacle(db, hear):
    nobody, erasure_id = uuid7(), uuid7()
    deadline = datetime.now(UTC)
    hear(events.ErasureRequested(id=erasure_id, version=1, user_id=nobody, deadline=deadline))
    hear(events.ErasureCommitted(id=erasure_id, version=2, user_id=nobody))
    services.erase_committed()
    assert Erasure.objects.get().state == "done"
