import jwt
import pytest
from django.db import connection

from tests.answers import assert_problem, field_errors, without_id
from user_service.tokens.models import Session
from user_service.users import services
from user_service.users.models import User

URL = "/api/v1/auth/token/"


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.org", "Alice@Example.org"])
def test_a_person_signs_in_by_name_or_e_mail(alice, sign_in, name):
    response = sign_in(name)
    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh"}


def test_tokens_are_not_cached(alice, sign_in):
    assert sign_in().headers["Cache-Control"] == "no-store"


def test_the_access_token_opens_what_is_hers(alice, sign_in, api):
    access = sign_in().json()["access"]
    response = api.get("/api/v1/users/me/", headers={"authorization": f"Bearer {access}"})
    assert response.json()["username"] == "alice"


def test_the_access_token_says_who_where_and_how_long(alice, sign_in):
    access = sign_in().json()["access"]
    claims = jwt.decode(access, options={"verify_signature": False})
    assert claims["iss"] == "tandem.user_service"
    assert claims["aud"] == "tandem"
    assert claims["sub"] == str(alice.id)
    assert claims["username"] == "alice"
    assert claims["sid"] == str(Session.objects.get().id)
    assert claims["jti"]
    assert 0 < claims["exp"] - claims["iat"] <= 600


def test_the_token_header_names_an_asymmetric_algorithm_and_a_key(alice, sign_in):
    header = jwt.get_unverified_header(sign_in().json()["access"])
    assert header["alg"] == "ES256"
    assert header["kid"]


def test_the_session_remembers_the_device(alice, sign_in):
    agent = "Browser/1 " + "x" * 400
    sign_in(headers={"user-agent": agent})
    session = Session.objects.get()
    assert (session.user_agent, session.ip) == (agent[:300], "203.0.113.9")


def test_a_wrong_password_and_an_unknown_name_look_alike(alice, sign_in):
    wrong, unknown = sign_in(password="not-this-one"), sign_in("nobody")
    assert_problem(wrong, 401, "invalid_credentials")
    assert wrong.headers["WWW-Authenticate"].startswith("Bearer")
    assert without_id(wrong) == without_id(unknown)
    assert wrong.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"]


def test_an_unknown_name_costs_a_hash_too(sign_in, hashed):
    sign_in("nobody")
    assert len(hashed) == 1


@pytest.fixture
def hashed(monkeypatch):
    from django.contrib.auth.hashers import MD5PasswordHasher

    calls, encode = [], MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda self, *args, **more: calls.append(args) or encode(self, *args, **more)
    )
    return calls


def test_who_is_locked_out_cannot_sign_in(alice, sign_in):
    services.update_user(user=alice, changes={"is_active": False})
    locked, wrong = sign_in(), sign_in(password="not-this-one")
    assert_problem(locked, 401, "invalid_credentials")
    assert without_id(locked) == without_id(wrong)


@pytest.mark.parametrize("body", [{}, {"username": "alice"}, {"password": "x"}])
def test_both_fields_are_needed(db, api, body):
    assert set(field_errors(api.post(URL, body)).values()) == {"required"}


def test_an_unknown_field_is_refused(alice, api, password):
    response = api.post(URL, {"username": "alice", "password": password, "otp": "1"})
    assert field_errors(response) == {"otp": "unknown"}


@pytest.mark.parametrize("name", ["a\u0000b", "@", "@@", "a" * 254, "alice\n"])
def test_a_strange_name_is_refused_and_breaks_nothing(alice, sign_in, name):
    assert sign_in(name, "some-password").status_code in (400, 401)


@pytest.mark.parametrize("body", [[], "alice", 5, None])
def test_a_body_that_is_no_object_is_a_400(db, api, body):
    assert api.post(URL, body).status_code == 400


def test_the_password_is_not_trimmed(alice, sign_in, password):
    assert sign_in(password=f" {password}").status_code == 401


def test_sign_in_is_a_post(db, api):
    assert_problem(api.get(URL), 405, "method_not_allowed")


@pytest.mark.parametrize("name", ["\uff42oss", "bo\u017fs", "BOSS"])
def test_a_name_is_the_same_in_every_form_of_its_letters(sign_in, register, name):
    register("boss")
    assert sign_in(name).status_code == 200


@pytest.mark.parametrize(
    ("name", "index"), [("Alice", "users_username_unique"), ("Alice@Example.org", "users_email_unique")]
)
def test_a_person_is_found_by_the_unique_index(db, name, index):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert index in User.objects.named(name).explain()
