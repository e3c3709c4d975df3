"""Each event that task_service tells, as its own functions put it into the outbox, is the one that is published."""

import pytest
from rest_framework.test import APIClient

from common import api_tokens, events
from common.ids import uuid7
from task_service.erasure.services import place_hold
from task_service.exports import services as exports
from task_service.publications import PUBLICATIONS
from task_service.user_mirror.models import User
from tests.contract import assert_published, told
from tests.envelopes import api_token_event

SECRET = "tdm_the-secret-of-these-tests"


@pytest.fixture
def ways(alice, bob, hear, saga, erase, monkeypatch):
    """What makes the service tell each of its events."""

    def use_an_api_token():
        hear(api_token_event(user_id=alice.id, digest=api_tokens.digest_of(SECRET.encode())))
        script = APIClient(headers={"authorization": f"Bearer {SECRET}"})
        assert script.get("/api/v1/tasks/").status_code == 200

    def refuse_an_erasure():
        person, operator = User.objects.get(pk=alice.id), User.objects.get(pk=bob.id)
        place_hold(person=person, why="Court order 7", by=operator)
        hear(saga["requested", 1])

    def tell_an_export(limit=exports.LIMIT):
        alice.make(assignees=[str(bob.id)])
        monkeypatch.setattr(exports, "LIMIT", limit)
        hear(events.ExportRequested(id=uuid7(), version=1, user_id=alice.id))
        exports.tell_requested()

    def erase_who_has_a_task():
        alice.make()
        erase()

    everything = {"assignees": [str(bob.id)], "due_at": "2030-06-01T12:00:00.5Z", "start_at": "2030-05-01T12:00:00Z"}
    return {
        events.TaskCreated: lambda: alice.make(parent=alice.make()["id"], **everything),
        events.TaskUpdated: lambda: alice.patch(alice.make(), {"title": 'Grüße, "Bob" \N{OCTOPUS}'}),
        events.TaskCompleted: lambda: alice.act(alice.make(), "complete"),
        events.TaskReopened: lambda: alice.act(alice.make(status="done"), "reopen"),
        events.TaskDeleted: lambda: alice.delete(alice.make()),
        events.TaskErased: erase_who_has_a_task,
        events.ApiTokenUsed: use_an_api_token,
        events.ErasurePrepared: lambda: hear(saga["requested", 1]),
        events.ErasureRefused: refuse_an_erasure,
        events.ErasureDone: erase,
        events.ExportPart: tell_an_export,
        events.ExportFailed: lambda: tell_an_export(limit=0),
    }


@pytest.mark.parametrize("kind", PUBLICATIONS, ids=lambda kind: kind.type)
def test_what_is_told_is_what_is_published(ways, kind):
    ways[kind]()
    assert told(kind)
    for body in told(kind):
        assert_published(body)
