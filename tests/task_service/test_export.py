"""What task_service tells of a person for their copy of it."""

import json
import zlib

import pytest

from common import cloudevents, events
from common.ids import uuid7
from common.models import ApiToken, OutboxEvent
from task_service.exports import services
from tests.envelopes import api_token_event
from tests.parameters import counted

BOUND = 256 * 1024


@pytest.fixture
def gathered(alice, hear):
    """What was told after Alice asked: the parts, and the files that they make."""

    def ask():
        export_id = uuid7()
        hear(events.ExportRequested(id=export_id, version=1, user_id=alice.id))
        services.tell_requested()
        rows = OutboxEvent.objects.filter(aggregate_id=export_id).order_by("id")
        parts = [
            cloudevents.decode_event(events.ExportPart, cloudevents.decode_envelope(row.envelope.encode()))
            for row in rows
        ]
        assert max(len(row.envelope) for row in rows) <= BOUND
        return parts, json.loads(zlib.decompress(b"".join(part.data for part in parts)))

    return ask


def test_it_holds_her_tasks_and_those_assigned_to_her_and_no_other(alice, bob, gathered):
    own, trashed = alice.make(title="Mine"), alice.make(title="Trashed")
    alice.delete(trashed)
    theirs = bob.make(title="Bob's for Alice", assignees=[str(alice.id)])
    bob.make(title="Bob's own")
    parts, found = gathered()
    assert {task["id"] for task in found["tasks"]} == {own["id"], trashed["id"], theirs["id"]}
    assert found["tasks"][0]["title"] == "Mine"
    assert found["known_to_tasks"][0]["username"] == "alice"
    assert [(part.version, part.parts) for part in parts] == [(1, 1)]


def test_it_holds_her_api_tokens_without_their_hash(alice, bob, hear, gathered):
    hers = api_token_event(user_id=alice.id, name="backup")
    hear(hers, api_token_event(user_id=bob.id))
    _, found = gathered()
    assert [token["name"] for token in found["api_tokens_in_tasks"]] == ["backup"]
    assert hers.digest not in str(found)


def test_the_handler_only_takes_note_and_it_is_told_once(alice, hear):
    event = events.ExportRequested(id=uuid7(), version=1, user_id=alice.id)
    sent = hear(event)
    assert not OutboxEvent.objects.filter(type="export.part").exists()
    services.tell_requested()
    hear(*sent)
    services.tell_requested()
    assert OutboxEvent.objects.filter(type="export.part").count() == 1


def test_one_that_cannot_be_told_holds_up_no_other(alice, bob, hear, monkeypatch):
    gather = services.gather
    monkeypatch.setattr(services, "gather", lambda user_id: gather(user_id) if user_id == bob.id else 1 / 0)
    for person in (alice, bob):
        hear(events.ExportRequested(id=uuid7(), version=1, user_id=person.id))
    services.tell_requested()
    assert OutboxEvent.objects.filter(type="export.part").count() == 1


def test_one_who_has_very_much_is_told_in_bounded_statements(alice, monkeypatch):
    monkeypatch.setattr(services, "CHUNK", 10)
    for _ in range(25):
        alice.make()
    ApiToken.objects.bulk_create(ApiToken(**vars(api_token_event(user_id=alice.id))) for _ in range(25))
    with counted() as parameters:
        found = services.gather(alice.id)
    assert len(found["tasks"]) == len(found["api_tokens_in_tasks"]) == 25
    assert max(parameters) == 10


def test_of_who_has_too_much_it_is_told_that_it_fails_without_reading_it(alice, bob, hear, monkeypatch):
    alice.make(title="ä" * 10, description="x" * 81)
    bob.make(title="ä" * 10, description="x" * 80)
    monkeypatch.setattr(services, "LIMIT", 100)
    exports = {person.id: uuid7() for person in (alice, bob)}
    for person, key in exports.items():
        hear(events.ExportRequested(id=key, version=1, user_id=person))
    services.tell_requested()
    services.tell_requested()
    told = OutboxEvent.objects.filter(type__startswith="export.").values_list("aggregate_id", "type")
    assert sorted(told) == sorted([(exports[alice.id], "export.failed"), (exports[bob.id], "export.part")])


def test_a_person_without_anything_gets_one_part(gathered):
    parts, found = gathered()
    assert (len(parts), found["tasks"], found["legal_holds"]) == (1, [], [])


def test_much_is_told_in_pieces_of_bounded_size(alice, gathered, monkeypatch):
    monkeypatch.setattr(services, "PIECE", 100)
    alice.make(description="".join(chr(97 + number * number % 26) for number in range(2000)))
    parts, found = gathered()
    assert len(parts) > 1
    assert [(part.version, part.parts) for part in parts] == [(n, len(parts)) for n in range(1, len(parts) + 1)]
    assert len(found["tasks"]) == 1


def test_a_full_piece_fits_into_an_event(alice, hear, monkeypatch):
    monkeypatch.setattr(services.zlib, "compress", lambda _: bytes(services.PIECE))
    hear(events.ExportRequested(id=uuid7(), version=1, user_id=alice.id))
    services.tell_requested()
    assert len(OutboxEvent.objects.get(type="export.part").envelope) <= BOUND
