"""What keeps a person from being erased: an operator's legal hold, in time or too late, and in the admin."""

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError

from common.models import OutboxEvent
from task_service.erasure import services
from task_service.erasure.models import LegalHold
from task_service.user_mirror.models import User

HOLDS = "/admin/tasks/erasure/legalhold/"
RUNNING = "/admin/tasks/erasure/erasure/"


@pytest.fixture
def hold(alice, olga):
    person, operator = User.objects.get(pk=alice.id), User.objects.get(pk=olga.id)
    return lambda: services.place_hold(person=person, why="Court order 7", by=operator)


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


def test_a_decision_holds_against_a_later_hold(hear, saga, hold):
    hear(saga["committed", 1])
    with pytest.raises(ValidationError):
        hold()


def test_of_a_hold_and_a_promise_at_once_one_wins(transactional_db, saga, hold, in_threads):
    calls = [lambda: services.prepare_erasure(event=saga["requested", 1]), hold]
    found = in_threads(2, lambda number: calls[number]())
    held = not isinstance(found[1], ValidationError)
    assert (held, saga.state) in [(True, "refused"), (False, "prepared")]


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
