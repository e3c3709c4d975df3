"""The mirror of people: kept from user_service's events, and ready for a token that is faster than its event."""

import json
from itertools import permutations

import pytest
from django.test import Client

from common import events, outbox
from common.models import InboxEvent
from task_service.user_mirror.models import User


@pytest.fixture
def dora(db, stranger_here):
    """Nothing has been heard of her yet."""
    return stranger_here("dora")


@pytest.fixture
def dora_over_time(dora, news_of):
    return [
        news_of(dora, display_name="Dora"),
        news_of(dora, events.UserUpdated, version=2, username="dora2", display_name="Dora II", is_staff=True),
        news_of(dora, events.UserUpdated, version=3, username="dora3", display_name="Dora III", is_active=False),
    ]


def mirrored(person):
    return User.objects.values("version", "username", "display_name", "is_active", "is_staff").get(id=person.id)


LAST = {"version": 3, "username": "dora3", "display_name": "Dora III", "is_active": False, "is_staff": False}


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_events_in_any_order_end_as_the_newest_says(dora, dora_over_time, hear, order):
    for number in order:
        hear(dora_over_time[number])
    assert mirrored(dora) == LAST


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_events_of_one_delivery_in_any_order_end_as_the_newest_says(dora, dora_over_time, hear, order):
    hear(*(dora_over_time[number] for number in order))
    assert mirrored(dora) == LAST


def test_an_event_that_comes_again_changes_nothing(dora, dora_over_time, hear):
    first = hear(dora_over_time[0])
    hear(dora_over_time[2])
    for _ in range(3):
        hear(*first)
    assert mirrored(dora) == LAST
    assert InboxEvent.objects.filter(event_id=json.loads(first[0])["id"]).count() == 1


def test_an_event_with_fields_of_tomorrow_is_understood(dora, news_of, hear):
    envelope = json.loads(outbox.outbox_row(news_of(dora)).envelope)
    envelope["data"]["favourite_colour"] = envelope["tomorrow"] = "green"
    hear(json.dumps(envelope))
    assert mirrored(dora)["display_name"] == "Dora"


def test_a_person_not_heard_of_yet_reads_without_leaving_a_trace(dora):
    assert dora.titles() == []
    assert not User.objects.filter(id=dora.id).exists()


def test_a_person_not_heard_of_yet_may_write_and_their_row_is_made(dora, told):
    task = dora.make()
    assert dora.read(task).json() == task
    assert told(task)[0]["data"]["created_by"] == str(dora.id)
    assert mirrored(dora) == {
        "version": 0,
        "username": "dora",
        "display_name": "",
        "is_active": True,
        "is_staff": False,
    }


def test_the_event_that_comes_later_fills_the_row(dora, news_of, hear):
    task = dora.make()
    hear(news_of(dora, display_name="Dora", is_staff=True))
    assert mirrored(dora) == {
        "version": 1,
        "username": "dora",
        "display_name": "Dora",
        "is_active": True,
        "is_staff": True,
    }
    assert dora.read(task).json() == task


def test_an_old_token_does_not_turn_the_row_back(dora, dora_over_time, hear):
    hear(dora_over_time[1])
    dora.make()  # with a token of the time when she was still called dora
    assert mirrored(dora)["username"] == "dora2"


def test_a_username_may_pass_to_somebody_else_in_whatever_order_it_is_told(dora, stranger_here, news_of, hear):
    second = stranger_here("dora")
    hear(news_of(dora))
    hear(news_of(second))
    hear(news_of(dora, events.UserUpdated, version=2, username="theodora"))
    assert (mirrored(dora)["username"], mirrored(second)["username"]) == ("theodora", "dora")
    assert dora.create().status_code == second.create().status_code == 201
    assert len(dora.titles()) == len(second.titles()) == 1


def test_a_person_can_be_assigned_as_soon_as_they_are_heard_of(alice, dora, news_of, hear, errors):
    task = alice.make(title="Paint")
    assert errors(alice.patch(task, {"assignees": [str(dora.id)]})) == {"assignees.0": "does_not_exist"}
    hear(news_of(dora))
    assert alice.patch(task, {"assignees": [str(dora.id)]}).json()["assignees"] == [str(dora.id)]
    assert dora.titles() == ["Paint"]


def test_the_cookie_of_a_locked_person_opens_nothing(olga, news_of, hear):
    browser = olga.browser()
    assert browser.get("/admin/tasks/").status_code == 200
    assert browser.get("/api/v1/tasks/").status_code == 200
    hear(news_of(olga, events.UserUpdated, version=2, is_staff=True, is_superuser=True, is_active=False))
    assert browser.get("/admin/tasks/").status_code == 302
    assert browser.get("/api/v1/tasks/").status_code == 401


def test_an_operator_who_is_one_no_longer_finds_the_admin_shut(olga, news_of, hear):
    hear(news_of(olga, events.UserUpdated, version=2))
    assert olga.browser().get("/admin/tasks/", follow=True).status_code == 403
    assert olga.browser().get("/api/v1/tasks/").status_code == 200


@pytest.mark.parametrize("credential", ["", "Bearer wrong", "Basic x", None], ids=repr)
def test_only_a_service_may_tell_of_people(dora, news_of, credential):
    body = f"[{outbox.outbox_row(news_of(dora)).envelope}]"
    headers = {"authorization": f"Bearer {dora.token}" if credential is None else credential}
    response = Client().post("/internal/events/", body, content_type="application/json", headers=headers)
    assert response.status_code == 401
    assert not User.objects.filter(id=dora.id).exists()


def test_an_event_that_is_not_for_us_is_taken_and_forgotten(db, hear, alice, told):
    events_of_ours = [json.dumps(event) for event in told(alice.make())]
    before = InboxEvent.objects.count()
    hear(*events_of_ours)
    assert InboxEvent.objects.count() == before
