"""Idempotency-Key at people and sign-ins: also for who is not signed in, and nothing that is secret lies around."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.db.models.functions import Now
from django.utils import timezone

from common.models import ApiToken, IdempotencyKey, OutboxEvent
from tests.answers import assert_problem, field_errors
from user_service.tokens.models import Session
from user_service.users import services as users
from user_service.users.models import User

REGISTER, TOKEN, REFRESH = "/api/v1/auth/register/", "/api/v1/auth/token/", "/api/v1/auth/token/refresh/"
KEY = {"idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


@pytest.fixture
def form(password):
    return {"username": "dora", "email": "dora@example.org", "password": password}


def kept():
    return str(list(IdempotencyKey.objects.values()))


@pytest.fixture
def much_later(later):
    """As if the grace of a refresh token had gone by."""

    def move():
        later(16)
        IdempotencyKey.objects.update(created_at=Now() - timedelta(seconds=16))

    return move


class TestRegistration:
    def test_who_repeats_it_is_not_told_that_their_name_is_taken(self, db, api, form):
        first, again = api.post(REGISTER, form, headers=KEY), api.post(REGISTER, form, headers=KEY)
        assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
        assert again.headers["Location"] == first.headers["Location"]
        assert User.objects.count() == OutboxEvent.objects.filter(type="user.registered").count() == 1

    def test_somebody_else_s_is_another_request(self, db, api, form):
        api.post(REGISTER, form, headers=KEY)
        assert_problem(api.post(REGISTER, form | {"username": "dana"}, headers=KEY), 422, "idempotency_key_reused")

    def test_a_taken_name_leaves_the_key_free(self, alice, api, form):
        assert field_errors(api.post(REGISTER, form | {"username": "alice"}, headers=KEY)) == {"username": "unique"}
        assert api.post(REGISTER, form, headers=KEY).status_code == 201

    def test_of_many_at_once_one_makes_the_account(self, transactional_db, api, form, in_threads):
        answers = in_threads(20, lambda _: api.post(REGISTER, form, headers=KEY))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        assert User.objects.count() == 1


class TestSignIn:
    def test_who_repeats_it_has_one_session(self, alice, sign_in):
        first, again = sign_in(headers=KEY), sign_in(headers=KEY)
        assert (first.status_code, again.content) == (200, first.content)
        assert again.headers["Cache-Control"] == "no-store"
        assert Session.objects.count() == 1

    def test_a_wrong_password_counts_each_time(self, alice, sign_in):
        for _ in range(2):
            assert_problem(sign_in(password="wrong", headers=KEY), 401, "invalid_credentials")
        assert AccessAttempt.objects.get().failures_since_start == 2

    def test_a_code_that_was_overheard_lets_nobody_in_later(self, alice, sign_in, app, much_later):
        app.guard(alice)
        code = app.code()
        assert sign_in(code=code, headers=KEY).content == sign_in(code=code, headers=KEY).content
        much_later()
        assert_problem(sign_in(code=code, headers=KEY), 401, "invalid_credentials")

    def test_what_is_given_again_is_no_better_than_before(self, alice, sign_in, api):
        sign_in(headers=KEY)
        users.update_user(user=alice, changes={"is_active": False})
        pair = sign_in(headers=KEY).json()
        assert_problem(api.post(REFRESH, {"refresh": pair["refresh"]}), 401, "token_not_valid")
        answer = api.get("/api/v1/users/me/", headers={"authorization": f"Bearer {pair['access']}"})
        assert_problem(answer, 401, "user_inactive")


class TestRefresh:
    def test_who_repeats_it_gets_the_same_pair(self, alice, sign_in, api):
        old = {"refresh": sign_in().json()["refresh"]}
        assert api.post(REFRESH, old, headers=KEY).content == api.post(REFRESH, old, headers=KEY).content

    def test_a_token_that_was_stolen_with_its_key_ends_the_session_as_any_other(self, alice, sign_in, api, much_later):
        old = {"refresh": sign_in().json()["refresh"]}
        new = api.post(REFRESH, old, headers=KEY).json()
        much_later()
        assert_problem(api.post(REFRESH, old, headers=KEY), 401, "token_not_valid")
        assert_problem(api.post(REFRESH, {"refresh": new["refresh"]}), 401, "token_not_valid")

    def test_the_session_that_a_refused_one_ends_stays_ended(self, transactional_db, alice, sign_in, api, later):
        old = {"refresh": sign_in().json()["refresh"]}
        api.post(REFRESH, old)
        later(16)
        assert_problem(api.post(REFRESH, old, headers=KEY), 401, "token_not_valid")
        assert Session.objects.get().revoked_at is not None


def test_an_api_token_s_secret_is_shown_to_who_repeats_the_request_and_not_in_the_table(alice, api_of):
    client = api_of(alice)
    form = {"name": "backup", "scopes": ["tasks:read"], "expires_at": timezone.now() + timedelta(days=1)}
    first, again = (client.post("/api/v1/auth/api-tokens/", form, headers=KEY) for _ in range(2))
    assert (first.status_code, again.json(), again.headers["ETag"]) == (201, first.json(), first.headers["ETag"])
    assert ApiToken.objects.count() == 1
    assert first.json()["token"][:8] not in kept()


def test_neither_a_password_nor_a_token_lies_in_the_table(alice, sign_in, password):
    pair = sign_in(headers=KEY).json()
    assert IdempotencyKey.objects.count() == 1
    for secret in (password, pair["access"][:20], pair["refresh"][:20], "alice"):
        assert secret not in kept()


def test_who_is_locked_out_is_given_nothing(alice, api_of, password):
    client = api_of(alice)
    assert client.post("/api/v1/auth/second-factor/", {"password": password}, headers=KEY).status_code == 200
    users.update_user(user=alice, changes={"is_active": False})
    assert_problem(
        client.post("/api/v1/auth/second-factor/", {"password": password}, headers=KEY), 401, "user_inactive"
    )
