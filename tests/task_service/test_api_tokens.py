"""API tokens in the service that does not own them: good from the event that makes them to the event that ends them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.db.models import F
from rest_framework.test import APIClient

from common import events
from common.api_tokens import digest_of
from common.models import ApiToken, OutboxEvent
from tests.answers import assert_problem
from tests.envelopes import api_token_event

TASKS = "/api/v1/tasks/"
SECRET = "tdm_the-secret-of-these-tests"


@pytest.fixture
def script():
    return APIClient(headers={"authorization": f"Bearer {SECRET}"})


@pytest.fixture
def news(alice):
    """What user_service tells of Alice's token: `news()` that it is made, `news(end=True)` that it is revoked."""
    made = api_token_event(
        user_id=alice.id, digest=digest_of(SECRET.encode()), scopes=["tasks:read", "tasks:write"], name="backup"
    )
    ended = events.ApiTokenRevoked(**vars(made) | {"version": 2, "revoked_at": datetime.now(UTC)})
    return lambda *, end=False, **changes: replace(ended if end else made, **changes)


def test_it_works_as_soon_as_it_is_heard_of(alice, script, hear, news):
    assert_problem(script.get(TASKS), 401, "token_not_valid")
    hear(news())
    task = script.post(TASKS, {"title": "Back up"}).json()
    assert task["created_by"] == str(alice.id)
    assert script.get(TASKS).json()["results"] == [task] == alice.list().json()["results"]


def test_bobs_tasks_are_not_shown_to_a_script_of_alice(bob, script, hear, news):
    hear(news())
    theirs = bob.make()
    assert script.get(TASKS).json()["results"] == []
    assert_problem(script.get(f"{TASKS}{theirs['id']}/"), 404, "not_found")


def test_it_is_refused_as_soon_as_its_end_is_heard_of(script, hear, news):
    hear(news(), news(end=True))
    assert_problem(script.get(TASKS), 401, "token_not_valid")


@pytest.mark.parametrize("order", list(permutations([False, True, False, True])), ids=str)
def test_its_end_wins_in_whatever_order_and_however_often_it_is_told(script, hear, news, order):
    for end in order:
        hear(*hear(news(end=end)))
    assert ApiToken.objects.values_list("version", flat=True).get() == 2
    assert script.get(TASKS).status_code == 401


def test_one_that_comes_again_after_a_use_changes_nothing(script, hear, news):
    sent = hear(news())
    script.get(TASKS)
    before = ApiToken.objects.values().get()
    hear(*sent)
    hear(news())
    assert ApiToken.objects.values().get() == before
    assert before["last_used_at"] is not None


def test_a_locked_person_s_is_refused(alice, script, hear, news, news_of):
    hear(news())
    for version, active, status in ((2, False, 401), (3, True, 200)):
        hear(news_of(alice, events.UserUpdated, version=version, is_active=active))
        assert script.get(TASKS).status_code == status


def test_it_waits_for_its_person(stranger_here, script, hear, news, news_of, db):
    dora = stranger_here("dora")
    hear(news(user_id=dora.id))
    assert script.get(TASKS).status_code == 401
    hear(news_of(dora))
    assert script.post(TASKS, {"title": "Back up"}).json()["created_by"] == str(dora.id)


@pytest.mark.parametrize("scope", ApiToken.Scope.values)
def test_tasks_take_their_scopes(alice, script, hear, news, scope):
    hear(news(scopes=[scope]))
    task = alice.make()
    url = alice.url(task)
    for method, path, needed in [
        ("get", TASKS, "tasks:read"),
        ("head", TASKS, "tasks:read"),
        ("get", url, "tasks:read"),
        ("post", TASKS, "tasks:write"),
        ("put", url, "tasks:write"),
        ("patch", url, "tasks:write"),
        ("post", alice.url(task, "complete"), "tasks:write"),
        ("post", alice.url(task, "reopen"), "tasks:write"),
        ("delete", url, "tasks:write"),
    ]:
        response = getattr(script, method)(path, *([{"title": "New"}] if method in ("put", "patch") else []))
        if scope == needed:
            assert response.status_code in (200, 204, 400), (method, path)
        else:
            assert response.status_code == 403, (method, path)
            assert f'scope="{needed}"' in response.headers["WWW-Authenticate"]


def test_its_use_is_told_at_most_once_a_minute(script, hear, news):
    def told():
        rows = OutboxEvent.objects.filter(type="api_token.used").order_by("id")
        return [json.loads(row.envelope)["data"] for row in rows]

    made = news()
    hear(made)
    for _ in range(3):
        script.get(TASKS)
    assert [use["id"] for use in told()] == [str(made.id)]
    ApiToken.objects.update(last_used_at=F("last_used_at") - timedelta(seconds=61))
    script.get(TASKS)
    assert len(told()) == 2
    assert told()[1]["used_at"] > told()[0]["used_at"]


def test_the_admin_shows_them_without_the_hash(olga, hear, news):
    hear(news())
    url = "/admin/tasks/common/apitoken/"
    for path in (url, f"{url}{news().id}/change/"):
        page = olga.browser().get(path).content.decode()
        assert "backup" in page
        assert news().digest not in page
        assert "Revoke the selected" not in page
    assert olga.browser().post(f"{url}{news().id}/change/", {"name": "x"}).status_code == 403


def test_the_document_names_the_scope_of_each_operation(db):
    document = APIClient().get("/api/schema/tasks/", {"format": "json"}).json()
    for path in document["paths"].values():
        for method, operation in path.items():
            needed = "tasks:read" if method == "get" else "tasks:write"
            assert operation["security"] == [{"bearer": []}, {"apiToken": [needed]}, {"cookie": []}]
    assert document["components"]["securitySchemes"]["apiToken"]["scheme"] == "bearer"
