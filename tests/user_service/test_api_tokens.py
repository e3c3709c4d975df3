"""API tokens: Alice makes, sees and revokes hers; Bob's are his; an operator may revoke any."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from common import api_tokens, events, inbox
from common.models import ApiToken, OutboxEvent
from tests.answers import assert_problem, field_errors
from tests.envelopes import envelope
from user_service.api_tokens import services
from user_service.users import services as users

URL = "/api/v1/auth/api-tokens/"
ME, PEOPLE = "/api/v1/users/me/", "/api/v1/users/"


def body(**changes):
    expires_at = (timezone.now() + timedelta(days=30)).isoformat()
    return {"name": "backup", "scopes": ["tasks:read", "profile:read"], "expires_at": expires_at} | changes


@pytest.fixture
def make(api_of):
    def make(person, **changes):
        response = api_of(person).post(URL, body(**changes))
        assert response.status_code == 201, response.content
        return response.json()

    return make


@pytest.fixture
def script():
    """`script(made)` is a client with that API token."""
    return lambda made: APIClient(headers={"authorization": f"Bearer {made['token']}"})


def told():
    rows = OutboxEvent.objects.filter(type__startswith="api_token.").order_by("id")
    return [(row.type, row.version, json.loads(row.envelope)["data"]) for row in rows]


class TestMaking:
    def test_the_secret_is_shown_once(self, alice, api_of):
        api = api_of(alice)
        response = api.post(URL, body())
        made = response.json()
        assert set(made) == {"id", "name", "scopes", "expires_at", "created_at", "last_used_at", "token"}
        assert re.fullmatch(r"tdm_[A-Za-z0-9_-]{43}", made.pop("token"))
        assert response.headers["Cache-Control"] == "no-store"
        assert api.get(response.headers["Location"]).json() == made
        assert api.get(URL).json()["results"] == [made]

    def test_it_is_kept_nowhere(self, alice, make):
        secret = make(alice)["token"]
        kept = [str(list(model.objects.values())) for model in (ApiToken, OutboxEvent)]
        assert all(secret.removeprefix("tdm_") not in text for text in kept)
        assert all(api_tokens.digest_of(secret.encode()) in text for text in kept)

    def test_it_is_told(self, alice, make):
        made = make(alice, scopes=["tasks:write", "tasks:read", "tasks:write"])
        [(event_type, version, data)] = told()
        assert (event_type, version, data["id"], data["user_id"]) == ("api_token.created", 1, made["id"], str(alice.id))
        assert (data["scopes"], data["revoked_at"]) == (["tasks:read", "tasks:write"], None)

    @pytest.mark.parametrize(
        ("changes", "errors"),
        [
            ({"name": ""}, {"name": "blank"}),
            ({"name": "x" * 101}, {"name": "max_length"}),
            ({"scopes": []}, {"scopes": "empty"}),
            ({"scopes": "tasks:read"}, {"scopes": "not_a_list"}),
            ({"scopes": ["tasks:read", "admin"]}, {"scopes": "invalid_choice"}),
            ({"scopes": [["tasks:read"]]}, {"scopes": "invalid_choice"}),
            ({"scopes": None}, {"scopes": "null"}),
            ({"expires_at": None}, {"expires_at": "null"}),
            ({"expires_at": "soon"}, {"expires_at": "invalid"}),
            ({"expires_at": datetime.now(UTC).isoformat()}, {"expires_at": "min_value"}),
            ({"expires_at": (datetime.now(UTC) + timedelta(days=367)).isoformat()}, {"expires_at": "max_value"}),
            ({"user": "x", "digest": "x"}, {"user": "unknown", "digest": "unknown"}),
            ({"id": "x", "last_used_at": None}, {"id": "read_only", "last_used_at": "read_only"}),
        ],
        ids=str,
    )
    def test_what_is_not_right_is_refused(self, alice, api_of, changes, errors):
        assert field_errors(api_of(alice).post(URL, body(**changes))) == errors
        assert told() == []

    @pytest.mark.parametrize("field", ["name", "scopes", "expires_at"])
    def test_nothing_may_be_left_out(self, alice, api_of, field):
        sent = {name: value for name, value in body().items() if name != field}
        assert field_errors(api_of(alice).post(URL, sent)) == {field: "required"}

    def test_a_whole_year_is_fine(self, alice, make):
        make(alice, expires_at=(datetime.now(UTC) + timedelta(days=365)).isoformat())

    def test_fifty_are_enough(self, alice, bob, api_of, make, monkeypatch):
        monkeypatch.setattr(services, "MAX_ALIVE", 2)
        first = make(alice)
        make(alice)
        api = api_of(alice)
        assert field_errors(api.post(URL, body())) == {"non_field_errors": "too_many"}
        make(bob)
        api.delete(f"{URL}{first['id']}/")
        make(alice)

    @pytest.mark.django_db(transaction=True)
    def test_the_limit_holds_for_many_at_once(self, alice, in_threads, monkeypatch):
        monkeypatch.setattr(services, "MAX_ALIVE", 2)
        fields = {"user": alice, "name": "x", "scopes": ["tasks:read"], "expires_at": timezone.now() + timedelta(1)}
        in_threads(5, lambda _: services.create_api_token(**fields))
        assert ApiToken.objects.count() == 2


class TestRevoking:
    def test_it_is_refused_from_then_on_and_told(self, alice, api_of, make, script):
        made = make(alice)
        assert script(made).get(ME).status_code == 200
        assert api_of(alice).delete(f"{URL}{made['id']}/").status_code == 204
        assert_problem(script(made).get(ME), 401, "token_not_valid")
        assert [(event, version) for event, version, _ in told()] == [
            ("api_token.created", 1),
            ("api_token.revoked", 2),
        ]
        assert told()[1][2]["revoked_at"] is not None

    def test_it_is_gone_then(self, alice, api_of, make):
        api, made = api_of(alice), make(alice)
        api.delete(f"{URL}{made['id']}/")
        assert api.get(URL).json()["results"] == []
        assert api.get(f"{URL}{made['id']}/").status_code == 404
        assert api.delete(f"{URL}{made['id']}/").status_code == 404

    def test_revoking_at_the_same_time_is_told_once(self, alice, make):
        token = ApiToken.objects.get(id=make(alice)["id"])
        for _ in range(2):
            services.revoke_api_token(token=token)
        assert len(told()) == 2

    def test_it_is_not_revoked_by_who_has_an_old_picture(self, alice, api_of, make, script):
        api, made = api_of(alice), make(alice)
        tag = api.get(f"{URL}{made['id']}/").headers["ETag"]
        assert api.get(f"{URL}{made['id']}/", headers={"if-none-match": tag}).status_code == 304
        script(made).get(ME)
        assert_problem(api.delete(f"{URL}{made['id']}/", headers={"if-match": tag}), 412, "precondition_failed")
        assert script(made).get(ME).status_code == 200


def test_they_are_for_their_person_only(alice, bob, olga, api, api_of, make, script):
    made = make(alice)
    for stranger in (bob, olga):
        assert api_of(stranger).get(URL).json()["results"] == []
        for method in ("get", "delete"):
            assert_problem(getattr(api_of(stranger), method)(f"{URL}{made['id']}/"), 404, "not_found")
    for method in ("get", "post"):
        assert_problem(getattr(api, method)(URL), 401, "not_authenticated")
    assert_problem(api.delete(f"{URL}{made['id']}/"), 401, "not_authenticated")
    assert script(made).get(ME).json()["username"] == "alice"


def test_a_new_password_and_logging_out_of_all_end_sessions_not_api_tokens(alice, api_of, make, script):
    made = make(alice)
    api_of(alice).post("/api/v1/auth/logout-all/")
    users.set_password(user=alice, password="another-horse-9")
    assert script(made).get(ME).status_code == 200


def test_a_locked_account_s_are_refused_until_it_is_unlocked(alice, make, script):
    made = make(alice)
    for active, status in ((False, 401), (True, 200)):
        users.update_user(user=alice, changes={"is_active": active})
        assert script(made).get(ME).status_code == status


def test_an_erased_person_s_are_gone(alice, make, script):
    made = make(alice)
    users.erase_user(user_id=alice.pk)
    assert_problem(script(made).get(ME), 401, "token_not_valid")
    assert not ApiToken.objects.exists()


SCOPED = [("get", ME, "profile:read"), ("patch", ME, "profile:write"), ("get", PEOPLE, "profile:read")]


@pytest.mark.parametrize("scope", ApiToken.Scope.values)
@pytest.mark.parametrize(("method", "path", "needed"), SCOPED)
def test_the_profile_takes_its_scopes(alice, make, script, method, path, needed, scope):
    response = getattr(script(make(alice, scopes=[scope])), method)(path)
    if scope == needed:
        assert response.status_code == 200
    else:
        assert_problem(response, 403, "insufficient_scope")
        assert f'scope="{needed}"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", URL),
        ("post", URL),
        ("delete", f"{URL}{{id}}/"),
        ("get", "/api/v1/auth/sessions/"),
        ("delete", "/api/v1/auth/sessions/{id}/"),
        ("post", "/api/v1/auth/logout-all/"),
        ("post", "/api/v1/auth/password/"),
    ],
)
def test_what_concerns_signing_in_takes_a_session(alice, make, script, method, path):
    made = make(alice, scopes=ApiToken.Scope.values)
    response = getattr(script(made), method)(path.replace("{id}", made["id"]), body() if method == "post" else None)
    assert_problem(response, 403, "insufficient_scope")


class TestUsesElsewhere:
    @pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
    def test_the_latest_is_shown_however_they_come(self, alice, api_of, make, order):
        made = make(alice)
        moments = [datetime(2030, 1, 1, 12, minute, tzinfo=UTC) for minute in range(3)]
        for number in order:
            used = events.ApiTokenUsed(id=made["id"], version=number + 1, used_at=moments[number])
            told = envelope(used)
            assert inbox.receive([told, told]) == [None, None]
            assert inbox.receive([told]) == [None]
        assert api_of(alice).get(URL).json()["results"][0]["last_used_at"] == "2030-01-01T12:02:00.000000Z"

    def test_one_here_counts_too(self, alice, api_of, make, script):
        made = make(alice)
        script(made).get(ME)
        assert api_of(alice).get(URL).json()["results"][0]["last_used_at"] is not None
        assert len(told()) == 1  # that it was made: this service owns it, and hears of uses elsewhere
