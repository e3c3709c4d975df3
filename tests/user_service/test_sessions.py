"""The signed-in devices: Alice sees hers and ends them; Bob's are his."""

from uuid import UUID

import jwt
import pytest
from django.db.models import F
from rest_framework.exceptions import AuthenticationFailed

from common.models import OutboxEvent, Revocation
from tests.answers import assert_problem, field_errors
from user_service.tokens import services as sessions
from user_service.tokens.models import Session
from user_service.users import services
from user_service.users.models import User

URL = "/api/v1/auth/sessions/"
LOGOUT_ALL = "/api/v1/auth/logout-all/"


def sid_of(api):
    return jwt.decode(api.defaults["HTTP_AUTHORIZATION"].removeprefix("Bearer "), options={"verify_signature": False})[
        "sid"
    ]


def told():
    """The ids of the sessions whose end is owed to the other services, which is what is refused here."""
    ids = set(OutboxEvent.objects.filter(type="session.revoked").values_list("aggregate_id", flat=True))
    assert ids == set(Revocation.objects.values_list("id", flat=True))
    return {str(sid) for sid in ids}


def test_the_list_shows_each_device_and_which_one_asks(alice, bob, api_of):
    phone, laptop = api_of(alice), api_of(alice)
    api_of(bob)
    body = laptop.get(URL).json()
    assert [(row["id"], row["current"]) for row in body["results"]] == [(sid_of(laptop), True), (sid_of(phone), False)]
    assert set(body["results"][0]) == {"id", "created_at", "last_used_at", "user_agent", "ip", "current"}


def test_it_shows_the_browser_that_asks(alice, browser_of):
    response = browser_of(alice).get(URL, headers={"accept": "application/json"})
    assert [row["current"] for row in response.json()["results"]] == [True]


def test_ended_and_expired_ones_are_not_listed(alice, api_of):
    api, ended, expired = api_of(alice), api_of(alice), api_of(alice)
    api.delete(f"{URL}{sid_of(ended)}/")
    Session.objects.filter(id=sid_of(expired)).update(expires_at=F("created_at"))
    assert [row["id"] for row in api.get(URL).json()["results"]] == [sid_of(api)]


def test_alice_ends_one(alice, api_of):
    api, other = api_of(alice), api_of(alice)
    assert api.delete(f"{URL}{sid_of(other)}/").status_code == 204
    assert told() == {sid_of(other)}
    assert api.delete(f"{URL}{sid_of(other)}/").status_code == 404


def test_bob_s_is_not_hers_to_end(alice, bob, api_of):
    his = api_of(bob)
    assert_problem(api_of(alice).delete(f"{URL}{sid_of(his)}/"), 404, "not_found")
    assert told() == set()


def test_who_is_not_signed_in_sees_none(db, api):
    assert_problem(api.get(URL), 401, "not_authenticated")


def test_logout_all_ends_hers_and_nobody_else_s(alice, bob, api_of):
    api, other, bobs = api_of(alice), api_of(alice), api_of(bob)
    assert api.post(LOGOUT_ALL).status_code == 204
    assert told() == {sid_of(api), sid_of(other)}
    assert bobs.get(URL).status_code == 200


def test_logout_all_takes_no_fields(alice, api_of):
    assert field_errors(api_of(alice).post(LOGOUT_ALL, {"refresh": "x"})) == {"refresh": "unknown"}


def test_a_replay_and_a_logout_are_told(alice, api, later):
    first, second = sessions.begin_session(user=alice), sessions.begin_session(user=alice)
    api.post("/api/v1/auth/logout/", {"refresh": first.refresh})
    sessions.renew_session(refresh=second.refresh)
    later(16)
    with pytest.raises(sessions.RefreshRefused):
        sessions.renew_session(refresh=second.refresh)
    assert len(told()) == 2


def test_ending_twice_is_told_once(alice, api):
    pair = sessions.begin_session(user=alice)
    for _ in range(2):
        sessions.end_session(refresh=pair.refresh)
    assert OutboxEvent.objects.filter(type="session.revoked").count() == 1


def test_locking_the_account_ends_all(alice, api_of):
    api = api_of(alice)
    services.update_user(user=alice, changes={"is_active": False})
    assert told() == {sid_of(api)}
    services.update_user(user=alice, changes={"is_active": True})
    assert not Session.objects.alive().exists()


def test_who_signs_in_while_the_account_is_locked_does_not_get_in(alice):
    authenticated = User.objects.get()
    services.update_user(user=alice, changes={"is_active": False})
    with pytest.raises(AuthenticationFailed):
        sessions.begin_session(user=authenticated)


def test_old_sessions_are_deleted_after_a_month(alice):
    for _ in range(3):
        sessions.begin_session(user=alice)
    kept, revoked, expired = Session.objects.order_by("id")
    for session, field in ((revoked, "revoked_at"), (expired, "expires_at")):
        Session.objects.filter(id=session.id).update(**{field: session.created_at - 31 * sessions.timedelta(days=1)})
    assert sessions.purge_sessions() == 2
    assert Session.objects.get().id == kept.id
    assert isinstance(kept.id, UUID)
