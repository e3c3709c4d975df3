"""A person's copy of all that is held about them."""

import json
from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.test import APIClient

from common.ids import uuid7
from common.models import ApiToken, OutboxEvent
from tests.answers import assert_problem, field_errors
from tests.envelopes import api_token_event
from tests.parameters import counted
from tests.user_service.exporting import ARCHIVE, GATHERED, URL, ask_earlier, deliver, gather
from user_service.api_tokens.services import create_api_token
from user_service.exports import archive, services
from user_service.exports.models import Archive, Export, Part
from user_service.users.services import erase_user


@pytest.fixture
def api(alice, api_of):
    return api_of(alice)


@pytest.fixture
def export(alice):
    return services.request_export(user=alice)


def test_asking_is_accepted_and_asks_task_service(alice, api):
    answer = api.post(URL)
    assert (answer.status_code, answer.headers["Location"]) == (202, URL)
    assert set(answer.json()) == {"id", "state", "requested_at", "ready_at", "expires_at", "archive"}
    assert answer.json() == api.get(URL).json()
    row = OutboxEvent.objects.get(type="export.requested")
    assert json.loads(row.envelope)["data"] == {"id": answer.json()["id"], "version": 1, "user_id": str(alice.id)}


def test_one_runs_at_a_time(api):
    assert api.post(URL).json() == api.post(URL).json()
    assert OutboxEvent.objects.filter(type="export.requested").count() == 1


def test_of_parallel_requests_one_starts(transactional_db, alice, in_threads):
    found = in_threads(6, lambda _: services.request_export(user=alice))
    assert len({export.pk for export in found}) == 1


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 1, 2], [2, 2, 3, 1, 1, 3]], ids=str)
def test_it_is_ready_when_every_part_is_there_in_any_order(api, export, order):
    deliver(export.pk, order[:-1] if order == [1, 2, 3] else order[:2])
    services.make_archives()
    assert api.get(URL).json()["state"] == "requested"
    assert_problem(api.get(ARCHIVE), 404, "not_found")
    deliver(export.pk, order)
    services.make_archives()
    body = api.get(URL).json()
    assert (body["state"], body["archive"]) == ("ready", ARCHIVE)


def test_the_archive_holds_what_both_services_hold(alice, api, export):
    fields = {"name": "backup", "scopes": ["tasks:read"], "expires_at": timezone.now() + timedelta(days=1)}
    token = create_api_token(user=alice, **fields).token
    gather(export)
    answer = api.get(ARCHIVE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    assert "attachment" in answer.headers["Content-Disposition"]
    with ZipFile(BytesIO(answer.content)) as file:
        found = {name: json.loads(file.read(name)) for name in file.namelist()}
    ours = {"profile.json", "sessions.json", "second_factor.json", "failed_tries.json", "erasures.json"}
    ours |= {"api_tokens.json", "mails.json", "admin_log.json"}
    assert set(found) == ours | {"tasks.json", "known_to_tasks.json", "legal_holds.json"}
    assert found["tasks.json"] == GATHERED["tasks"]
    assert (found["profile.json"]["email"], len(found["sessions.json"])) == ("alice@example.org", 1)
    assert found["api_tokens.json"][0]["name"] == "backup"
    assert alice.password not in str(found)
    assert token.digest not in str(found)


def test_what_is_in_the_log_of_many_things_is_found_in_bounded_statements(alice):
    ApiToken.objects.bulk_create(ApiToken(**vars(api_token_event(user_id=alice.id))) for _ in range(25))
    with counted() as parameters:
        assert archive.FILES["admin_log.json"](alice)["about_you"] == []
        erase_user(user_id=alice.id)
    assert max(parameters) < 25
    assert not ApiToken.objects.exists()


def test_bob_does_not_see_it(bob, api_of, export):
    gather(export)
    for url in (URL, ARCHIVE):
        assert_problem(api_of(bob).get(url), 404, "not_found")


def test_who_is_not_signed_in_sees_and_starts_none(db):
    for call in (APIClient().get, APIClient().post):
        assert_problem(call(URL), 401, "not_authenticated")
    assert_problem(APIClient().get(ARCHIVE), 401, "not_authenticated")


def test_it_takes_no_fields(api):
    assert field_errors(api.post(URL, {"format": "csv"})) == {"format": "unknown"}


def test_a_ready_one_stands_for_five_minutes(api, export):
    gather(export)
    ask_earlier(minutes=4, seconds=50)
    answer = api.post(URL)
    assert_problem(answer, 429, "throttled")
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert (api.get(URL).json()["id"], api.get(ARCHIVE).status_code) == (str(export.pk), 200)
    assert OutboxEvent.objects.filter(type="export.requested").count() == 1


def test_a_ready_one_is_replaced_by_the_next_after_that(api, export):
    gather(export)
    ask_earlier(minutes=5)
    assert api.post(URL).json()["state"] == "requested"
    assert_problem(api.get(ARCHIVE), 404, "not_found")
    assert not Archive.objects.exists()
    deliver(export.pk, [1])  # of the one that is gone
    assert not Part.objects.exists()


def test_after_a_day_it_is_gone(api, export):
    gather(export)
    services.purge_exports()
    assert Export.objects.exists()
    assert timedelta(hours=23) < export.expires_at - export.requested_at <= timedelta(hours=24)
    Export.objects.update(expires_at=Now())
    assert_problem(api.get(ARCHIVE), 404, "not_found")
    services.purge_exports()
    assert not Export.objects.exists()
    assert not Archive.objects.exists()


def test_one_that_nobody_answered_makes_way_after_a_day(api, export):
    Export.objects.update(expires_at=Now())
    assert api.post(URL).json()["id"] != str(export.pk)


def test_a_part_for_nobody_is_taken_and_forgotten(db):
    deliver(uuid7(), [1])
    assert not Part.objects.exists()


def test_the_operator_sees_that_it_is_there_and_no_more(olga, browser_of, export):
    page = browser_of(olga).get("/admin/users/exports/export/")
    assert page.status_code == 200
    assert browser_of(olga).get(f"/admin/users/exports/export/{export.pk}/change/").status_code == 200
