import threading
from datetime import timedelta

import jwt
import pytest
from django.db import transaction
from django.db.models import F

from tests.answers import assert_problem, field_errors
from tests.waiting import wait_until, waiting_for_locks
from user_service.tokens import services as sessions
from user_service.tokens.models import Session
from user_service.users import services

URL = "/api/v1/auth/token/refresh/"


@pytest.fixture
def pair(alice):
    return sessions.begin_session(user=alice)


@pytest.fixture
def refresh(api):
    return lambda token: api.post(URL, {"refresh": token})


def jti(token):
    return jwt.decode(token, options={"verify_signature": False})["jti"]


def test_a_refresh_gives_a_new_pair(pair, refresh):
    response = refresh(pair.refresh)
    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh"}
    assert jti(response.json()["refresh"]) != jti(pair.refresh)
    assert response.headers["Cache-Control"] == "no-store"


def test_the_new_pair_works_and_stays_in_its_session(pair, refresh, api, alice):
    new = refresh(pair.refresh).json()
    me = api.get("/api/v1/users/me/", headers={"authorization": f"Bearer {new['access']}"})
    assert me.json()["id"] == str(alice.id)
    assert refresh(new["refresh"]).status_code == 200
    assert Session.objects.count() == 1


def test_a_lost_answer_may_be_asked_for_again_within_the_grace(pair, refresh, later):
    first = refresh(pair.refresh).json()["refresh"]
    later(14)
    again = refresh(pair.refresh)
    assert again.status_code == 200
    assert jti(again.json()["refresh"]) == jti(first)


def test_a_replay_after_the_grace_ends_the_whole_family(pair, refresh, later):
    newest = refresh(pair.refresh).json()["refresh"]
    later(16)
    assert_problem(refresh(pair.refresh), 401, "token_not_valid")
    assert_problem(refresh(newest), 401, "token_not_valid")


def test_within_the_grace_older_generations_get_the_newest_one(pair, refresh):
    """Tabs that are restored together each renew, some with a token that two others have gone past."""
    tokens = [pair.refresh]
    for _ in range(3):
        tokens.append(refresh(tokens[-1]).json()["refresh"])
    assert {jti(refresh(token).json()["refresh"]) for token in tokens[:3]} == {jti(tokens[3])}


def test_each_generation_has_its_own_grace(pair, refresh, later):
    second = refresh(pair.refresh).json()["refresh"]
    later(10)
    refresh(second)
    later(6)
    assert refresh(second).status_code == 200
    assert_problem(refresh(pair.refresh), 401, "token_not_valid")
    assert refresh(second).status_code == 401


def test_a_replay_ends_the_family_however_often_it_was_renewed_since(pair, refresh):
    newest = pair.refresh
    for _ in range(sessions.GENERATIONS + 1):
        newest = refresh(newest).json()["refresh"]
    assert_problem(refresh(pair.refresh), 401, "token_not_valid")
    assert refresh(newest).status_code == 401


def test_the_theft_of_one_session_leaves_the_others(alice, pair, refresh, later):
    other = sessions.begin_session(user=alice)
    refresh(pair.refresh)
    later(16)
    refresh(pair.refresh)
    assert refresh(other.refresh).status_code == 200


def test_a_token_that_could_not_be_exchanged_for_want_of_a_key_stays_good(pair, refresh, later, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("user_service.tokens.tokens.active_key", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sessions.renew_session(refresh=pair.refresh)
    later(16)
    assert refresh(pair.refresh).status_code == 200


def test_of_too_many_sessions_those_end_that_were_used_longest_ago(alice, bob, monkeypatch, refresh):
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 3)
    pairs = [sessions.begin_session(user=person) for person in (bob, alice, alice, alice)]
    refresh(pairs[1].refresh)
    sessions.begin_session(user=alice)
    assert [refresh(pair.refresh).status_code for pair in pairs] == [200, 200, 401, 200]


@pytest.fixture
def all_at_once(transactional_db, pair, in_threads):
    """Refreshes with one token, all of which wait for the session's row before any of them may go on."""
    locked = threading.Event()

    def renew(number):
        if number:
            locked.wait(10)
            return sessions.renew_session(refresh=pair.refresh)
        with transaction.atomic():
            Session.objects.select_for_update().get()
            locked.set()
            wait_until(lambda: waiting_for_locks() == 20)
        return None

    return in_threads(21, renew)[1:]


def test_twenty_refreshes_at_once_give_one_successor(all_at_once):
    assert len({jti(pair.refresh) for pair in all_at_once}) == 1
    assert Session.objects.get().revoked_at is None


def test_the_successor_of_a_race_is_good(all_at_once, refresh):
    assert refresh(all_at_once[0].refresh).status_code == 200


def test_who_is_locked_out_gets_no_new_tokens(alice, pair, refresh):
    services.update_user(user=alice, changes={"is_active": False})
    assert_problem(refresh(pair.refresh), 401, "token_not_valid")


def test_who_is_gone_gets_no_new_tokens(alice, pair, refresh):
    alice.delete()
    assert_problem(refresh(pair.refresh), 401, "token_not_valid")


def test_a_session_that_has_run_out_cannot_be_renewed(pair, refresh):
    Session.objects.update(expires_at=F("last_used_at"))
    assert refresh(pair.refresh).status_code == 401


def test_every_use_extends_the_session(pair, refresh):
    Session.objects.update(expires_at=F("expires_at") - timedelta(days=13))
    before = Session.objects.get().expires_at
    refresh(pair.refresh)
    assert Session.objects.get().expires_at - before > timedelta(days=12)


def test_a_refused_refresh_says_how_to_sign_in(db, refresh):
    assert refresh("rubbish").headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("token", ["rubbish", "a.b.c", "....", "eyJhbGciOiJub25lIn0.e30.", "\u00e9" * 50])
def test_garbage_is_refused(db, refresh, token):
    assert_problem(refresh(token), 401, "token_not_valid")


def test_an_access_token_is_no_refresh_token(pair, refresh):
    assert_problem(refresh(pair.access), 401, "token_not_valid")


def test_a_refresh_token_of_another_signer_is_refused(alice, issuer, refresh):
    issuer.kid = "not-published"
    assert_problem(refresh(issuer.token(alice, token_type="refresh")), 401, "token_not_valid")


def test_an_empty_body_names_the_field(db, api):
    assert field_errors(api.post(URL, {})) == {"refresh": "required"}


def test_a_token_that_is_too_long_is_a_400(db, refresh):
    assert field_errors(refresh("x" * 4097)) == {"refresh": "max_length"}


LOGOUT = "/api/v1/auth/logout/"


def test_logout_ends_the_session(pair, api, refresh):
    response = api.post(LOGOUT, {"refresh": pair.refresh})
    assert (response.status_code, response.content) == (204, b"")
    assert refresh(pair.refresh).status_code == 401


def test_logging_out_twice_is_fine(pair, api):
    assert [api.post(LOGOUT, {"refresh": pair.refresh}).status_code for _ in range(2)] == [204, 204]


def test_logout_leaves_other_devices_signed_in(alice, pair, api, refresh):
    other = sessions.begin_session(user=alice)
    api.post(LOGOUT, {"refresh": pair.refresh})
    assert refresh(other.refresh).status_code == 200


def test_logout_refuses_garbage(db, api):
    assert_problem(api.post(LOGOUT, {"refresh": "rubbish"}), 401, "token_not_valid")
