"""A decision is only noted as it is heard; the schedule erases, and nobody waits for it."""

import pytest

from common import events
from common.ids import uuid7
from task_service.erasure import services
from task_service.erasure.models import Erasure
from task_service.tasks.models import Task

HOLDS = "/admin/tasks/erasure/legalhold/"


def test_the_decision_is_taken_note_of_and_the_schedule_does_it_once(alice, hear, saga):
    task = alice.make()
    hear(saga["requested", 1])
    sent = hear(saga["committed", 2])
    assert (saga.state, saga.answers()) == ("committed", ["prepared"])
    assert alice.read(task).json() == task
    services.erase_committed()
    hear(*sent)
    services.erase_committed()
    assert (saga.state, saga.answers()) == ("done", ["prepared", "done"])
    assert not Task.objects.exists()


@pytest.mark.parametrize("late", [("committed", 2), ("committed", 3), ("cancelled", 1), ("cancelled", 3)], ids=str)
def test_what_is_decided_stays_decided(hear, saga, late):
    hear(saga["committed", 2])
    hear(saga[late])
    assert (saga.state, saga.answers()) == ("committed", [])
    services.erase_committed()
    assert (saga.state, saga.answers()) == ("done", ["done"])


def test_one_that_can_not_be_erased_holds_up_no_other(db, hear, person, monkeypatch):
    people = [person(name) for name in ("dora", "emil", "fay")]
    for each in people:
        each.make()
        hear(events.ErasureCommitted(id=uuid7(), version=1, user_id=each.id))
    leave = services.tasks.leave_task
    monkeypatch.setattr(
        services.tasks,
        "leave_task",
        lambda task, user_id: 1 / 0 if user_id == people[1].id else leave(task=task, user_id=user_id),
    )
    services.erase_committed()
    assert list(Task.objects.values_list("created_by", flat=True)) == [people[1].id]
    assert Erasure.objects.get(state="committed").user_id == people[1].id
    monkeypatch.undo()
    services.erase_committed()
    assert not Erasure.objects.committed().exists()


def test_what_is_sent_again_while_the_tasks_go_does_not_wait(
    transactional_db, alice, hear, saga, monkeypatch, in_threads
):
    alice.make()
    hear(saga["committed", 2])
    leave = services.tasks.leave_task

    def leave_while_it_is_sent_again(**given):
        (sent,) = in_threads(1, lambda _: hear(saga["committed", 3]))
        assert len(sent) == 1
        return leave(**given)

    monkeypatch.setattr(services.tasks, "leave_task", leave_while_it_is_sent_again)
    services.erase_committed()
    assert (saga.state, saga.answers()) == ("done", ["done"])
