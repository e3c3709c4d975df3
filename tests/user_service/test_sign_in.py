import jwt
import pytest
from django.db import connection

from tests.answers import assert_problem, field_errors
from user_service.tokens import services as sessions
from user_service.tokens.models import Session
from user_service.users import services
from user_service.users.models import User

URL = "/api/v1/auth/token/"


def sign_in(api, username, password, **extra):
    return api.post(URL, {"username": username, "password": password}, **extra)


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.org", "Alice@Example.org"])
def test_a_person_signs_in_by_name_or_e_mail(alice, api, password, name):
    response = sign_in(api, name, password)
    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh"}


def test_tokens_are_not_cached(alice, api, password):
    assert sign_in(api, "alice", password).headers["Cache-Control"] == "no-store"


def test_the_access_token_opens_what_is_hers(alice, api, password):
    access = sign_in(api, "alice", password).json()["access"]
    response = api.get("/api/v1/users/me/", headers={"authorization": f"Bearer {access}"})
    assert response.json()["username"] == "alice"


def test_the_access_token_says_who_where_and_how_long(alice, api, password):
    access = sign_in(api, "alice", password).json()["access"]
    claims = jwt.decode(access, options={"verify_signature": False})
    assert claims["iss"] == "tandem.user_service"
    assert claims["aud"] == "tandem"
    assert claims["sub"] == str(alice.id)
    assert claims["username"] == "alice"
    assert claims["sid"] == str(Session.objects.get().id)
    assert claims["jti"]
    assert 0 < claims["exp"] - claims["iat"] <= 600


def test_the_token_header_names_an_asymmetric_algorithm_and_a_key(alice, api, password):
    header = jwt.get_unverified_header(sign_in(api, "alice", password).json()["access"])
    assert header["alg"] == "ES256"
    assert header["kid"]


def test_the_session_remembers_the_device(alice, api, password):
    agent = "Browser/1 " + "x" * 400
    sign_in(api, "alice", password, headers={"user-agent": agent, "x-forwarded-for": "203.0.113.9"})
    session = Session.objects.get()
    assert (session.user_agent, session.ip) == (agent[:300], "203.0.113.9")


def without_id(response):
    return {name: value for name, value in response.json().items() if name != "request_id"}


def test_a_wrong_password_and_an_unknown_name_look_alike(alice, api, password):
    wrong, unknown = sign_in(api, "alice", "not-this-one"), sign_in(api, "nobody", password)
    assert_problem(wrong, 401, "invalid_credentials")
    assert wrong.headers["WWW-Authenticate"].startswith("Bearer")
    assert without_id(wrong) == without_id(unknown)
    assert wrong.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"]


def test_an_unknown_name_costs_a_hash_too(db, api, password, mocker_of_hashes):
    sign_in(api, "nobody", password)
    assert mocker_of_hashes == ["hashed"]


@pytest.fixture
def mocker_of_hashes(monkeypatch):
    from django.contrib.auth.hashers import MD5PasswordHasher

    calls, encode = [], MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda self, *args, **more: calls.append("hashed") or encode(self, *args, **more)
    )
    return calls


def test_who_is_locked_out_cannot_sign_in(alice, api, password):
    services.update_user(user=alice, changes={"is_active": False})
    locked, wrong = sign_in(api, "alice", password), sign_in(api, "alice", "not-this-one")
    assert_problem(locked, 401, "invalid_credentials")
    assert without_id(locked) == without_id(wrong)


@pytest.mark.parametrize("body", [{}, {"username": "alice"}, {"password": "x"}])
def test_both_fields_are_needed(db, api, body):
    assert set(field_errors(api.post(URL, body)).values()) == {"required"}


def test_an_unknown_field_is_refused(alice, api, password):
    response = api.post(URL, {"username": "alice", "password": password, "otp": "1"})
    assert field_errors(response) == {"otp": "unknown"}


@pytest.mark.parametrize("name", ["a\u0000b", "@", "@@", "a" * 254, "alice\n"])
def test_a_strange_name_is_refused_and_breaks_nothing(alice, api, name):
    assert sign_in(api, name, "some-password").status_code in (400, 401)


@pytest.mark.parametrize("body", [[], "alice", 5, None])
def test_a_body_that_is_no_object_is_a_400(db, api, body):
    assert api.post(URL, body).status_code == 400


def test_the_password_is_not_trimmed(alice, api, password):
    assert sign_in(api, "alice", f" {password}").status_code == 401


def test_sign_in_is_a_post(db, api):
    assert_problem(api.get(URL), 405, "method_not_allowed")


@pytest.mark.parametrize("name", ["\uff42oss", "bo\u017fs", "BOSS"])
def test_a_name_is_the_same_in_every_form_of_its_letters(api, register, password, name):
    register("boss")
    assert sign_in(api, name, password).status_code == 200


@pytest.mark.parametrize(
    ("name", "index"), [("Alice", "users_username_unique"), ("Alice@Example.org", "users_email_unique")]
)
def test_a_person_is_found_by_the_unique_index(db, name, index):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert index in User.objects.named(name).explain()


def test_a_new_password_ends_every_sign_in_of_that_person_only(alice, bob, password):
    pairs = [sessions.begin_session(user=person) for person in (alice, alice, bob)]
    services.set_password(user=alice, password="another-horse-9")
    assert [sessions_left(person) for person in (alice, bob)] == [0, 1]
    with pytest.raises(sessions.RefreshRefused):
        sessions.renew_session(refresh=pairs[0].refresh)


def sessions_left(person):
    return Session.objects.filter(user=person, revoked_at=None).count()


def test_a_password_that_cannot_be_set_ends_nothing(alice, monkeypatch):
    sessions.begin_session(user=alice)
    old = alice.password
    monkeypatch.setattr(services.tokens, "end_sessions", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.set_password(user=alice, password="another-horse-9")
    alice.refresh_from_db()
    assert (alice.password, sessions_left(alice)) == (old, 1)
