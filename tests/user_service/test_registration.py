import json

import pytest

from common.models import OutboxEvent
from tests.answers import assert_problem, field_errors
from user_service.users.hashers import Argon2Hasher
from user_service.users.models import User

URL = "/api/v1/auth/register/"


@pytest.fixture
def form(password):
    return {"username": "dora", "email": "dora@example.org", "password": password, "display_name": "Dora"}


def test_a_person_registers_and_sees_who_they_are(db, api, form):
    response = api.post(URL, form)
    assert response.status_code == 201
    person = User.objects.get()
    assert response.headers["Location"] == f"/api/v1/users/{person.id}/"
    assert response.json() == {
        "id": str(person.id),
        "username": "dora",
        "email": "dora@example.org",
        "display_name": "Dora",
        "time_zone": "UTC",
        "created_at": person.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def test_an_id_is_ordered_by_time(db, api, form):
    assert api.post(URL, form).json()["id"][14] == "7"


def test_the_display_name_may_be_left_out(db, api, form):
    del form["display_name"]
    assert api.post(URL, form).json()["display_name"] == ""


def test_registration_publishes_the_person_without_e_mail_and_password(db, api, form):
    person = api.post(URL, form).json()
    envelope = json.loads(OutboxEvent.objects.get().envelope)
    assert envelope["type"] == "user.registered"
    assert envelope["data"] == {
        "id": person["id"],
        "version": 1,
        "username": "dora",
        "display_name": "Dora",
        "is_active": True,
        "is_staff": False,
        "is_superuser": False,
    }


def test_the_event_carries_the_request_id(db, api, form):
    api.post(URL, form, headers={"x-request-id": "request-0001"})
    assert json.loads(OutboxEvent.objects.get().envelope)["requestid"] == "request-0001"


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", "alice"), ("username", "ALICE"), ("email", "alice@example.org"), ("email", "Alice@Example.ORG")],
)
def test_a_taken_name_is_refused_in_any_case(alice, api, form, field, value):
    response = api.post(URL, form | {field: value})
    assert field_errors(response) == {field: "unique"}
    assert_problem(response, 400, "unique")


def test_a_refused_registration_leaves_no_event(alice, api, form):
    before = OutboxEvent.objects.count()
    api.post(URL, form | {"username": "alice"})
    assert OutboxEvent.objects.count() == before


def test_of_two_registrations_at_once_one_wins(transactional_db, api, form, in_threads):
    responses = in_threads(4, lambda number: api.post(URL, form | {"email": f"dora{number}@example.org"}))
    assert sorted(response.status_code for response in responses) == [201, 400, 400, 400]
    assert {json.dumps(field_errors(r)) for r in responses if r.status_code == 400} == {'{"username": "unique"}'}
    assert (User.objects.count(), OutboxEvent.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("x9-kz", "password_too_short"),
        ("7391482650", "password_entirely_numeric"),
        ("password123", "password_too_common"),
        ("dora@example.org", "password_too_similar"),
    ],
)
def test_a_weak_password_is_refused(db, api, form, password, code):
    assert field_errors(api.post(URL, form | {"password": password}))["password"] == code


def test_each_weakness_is_named(db, api, form):
    errors = api.post(URL, form | {"password": "1234"}).json()["errors"]
    assert {error["code"] for error in errors} > {"password_too_short", "password_entirely_numeric"}


@pytest.mark.parametrize("name", ["is_staff", "is_superuser", "is_active", "version", "colour"])
def test_a_field_that_is_not_known_is_refused(db, api, form, name):
    assert field_errors(api.post(URL, form | {name: True})) == {name: "unknown"}
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["id", "time_zone", "created_at"])
def test_a_field_that_cannot_be_written_is_refused(db, api, form, name):
    assert field_errors(api.post(URL, form | {name: "x"})) == {name: "read_only"}


@pytest.mark.parametrize("name", ["username", "email", "password"])
def test_a_missing_field_is_named(db, api, form, name):
    del form[name]
    assert field_errors(api.post(URL, form)) == {name: "required"}


@pytest.mark.parametrize(
    "username",
    ["dora d", "dora@home", "d\u0000a", "x" * 151, "", None, 5.5, ["dora"], "\uff44\uff4f\uff52\uff41", "bo\u017fs"],
)
def test_a_bad_username_is_refused(db, api, form, username):
    response = api.post(URL, form | {"username": username})
    if username == 5.5:  # a number is read as its text, as DRF does
        assert response.status_code == 201
    else:
        assert set(field_errors(response)) == {"username"}


def test_an_address_that_no_sign_in_form_would_keep_is_refused(db, api, form):
    response = api.post(URL, form | {"email": "dora@\uff45xample.org"})
    assert field_errors(response) == {"email": "invalid"}


def test_a_nul_in_any_text_is_a_400(db, api, form):
    for name in form:
        assert set(field_errors(api.post(URL, form | {name: "a\u0000bcdefgh-12"}))) == {name}


def test_a_query_parameter_is_refused(db, api, form):
    assert field_errors(api.post(f"{URL}?invite=1", form)) == {"invite": "unknown"}


def test_a_token_that_came_along_is_not_looked_at(db, api, form):
    assert api.post(URL, form, headers={"authorization": "Bearer rubbish"}).status_code == 201


def test_the_answer_never_holds_the_password(db, api, form, password):
    assert password not in api.post(URL, form).content.decode()


def test_passwords_are_kept_as_argon2id(db, api, form, settings, password):
    settings.PASSWORD_HASHERS = [f"{Argon2Hasher.__module__}.{Argon2Hasher.__name__}"]
    api.post(URL, form)
    person = User.objects.get()
    assert person.password.startswith("argon2$argon2id$")
    assert "m=47104,t=1,p=1" in person.password
    assert person.check_password(password)
