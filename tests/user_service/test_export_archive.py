"""The ZIP of a copy: made once, by the schedule, while nobody waits for it, or failed."""

import json

import pytest

from common import events
from common.ids import uuid7
from tests.answers import assert_problem
from tests.user_service.erasing import hear
from tests.user_service.exporting import ARCHIVE, GATHERED, URL, ask_earlier, deliver, gather
from user_service.exports import archive, services
from user_service.exports.models import Archive, Export, Part
from user_service.users.services import erase_user


@pytest.fixture
def api(alice, api_of):
    return api_of(alice)


@pytest.fixture
def export(alice):
    return services.request_export(user=alice)


def test_the_schedule_makes_it_once_and_who_fetches_it_makes_none(alice, api, export, monkeypatch):
    deliver(export.pk, [1, 2, 3])
    body = api.get(URL).json()
    assert (body["state"], body["archive"]) == ("requested", None)
    assert_problem(api.get(ARCHIVE), 404, "not_found")
    services.make_archives()
    assert not Part.objects.exists()
    monkeypatch.setattr(services, "archive", lambda _: b"another")
    services.make_archives()
    deliver(export.pk, [1, 2, 3])
    services.make_archives()
    assert api.get(ARCHIVE).content == api.get(ARCHIVE).content == bytes(Archive.objects.get().data) != b"another"


def test_whose_export_is_gone_by_the_time_it_is_made_gets_none(alice, export, monkeypatch):
    deliver(export.pk, [1, 2, 3])

    def make_slowly(_):
        erase_user(user_id=alice.id)
        return b"late"

    monkeypatch.setattr(services, "archive", make_slowly)
    services.make_archives()
    assert not Export.objects.exists()
    assert not Archive.objects.exists()


def test_of_a_zip_nobody_waits_for_the_row(transactional_db, alice, export, monkeypatch, in_threads):
    deliver(export.pk, [1, 2, 3])

    def make_while_a_part_comes_again_and_she_asks_again(_):
        calls = [lambda: deliver(export.pk, [3]), lambda: services.request_export(user=alice).pk]
        assert in_threads(2, lambda number: calls[number]()) == [None, export.pk]
        return b"zip"

    monkeypatch.setattr(services, "archive", make_while_a_part_comes_again_and_she_asks_again)
    services.make_archives()
    assert bytes(Archive.objects.get().data) == b"zip"


def test_what_is_too_large_fails_is_told_and_may_be_asked_for_again(bob, api, api_of, export, monkeypatch):
    deliver(export.pk, [1, 2, 3])
    deliver(services.request_export(user=bob).pk, [1, 2, 3])
    monkeypatch.setattr(archive, "LIMIT", len(json.dumps(GATHERED)) - 1)
    make = services.archive
    monkeypatch.setattr(services, "archive", lambda one: make(one) if one.pk == export.pk else b"zip")
    services.make_archives()
    assert api.get(URL).json() | {"state": "failed", "ready_at": None, "archive": None} == api.get(URL).json()
    assert_problem(api.get(ARCHIVE), 404, "not_found")
    assert api_of(bob).get(ARCHIVE).content == b"zip"
    assert list(Part.objects.all()) == []
    assert_problem(api.post(URL), 429, "throttled")
    ask_earlier(minutes=5)
    assert api.post(URL).json()["state"] == "requested"


@pytest.mark.parametrize("times", [1, 2])
def test_it_fails_when_task_service_says_so(api, export, times):
    for _ in range(times):
        hear(events.ExportFailed(id=export.pk, version=1))
    assert api.get(URL).json()["state"] == "failed"
    gather(export)
    assert api.get(URL).json()["state"] == "failed"


def test_a_failure_that_is_told_of_another_one_changes_nothing(api, export):
    hear(events.ExportFailed(id=uuid7(), version=1))
    gather(export)
    hear(events.ExportFailed(id=export.pk, version=1))
    assert api.get(URL).json()["state"] == "ready"


def test_what_is_as_large_as_may_be_is_made(api, export, monkeypatch):
    monkeypatch.setattr(archive, "LIMIT", len(json.dumps(GATHERED)))
    gather(export)
    assert api.get(URL).json()["state"] == "ready"
