"""An erased person stays a tombstone, and what comes late goes with the next look."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from common import events
from common.ids import uuid7
from common.models import ApiToken
from task_service.erasure import services
from task_service.erasure.models import Erasure
from task_service.tasks.models import Participant, Task
from task_service.user_mirror.models import User
from tests.envelopes import api_token_event

HOLDS = "/admin/tasks/erasure/legalhold/"


def test_an_erased_person_is_a_tombstone_that_nothing_revives(alice, bob, hear, news_of, errors):
    news = [news_of(alice, events.UserUpdated, version=version, display_name="Al") for version in (2, 3)]
    tombstone = events.UserErased(id=alice.id, version=4)
    for event in [news[0], tombstone, news[1], replace(tombstone)]:
        hear(event)
    found = User.objects.get(pk=alice.id)
    assert (found.username, found.display_name, found.is_active, found.version) == ("", "", False, 4)
    task = bob.make()
    assert errors(bob.patch(task, {"assignees": [str(alice.id)]})) == {"assignees.0": "does_not_exist"}


def test_a_tombstone_comes_before_the_person_is_known(stranger_here, db, hear, news_of):
    dora = stranger_here("dora")
    hear(events.UserErased(id=dora.id, version=2))
    hear(news_of(dora))
    assert User.objects.get(pk=dora.id).username == ""


def test_a_task_of_the_last_moment_goes_with_the_next_look(alice, bob, erase, hear):
    erase()
    hear(events.UserErased(id=alice.id, version=2))
    alice.make(title="By a token that lived a moment longer")
    shared = bob.make(assignees=[])
    Participant.objects.create(user_id=alice.id, task_id=shared["id"], is_assignee=True)
    services.sweep()
    assert [str(key) for key in Task.objects.values_list("id", flat=True)] == [shared["id"]]
    assert bob.read(shared).json()["assignees"] == []


def test_one_that_can_not_be_looked_at_holds_up_nobody_else(db, hear, person, monkeypatch):
    people = [person(name) for name in ("dora", "emil", "fay")]
    for each in people:
        hear(events.ErasureCommitted(id=uuid7(), version=1, user_id=each.id))
    services.erase_committed()
    for each in people:
        each.make(title="By a token that lived a moment longer")
    forget = services.tasks.leave_task

    def fail_for_emil(*, task, user_id):
        if user_id == people[1].id:
            raise ValueError("a bad row")
        return forget(task=task, user_id=user_id)

    monkeypatch.setattr(services.tasks, "leave_task", fail_for_emil)
    services.sweep()
    assert list(Task.objects.values_list("created_by", flat=True)) == [people[1].id]


def test_api_tokens_go_too_and_late_news_of_one_with_the_next_look(alice, erase, hear):
    now = datetime.now(UTC)
    facts = {"user_id": alice.id, "name": "laptop", "scopes": ["tasks:read"], "created_at": now, "revoked_at": None}
    facts["expires_at"] = now + timedelta(days=1)
    made = [events.ApiTokenCreated(id=uuid7(), version=1, digest=digest, **facts) for digest in "ab"]
    hear(made[0])
    erase()
    assert not ApiToken.objects.exists()
    hear(made[1])
    services.sweep()
    assert not ApiToken.objects.exists()


def test_very_late_news_of_an_api_token_leaves_no_name_in_whatever_batch_it_comes(alice, bob, hear):
    hear(events.UserErased(id=alice.id, version=2))
    hers, his = api_token_event(user_id=alice.id), api_token_event(user_id=bob.id)
    hear(hers)
    hear(events.ApiTokenRevoked(**vars(hers) | {"version": 2}), his, hers)
    assert [token.user_id for token in ApiToken.objects.all()] == [bob.id]


@pytest.mark.parametrize("when", ["decided", "done", "long done"])
def test_nobody_assigns_who_is_going_however_late_the_tombstone_comes(alice, bob, olga, hear, saga, errors, when):
    task = bob.make()
    hear(saga["requested", 1])
    hear(saga["committed", 2])
    if when != "decided":
        services.erase_committed()
    if when == "long done":
        Erasure.objects.update(done_at=F("done_at") - timedelta(days=1))
    for answer in (bob.patch(task, {"assignees": [str(alice.id)]}), bob.create(assignees=[str(alice.id)])):
        assert errors(answer) == {"assignees.0": "does_not_exist"}
    form = {"title": "x", "status": "todo", "priority": "none", "assignees": [str(alice.id)]}
    assert olga.browser().post(f"/admin/tasks/tasks/task/{task['id']}/change/", form).status_code == 200
    assert not Participant.objects.filter(user=alice.id, task=task["id"]).exists()


def test_who_may_yet_stay_is_assigned_as_before(alice, bob, hear, saga):
    task = bob.make()
    for said in (("requested", 1), ("cancelled", 2)):
        hear(saga[said])
        assert bob.patch(task, {"assignees": [str(alice.id)]}).status_code == 200


def test_of_two_who_go_none_gets_the_other_s_task(alice, bob, shared_task, told, hear, saga):
    hear(saga["committed", 1], events.ErasureCommitted(id=uuid7(), version=1, user_id=bob.id))
    services.erase_committed()
    assert not Task.objects.exists()
    assert [event["type"] for event in told(shared_task)] == ["task.created", "task.erased"]


def test_the_look_is_at_the_erased_of_late_alone(alice, hear, saga):
    task = alice.make()
    hear(saga["requested", 1])
    services.sweep()
    assert alice.read(task).json() == task
