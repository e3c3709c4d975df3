"""task_service's part in the erasure of a person: Alice is erased, Bob shares a task, Charlie is a stranger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError

from common import events
from common.ids import uuid7
from common.models import ApiToken, OutboxEvent
from task_service.erasure import services
from task_service.erasure.models import Erasure, LegalHold
from task_service.tasks.models import Participant, Task
from task_service.user_mirror.models import User
from tests.envelopes import api_token_event

HOLDS = "/admin/tasks/erasure/legalhold/"
RUNNING = "/admin/tasks/erasure/erasure/"


@pytest.fixture
def saga(alice):
    """What user_service may say of Alice's erasure: `saga["committed", 2]`."""
    erasure_id = uuid7()

    class Saga:
        id = erasure_id

        def __getitem__(self, said):
            kind, version = said
            facts = {"id": erasure_id, "version": version, "user_id": alice.id}
            if kind == "requested":
                return events.ErasureRequested(**facts, deadline=datetime.now(UTC) + timedelta(minutes=10))
            return {"committed": events.ErasureCommitted, "cancelled": events.ErasureCancelled}[kind](**facts)

        def answers(self):
            rows = OutboxEvent.objects.filter(aggregate_id=erasure_id).order_by("id")
            return [kind.partition(".")[2] for kind in rows.values_list("type", flat=True)]

        @property
        def state(self):
            return Erasure.objects.get(id=erasure_id).state

    return Saga()


@pytest.fixture
def erase(hear, saga):
    def run():
        hear(saga["requested", 1])
        hear(saga["committed", 2])

    return run


@pytest.fixture
def hold(alice, olga):
    person, operator = User.objects.get(pk=alice.id), User.objects.get(pk=olga.id)
    return lambda: services.place_hold(person=person, why="Court order 7", by=operator)


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
    assert (saga.state, saga.answers()) == ("done", ["done"])
    assert not Task.objects.exists()


def test_what_is_sent_again_is_answered_again(hear, saga):
    for said in [("requested", 1), ("requested", 2), ("committed", 3), ("committed", 4)]:
        hear(saga[said])
    assert saga.answers() == ["prepared", "prepared", "done", "done"]
    versions = OutboxEvent.objects.filter(aggregate_id=saga.id).order_by("id").values_list("version", flat=True)
    assert list(versions) == [1, 2, 3, 4]


def test_a_hold_refuses_and_keeps_everything(alice, hear, saga, hold):
    task = alice.make()
    hold()
    hear(saga["requested", 1])
    hear(saga["cancelled", 2])
    assert (saga.state, saga.answers()) == ("cancelled", ["refused"])
    told_why = OutboxEvent.objects.get(type="erasure.refused").envelope
    assert "legal hold" in told_why
    assert "Court order" not in told_why
    assert alice.read(task).json() == task


def test_once_it_is_lifted_a_new_request_is_prepared(hear, saga, hold):
    held = hold()
    hear(saga["requested", 1])
    services.lift_holds(holds=[held])
    hear(saga["requested", 2])
    assert saga.answers() == ["refused", "prepared"]


def test_a_promise_holds_against_a_later_hold(hear, saga, hold):
    hear(saga["requested", 1])
    with pytest.raises(ValidationError):
        hold()
    hear(saga["requested", 2])
    assert saga.answers() == ["prepared", "prepared"]
    hear(saga["cancelled", 3])
    hold()


def test_of_a_hold_and_a_promise_at_once_one_wins(transactional_db, saga, hold, in_threads):
    calls = [lambda: services.prepare_erasure(event=saga["requested", 1]), hold]
    found = in_threads(2, lambda number: calls[number]())
    held = not isinstance(found[1], ValidationError)
    assert (held, saga.state) in [(True, "refused"), (False, "prepared")]


def test_a_person_we_never_heard_of_is_no_obstacle(db, hear):
    nobody, erasure_id = uuid7(), uuid7()
    deadline = datetime.now(UTC)
    hear(events.ErasureRequested(id=erasure_id, version=1, user_id=nobody, deadline=deadline))
    hear(events.ErasureCommitted(id=erasure_id, version=2, user_id=nobody))
    assert Erasure.objects.get().state == "done"


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


def test_the_look_is_at_the_erased_of_late_alone(alice, hear, saga):
    task = alice.make()
    hear(saga["requested", 1])
    services.sweep()
    assert alice.read(task).json() == task


def test_olga_places_and_lifts_holds_and_both_are_logged(olga, alice):
    browser = olga.browser()
    assert browser.post(f"{HOLDS}add/", {"person": str(alice.id), "why": "Court order 7"}).status_code == 302
    held = LegalHold.objects.get()
    assert (held.person_id, held.placed_by_id, held.why) == (alice.id, olga.id, "Court order 7")
    assert "Court order 7" in browser.get(HOLDS).content.decode()
    assert browser.get(f"{HOLDS}{held.pk}/change/").status_code == 200
    assert browser.post(f"{HOLDS}{held.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not LegalHold.objects.exists()
    entries = LogEntry.objects.order_by("id")
    assert [(entry.user_id, entry.action_flag) for entry in entries] == [(olga.id, 1), (olga.id, 3)]
    assert "alice" not in "".join(entry.object_repr for entry in entries)


def test_olga_lifts_several(olga, hold):
    keys = [str(hold().pk), str(hold().pk)]
    data = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    assert olga.browser().post(HOLDS, data).status_code == 302
    assert not LegalHold.objects.exists()


def test_the_form_tells_olga_that_it_is_too_late(olga, alice, hear, saga):
    hear(saga["requested", 1])
    answer = olga.browser().post(f"{HOLDS}add/", {"person": str(alice.id), "why": "x"})
    assert "being erased already" in answer.content.decode()
    assert not LegalHold.objects.exists()


def test_olga_sees_what_was_heard(olga, hear, saga):
    hear(saga["requested", 1])
    browser = olga.browser()
    assert "prepared" in browser.get(RUNNING).content.decode()
    assert browser.get(f"{RUNNING}{saga.id}/change/").status_code == 200
    assert browser.post(f"{RUNNING}{saga.id}/delete/", {"post": "yes"}).status_code == 403
