"""API tokens: what signs a script in, what does not, and what its scopes let it do."""

import json
from datetime import timedelta
from importlib import import_module

import pytest
from django.conf import settings
from django.urls import URLPattern
from django.utils import timezone

from common import api_tokens, events, inbox
from common.authentication import BearerAuthentication
from common.ids import uuid7
from common.models import ApiToken, OutboxEvent
from common.scopes import HasScope
from tests.answers import assert_problem

URL, ANY = "/api/scoped/", "/api/who/"
SECRET = "tdm_the-secret-of-these-tests"
READS, WRITES = {"get", "head", "options"}, {"post", "put", "patch", "delete"}


@pytest.fixture
def make(alice):
    """`make(scopes=[…])` is a token of Alice's whose secret is SECRET."""

    def make(**fields):
        facts = {"user_id": alice.pk, "name": "backup", "scopes": ["tasks:read", "tasks:write"]}
        facts |= {"digest": api_tokens.digest_of(SECRET.encode()), "expires_at": timezone.now() + timedelta(days=1)}
        return ApiToken.objects.create(**facts | fields)

    return make


@pytest.fixture
def ask(api):
    def ask(secret=SECRET, method="get", url=URL):
        return getattr(api, method)(url, headers={"authorization": f"Bearer {secret}"})

    return ask


@pytest.fixture
def told(monkeypatch):
    """The moments that this service tells, as one that does not own the tokens."""
    monkeypatch.setattr(inbox, "handlers", dict)
    return lambda: [
        json.loads(envelope)["data"]["used_at"]
        for envelope in OutboxEvent.objects.filter(type="api_token.used").values_list("envelope", flat=True)
    ]


def test_it_signs_its_person_in(alice, make, ask):
    make()
    assert ask().json() == {"username": "alice", "id": str(alice.id)}


def test_it_costs_one_query(make, ask, django_assert_num_queries):
    make(last_used_at=timezone.now())
    with django_assert_num_queries(1):
        assert ask().status_code == 200


BAD = {
    "expired": {"expires_at": timezone.now() - timedelta(seconds=1)},
    "revoked": {"revoked_at": timezone.now()},
    "of nobody we know": {"user_id": uuid7()},
}


@pytest.mark.parametrize("why", BAD)
def test_one_that_is_not_good_is_refused(make, ask, why):
    make(**BAD[why])
    response = ask()
    assert_problem(response, 401, "token_not_valid")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


GARBAGE = {
    "the prefix": "tdm_",
    "one letter less": SECRET[:-1],
    "one letter more": f"{SECRET}x",
    "other letters": SECRET.swapcase().replace("TDM_", "tdm_"),
    "no prefix": SECRET.removeprefix("tdm_"),
    "the hash": api_tokens.digest_of(SECRET.encode()),
    "the hash with the prefix": f"tdm_{api_tokens.digest_of(SECRET.encode())}",
    "a pattern": "tdm_%",
    "SQL": "tdm_'OR'1'='1",
    "no ASCII": "tdm_\u00e9",
    "long": "tdm_" + "x" * 7000,
}


@pytest.mark.parametrize("what", GARBAGE)
def test_what_is_no_secret_is_refused(make, issuer, ask, what):
    make()
    assert_problem(ask(GARBAGE[what]), 401, "token_not_valid")
    assert ApiToken.objects.get().last_used_at is None


def test_it_is_looked_up_by_its_hash_alone(make, ask, django_assert_num_queries):
    make()
    with django_assert_num_queries(1) as queries:
        ask("tdm_something-else")
    assert "something-else" not in queries[0]["sql"]
    assert api_tokens.digest_of(b"tdm_something-else") in queries[0]["sql"]


def test_it_is_no_cookie(make, issuer, api):
    make()
    api.cookies["tandem_access"] = SECRET
    assert_problem(api.get(URL), 401, "not_authenticated")


@pytest.mark.parametrize("method", sorted(READS | WRITES))
@pytest.mark.parametrize("scope", ApiToken.Scope.values)
def test_reading_needs_read_and_writing_needs_write(make, ask, method, scope):
    make(scopes=[scope])
    needed = "tasks:read" if method in READS else "tasks:write"
    response = ask(method=method)
    if scope == needed:
        assert response.status_code < 300
        return
    assert response.status_code == 403
    assert response.headers["WWW-Authenticate"] == f'Bearer error="insufficient_scope", scope="{needed}"'
    if method != "head":
        assert needed in assert_problem(response, 403, "insufficient_scope")["detail"]


def test_a_view_without_a_scope_is_for_sessions_only(alice, make, issuer, ask):
    make(scopes=ApiToken.Scope.values)
    response = ask(url=ANY)
    assert_problem(response, 403, "insufficient_scope")
    assert response.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'
    assert ask(issuer.token(alice), url=ANY).status_code == 200


def test_a_session_has_all_scopes(alice, issuer, ask, api):
    token = issuer.token(alice)
    assert [ask(token, method).status_code for method in ("get", "post")] == [200, 201]
    api.cookies["tandem_access"] = token
    assert api.get(URL).status_code == 200


def test_no_view_takes_an_api_token_without_asking_for_its_scope():
    def views(patterns):
        for pattern in patterns:
            yield from [pattern.callback] if isinstance(pattern, URLPattern) else views(pattern.url_patterns)

    found = [view.cls for view in views(import_module(f"{settings.SERVICE}.urls").urlpatterns) if hasattr(view, "cls")]
    takes = [cls for cls in found if BearerAuthentication in cls.authentication_classes]
    assert takes
    assert [cls for cls in takes if HasScope not in cls.permission_classes] == []


class TestUse:
    def test_it_is_noted_and_told_once_a_minute(self, make, ask, told):
        token = make()
        for _ in range(3):
            assert ask().status_code == 200
        token.refresh_from_db()
        assert told() == [token.last_used_at.isoformat().replace("+00:00", "Z")]
        ApiToken.objects.update(last_used_at=token.last_used_at - timedelta(seconds=61))
        assert ask().status_code == 200
        assert len(told()) == 2

    def test_who_hears_of_it_does_not_tell(self, make, ask, told, monkeypatch):
        monkeypatch.setattr(inbox, "handlers", lambda: {events.ApiTokenUsed: print})
        make()
        ask()
        assert ApiToken.objects.get().last_used_at is not None
        assert told() == []

    def test_of_many_at_once_one_notes_it(self, transactional_db, make, told, in_threads):
        make()
        token = api_tokens.find(SECRET.encode())
        assert in_threads(5, lambda _: api_tokens.note_use(token)) == [None] * 5
        assert len(told()) == 1

    def test_a_use_that_is_refused_for_its_scope_is_one(self, make, ask, told):
        make(scopes=["profile:read"])
        assert ask().status_code == 403
        assert len(told()) == 1


def test_what_expired_a_month_ago_is_deleted(make):
    make(expires_at=timezone.now() - timedelta(days=29))
    assert api_tokens.purge() == 0
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(days=31))
    assert api_tokens.purge() == 1
