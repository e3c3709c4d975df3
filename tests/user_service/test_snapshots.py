"""What user_service tells again of people and API tokens, to services only."""

import json
from dataclasses import fields
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient

from common import events, snapshots
from common.ids import uuid7
from common.models import ApiToken, OutboxEvent
from tests.answers import field_errors
from user_service.api_tokens.services import create_api_token
from user_service.users import services

USERS = "/internal/snapshots/users/"


@pytest.fixture
def peer():
    return APIClient(headers={"authorization": f"Bearer {settings.SERVICE_CREDENTIAL}"})


@pytest.fixture
def ask(peer):
    def get(path, **parameters):
        answer = peer.get(path, parameters)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return get


def last_event(person):
    return OutboxEvent.objects.filter(aggregate_id=person.id).order_by("-id").first().envelope


@pytest.mark.parametrize("path", ["digests/?fields=username", "rows/?fields=username", "events/"])
@pytest.mark.parametrize("credential", ["", "Bearer wrong"])
def test_strangers_are_told_nothing(db, client, path, credential):
    assert client.get(USERS + path, headers={"authorization": credential}).status_code == 401


def test_a_person_s_own_token_opens_nothing(alice, api_of):
    assert api_of(alice).get(f"{USERS}events/").status_code == 401


@pytest.mark.parametrize("path", ["digests/", "rows/", "events/"])
def test_what_is_no_snapshot_is_not_found(db, peer, path):
    assert peer.get(f"/internal/snapshots/nothing/{path}").status_code == 404


@pytest.mark.parametrize("given", ["", "password", "username,password", "email", "search"])
def test_only_the_fields_that_are_published_may_be_compared(db, peer, given):
    for path in ("digests/", "rows/"):
        assert field_errors(peer.get(USERS + path, {"fields": given})) == {"fields": "invalid"}


@pytest.mark.parametrize(
    ("path", "parameters", "field", "code"),
    [
        ("digests/", {"fields": "username", "start": "1"}, "start", "invalid"),
        ("rows/", {"fields": "username", "ids": "1,2"}, "ids", "invalid"),
        ("rows/", {"fields": "username", "ids": ",".join(str(uuid7()) for _ in range(101))}, "ids", "invalid"),
        ("events/", {"ids": ",".join(str(uuid7()) for _ in range(101))}, "ids", "invalid"),
        ("events/", {"fields": "username"}, "fields", "unknown"),
    ],
)
def test_nonsense_is_named(db, peer, path, parameters, field, code):
    assert field_errors(peer.get(USERS + path, parameters)) == {field: code}


def test_a_person_is_told_as_their_last_event_told_them(alice, ask):
    services.update_user(user=alice, changes={"display_name": 'A "quoted" \u2028 name'})
    (event,) = ask(f"{USERS}events/", ids=str(alice.id))["events"]
    last = json.loads(last_event(alice))
    assert event.keys() - {"requestid"} == last.keys()
    assert (event["type"], event["source"], event["data"]) == (last["type"], last["source"], last["data"])


def test_who_is_erased_is_told_no_more(alice, bob, ask):
    services.erase_user(user_id=alice.id)
    assert [event["subject"] for event in ask(f"{USERS}events/")["events"]] == [str(bob.id)]
    assert [row[0] for row in ask(f"{USERS}rows/", fields="username")["rows"]] == [str(bob.id)]


def test_pages_of_events_tell_everybody_once(alice, bob, charlie, ask, monkeypatch):
    monkeypatch.setattr(snapshots, "EVENTS", 2)
    first = ask(f"{USERS}events/")
    second = ask(f"{USERS}events/", start=first["next"])
    assert second["next"] is None
    subjects = [event["subject"] for event in first["events"] + second["events"]]
    assert subjects == sorted(str(person.id) for person in (alice, bob, charlie))


def test_rows_say_what_may_still_be_on_its_way(alice, bob, ask):
    OutboxEvent.objects.filter(aggregate_id=alice.id).update(state="sent")
    both = f"{alice.id},{bob.id}"
    found = ask(f"{USERS}rows/", fields="username", ids=both, types="user.registered,user.updated")
    assert found["owed"] == [str(bob.id)]
    assert found["last_told"] == str(OutboxEvent.objects.get(aggregate_id=bob.id).event_id)
    assert ask(f"{USERS}rows/", fields="username", ids=both, types="task.created")["last_told"] is None
    OutboxEvent.objects.filter(aggregate_id=bob.id).update(next_attempt_at=timezone.now())
    assert ask(f"{USERS}rows/", fields="username", ids=both)["owed"] == [str(bob.id)]


def test_an_api_token_is_told_until_it_is_purged(alice, ask):
    expires_at = timezone.now() + timedelta(days=1)
    token = create_api_token(user=alice, name="backup", scopes=["tasks:read"], expires_at=expires_at).token
    (event,) = ask("/internal/snapshots/api_tokens/events/")["events"]
    assert event["data"].keys() == {field.name for field in fields(events.ApiTokenCreated)}
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(days=31))
    assert ask("/internal/snapshots/api_tokens/events/")["events"] == []


@pytest.mark.parametrize(("name", "kind"), [("users", events.UserUpdated), ("api_tokens", events.ApiTokenCreated)])
def test_every_fact_of_the_event_can_be_compared(name, kind):
    facts = {field.name for field in fields(kind)} - {"id", "version"}
    assert set(snapshots.snapshots()[name].fields) == facts
