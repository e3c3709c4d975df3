"""/internal/deliveries/: the same for programs that hold the service credential."""

from base64 import b64decode

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from common.deliveries import DIRECTIONS
from common.models import FailedEvent
from tests.answers import assert_problem, field_errors
from tests.common.operating import fail, go_wrong, keep, park, rows_of

ROOT = "/internal/deliveries/"
INCOMING = f"{ROOT}incoming/"
BOTH = pytest.mark.parametrize("direction", DIRECTIONS)


@pytest.fixture
def api():
    return APIClient(headers={"authorization": f"Bearer {settings.SERVICE_CREDENTIAL}"})


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}])
def test_without_the_service_credential_nothing_is_told_or_done(db, olga, heard, header):
    (row,) = fail("poison")
    stranger = APIClient(headers=header)
    body = {"by": "olga", "reason": "no", "events": {"ids": [row.id]}}
    for answer in (
        stranger.get(INCOMING),
        stranger.get(f"{INCOMING}{row.id}/"),
        stranger.post(f"{INCOMING}discard/", body),
    ):
        assert_problem(answer, 401, "authentication_failed")
    assert FailedEvent.objects.get().state == "dead"


class TestReading:
    @BOTH
    def test_a_list_says_what_and_why_without_bodies(self, api, db, heard, direction):
        (row,) = go_wrong(direction)
        (told,) = api.get(f"{ROOT}{direction}/").json()["results"]
        assert told["event_id"] == str(row.event_id)
        assert (told["type"], told["error"]) == ("user.registered", row.error)
        assert "body" not in told
        assert "traceback" not in told

    def test_pages_go_from_the_youngest_to_the_oldest(self, api, db):
        rows = [row.id for row in park(5)][::-1]
        first = api.get(f"{ROOT}outgoing/", {"page_size": 2, "state": "parked"})
        second = api.get(first.json()["next"])
        third = api.get(second.json()["next"])
        assert [ids(first), ids(second), ids(third)] == [rows[:2], rows[2:4], rows[4:]]
        assert third.json()["next"] is None

    def test_it_is_filtered(self, api, db, heard):
        bad, (good,) = keep(b"{"), fail("poison")[1:]
        assert ids(api.get(INCOMING, {"error": "BadEvent"})) == [bad.id]
        assert ids(api.get(INCOMING, {"type": "user.registered", "state": "dead"})) == [good.id]
        assert ids(api.get(INCOMING, {"older_than": "1h"})) == []

    @pytest.mark.parametrize(
        ("query", "errors"),
        [
            ({"state": "parked"}, {"state": "invalid_choice"}),
            ({"state": "odd"}, {"state": "invalid_choice"}),
            ({"older_than": "soon"}, {"older_than": "invalid"}),
            ({"page_size": 201}, {"page_size": "invalid"}),
            ({"after": "x"}, {"after": "invalid"}),
            ({"typ": "user.registered"}, {"typ": "unknown"}),
            ({"type": "a\0b"}, {"type": "null_characters_not_allowed"}),
        ],
    )
    def test_a_filter_that_is_not_understood_is_refused(self, api, db, query, errors):
        assert field_errors(api.get(INCOMING, query)) == errors

    @BOTH
    def test_one_is_told_whole_with_its_history(self, api, olga, heard, direction):
        (row,) = go_wrong(direction)
        api.post(f"{ROOT}{direction}/discard/", {"by": "olga", "reason": "made by a test", "events": {"ids": [row.id]}})
        told = api.get(f"{ROOT}{direction}/{row.id}/").json()
        assert '"specversion":"1.0"' in told["body"]
        (done,) = told["history"]
        assert (done["by"], done["message"]) == ("olga", "Discarded: made by a test")
        assert told["state"] == "discarded"

    def test_a_body_that_is_no_text_comes_in_base64(self, api, db, heard):
        row = keep(b"\xff\x00")
        told = api.get(f"{INCOMING}{row.id}/").json()
        assert (told["body_encoding"], b64decode(told["body"])) == ("base64", b"\xff\x00")
        assert "not a CloudEvent" in told["traceback"]

    @pytest.mark.parametrize("path", ["sideways/", "incoming/7/", "incoming/99999999999999999999/"])
    def test_what_is_not_there_is_a_404(self, api, db, path):
        assert_problem(api.get(f"{ROOT}{path}"), 404, "not_found")


class TestChanging:
    @BOTH
    def test_what_is_meant_is_redriven_by_a_filter_or_by_ids(self, api, olga, heard, direction):
        rows = go_wrong(direction, 3)
        url = f"{ROOT}{direction}/redrive/"
        assert api.post(url, {"by": "olga", "events": {"ids": [rows[0].id]}}).json() == {"changed": 1}
        state = next(iter(DIRECTIONS[direction].standings))
        assert api.post(url, {"by": "olga", "events": {"state": state}}).json() == {"changed": 2}
        assert {row.standing for row in rows_of(direction)} == {"retrying"}

    @BOTH
    def test_a_schedule_is_edited(self, api, olga, heard, direction):
        (row,) = go_wrong(direction)
        body = {"by": "olga", "at": "2031-01-02T03:04:05+01:00", "events": {"ids": [row.id]}}
        assert api.post(f"{ROOT}{direction}/reschedule/", body).json() == {"changed": 1}
        row.refresh_from_db()
        assert f"{row.next_attempt_at:%Y-%m-%d %H:%M}" == "2031-01-02 02:04"

    @pytest.mark.parametrize(
        ("action", "change", "errors"),
        [
            ("redrive", {"by": "nobody"}, {"by": "not_an_operator"}),
            ("redrive", {"by": "vera"}, {"by": "not_an_operator"}),
            ("redrive", {"by": None}, {"by": "null"}),
            ("redrive", {"events": {}}, {"events": "required"}),
            ("redrive", {"events": {"state": "parked"}}, {"events.state": "invalid_choice"}),
            ("redrive", {"events": {"all": True}}, {"events.all": "unknown"}),
            ("redrive", {"events": {"ids": []}}, {"events.ids": "empty"}),
            ("redrive", {"why": "x"}, {"why": "unknown"}),
            ("discard", {}, {"reason": "required"}),
            ("discard", {"reason": ""}, {"reason": "blank"}),
            ("reschedule", {}, {"at": "required"}),
            ("redrive", {"at": "2031-01-02T03:04:05Z"}, {"at": "unknown"}),
            ("reschedule", {"at": "soon"}, {"at": "invalid"}),
        ],
    )
    def test_what_is_not_understood_changes_nothing(self, api, olga, person_here, heard, action, change, errors):
        person_here("vera", "view_failedevent")
        (row,) = fail("poison")
        body = {"by": "olga", "events": {"ids": [row.id]}} | change
        assert field_errors(api.post(f"{INCOMING}{action}/", body)) == errors
        assert FailedEvent.objects.get().state == "dead"

    def test_there_is_no_other_action(self, api, olga):
        assert_problem(api.post(f"{INCOMING}forget/", {"by": "olga", "events": {"ids": [1]}}), 404, "not_found")
        assert api.get(f"{INCOMING}redrive/").status_code == 405
