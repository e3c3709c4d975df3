"""DELETE users/me/ and the status that needs no sign-in; the operator's admin."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from common.models import ApiToken
from tests.answers import assert_problem, field_errors
from tests.forms import shown
from tests.user_service.erasing import done, prepared, refused, state_of
from user_service.api_tokens.services import create_api_token
from user_service.erasure import services
from user_service.erasure.models import Erasure
from user_service.users.models import User

ME = "/api/v1/users/me/"
STATUS = "/api/v1/users/erasure/"
ADMIN = "/admin/users/erasure/erasure/"


@pytest.fixture
def erased(alice, api_of, password):
    """Alice has asked: the answer."""
    return api_of(alice).delete(ME, {"password": password})


@pytest.fixture
def operator(olga, admin_of):
    return admin_of(olga)


def test_asking_is_accepted_and_says_where_to_look(alice, erased, api):
    assert erased.status_code == 202
    assert set(erased.json()) == {
        "id", "state", "reason", "requested_at", "deadline", "committed_at", "finished_at"
    }  # fmt: skip
    assert erased.json()["state"] == "requested"
    status = api.get(erased.headers["Location"])
    assert (status.status_code, status.json()) == (200, erased.json())
    assert status.headers["Cache-Control"] == "no-store"


def test_from_then_on_nobody_signs_in(alice, api, password, api_of):
    device = api_of(alice)
    device.delete(ME, {"password": password})
    assert_problem(device.get(ME), 401, "user_inactive")
    assert_problem(
        api.post("/api/v1/auth/token/", {"username": "alice", "password": password}), 401, "invalid_credentials"
    )
    assert_problem(api.get(f"/api/v1/users/{alice.id}/"), 401, "not_authenticated")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"password": "wrong"}, {"password": "password_incorrect"}),
        ({}, {"password": "required"}),
        ({"password": "correct-horse-9", "force": True}, {"force": "unknown"}),
    ],
)
def test_a_wrong_password_changes_nothing(alice, api_of, body, errors):
    assert field_errors(api_of(alice).delete(ME, body)) == errors
    assert User.objects.get(pk=alice.pk).is_active
    assert not Erasure.objects.exists()


def test_who_is_not_signed_in_erases_nobody(alice, api, password):
    assert_problem(api.delete(ME, {"password": password}), 401, "not_authenticated")


def test_no_script_erases_its_owner(alice, api, password):
    expires_at = timezone.now() + timedelta(days=1)
    made = create_api_token(user=alice, name="x", scopes=ApiToken.Scope.values, expires_at=expires_at)
    answer = api.delete(ME, {"password": password}, headers={"authorization": f"Bearer {made.secret}"})
    assert_problem(answer, 403, "insufficient_scope")
    assert User.objects.get(pk=alice.pk).is_active


def test_bob_s_password_does_not_erase_alice(register, alice, api_of):
    register("bob", password="another-horse-7")
    assert field_errors(api_of(alice).delete(ME, {"password": "another-horse-7"})) == {
        "password": "password_incorrect"
    }  # fmt: skip


def test_an_operator_is_told_that_they_may_not(olga, api_of, password):
    assert field_errors(api_of(olga).delete(ME, {"password": password})) == {"non_field_errors": "is_operator"}


@pytest.mark.parametrize("query", ["", "?key=", "?key=x", "?key={id}"])
def test_without_the_key_there_is_nothing_to_see(erased, api, query):
    assert_problem(api.get(STATUS + query.format(id=erased.json()["id"])), 404, "not_found")


def test_a_parameter_that_is_not_known_is_refused(erased, api):
    assert field_errors(api.get(erased.headers["Location"] + "&verbose=1")) == {"verbose": "unknown"}


def test_the_status_goes_with_the_saga_to_its_end(erased, api):
    where, erasure = erased.headers["Location"], Erasure.objects.get()
    prepared(erasure)
    assert api.get(where).json()["state"] == "committed"
    done(erasure)
    last = api.get(where)
    assert (last.json()["state"], last.json()["reason"]) == ("done", "")
    assert api.get(where, headers={"if-none-match": last.headers["ETag"]}).status_code == 304


def test_the_status_tells_why_not(erased, api):
    refused(Erasure.objects.get())
    assert "legal hold" in api.get(erased.headers["Location"]).json()["reason"]


def test_the_schema_says_that_delete_takes_a_password(db, api):
    schema = api.get("/api/schema/users/", headers={"accept": "application/vnd.oai.openapi+json"}).json()
    delete = schema["paths"]["/api/v1/users/me/"]["delete"]
    assert delete["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/ErasureRequestRequest")


def test_olga_starts_one_and_sees_who_it_is(operator, alice):
    assert operator.post(f"{ADMIN}add/", {"person": str(alice.id)}).status_code == 302
    erasure = Erasure.objects.get()
    assert (erasure.user_id, erasure.state) == (alice.id, "requested")
    assert "alice" in operator.get(ADMIN).content.decode()
    assert operator.get(f"{ADMIN}{erasure.id}/change/").status_code == 200


def test_the_form_tells_olga_why_not(operator, alice):
    services.request_erasure(user=alice)
    response = operator.post(f"{ADMIN}add/", {"person": str(alice.id)})
    assert "being erased already" in response.content.decode()
    assert Erasure.objects.count() == 1


@pytest.mark.parametrize(
    ("before", "action", "after", "logged"),
    [
        ([], "cancel", "cancelled", ["Cancelled."]),
        ([prepared], "cancel", "committed", []),
        ([], "retry", "requested", ["Sent again."]),
        ([prepared], "retry", "committed", ["Sent again."]),
        ([prepared, done], "retry", "done", []),
        ([prepared, done], "cancel", "done", []),
    ],
)
def test_olga_cancels_and_sends_again_where_that_can_be(operator, olga, alice, before, action, after, logged):
    erasure = services.request_erasure(user=alice).erasure
    for step in before:
        step(erasure)
    answer = operator.post(ADMIN, {"action": action, "_selected_action": [str(erasure.id)]}, follow=True)
    assert answer.status_code == 200
    assert state_of(erasure) == after
    entries = LogEntry.objects.filter(object_id=str(erasure.id))
    assert [(entry.user, entry.change_message) for entry in entries] == [(olga, message) for message in logged]


@pytest.mark.parametrize("end", [refused, lambda erasure: services.cancel_erasure(erasure_id=erasure.id)])
def test_whom_olga_locks_meanwhile_stays_locked_if_they_are_not_erased(operator, olga, alice, api, password, end):
    erasure = services.request_erasure(user=alice).erasure
    for _ in range(2):
        operator.post(ADMIN, {"action": "keep_locked", "_selected_action": [str(erasure.id)]})
    end(erasure)
    assert not User.objects.get(pk=alice.pk).is_active
    assert_problem(
        api.post("/api/v1/auth/token/", {"username": "alice", "password": password}), 401, "invalid_credentials"
    )
    assert "An operator has locked it" in alice.mails.get().body
    entry = LogEntry.objects.get(object_id=str(erasure.id))
    assert (entry.user, entry.change_message) == (olga, "Stays locked if it is not erased.")


def test_what_is_decided_has_no_lock_to_keep(operator, alice):
    erasure = services.request_erasure(user=alice).erasure
    prepared(erasure)
    operator.post(ADMIN, {"action": "keep_locked", "_selected_action": [str(erasure.id)]})
    done(erasure)
    assert state_of(erasure) == "done"
    assert not LogEntry.objects.exists()


def test_the_rows_are_not_edited_nor_deleted(operator, alice):
    erasure = services.request_erasure(user=alice).erasure
    assert operator.post(f"{ADMIN}{erasure.id}/change/", {"state": "done"}).status_code == 403
    assert operator.post(f"{ADMIN}{erasure.id}/delete/", {"post": "yes"}).status_code == 403


def test_alice_does_not_get_in(alice, browser_of):
    assert browser_of(alice).get(ADMIN, follow=True).status_code == 403


def test_a_wrong_password_counts_as_at_the_sign_in_and_is_forgotten_with_the_person(alice, api_of, password):
    device = api_of(alice)
    assert field_errors(device.delete(ME, {"password": "wrong"})) == {"password": "password_incorrect"}
    assert AccessAttempt.objects.count() == 1
    erasure = services.request_erasure(user=alice).erasure
    prepared(erasure)
    done(erasure)
    assert not AccessAttempt.objects.exists()


def test_who_unlocked_them_is_logged_without_their_name(operator, alice, api):
    for _ in range(2):
        api.post("/api/v1/auth/token/", {"username": "alice", "password": "wrong"})
    attempts = [str(attempt.pk) for attempt in AccessAttempt.objects.all()]
    operator.post("/admin/users/axes/accessattempt/", {"action": "unlock", "_selected_action": attempts})
    assert "alice" in LogEntry.objects.get().change_message
    erasure = services.request_erasure(user=alice).erasure
    prepared(erasure)
    done(erasure)
    entry = LogEntry.objects.get()
    assert "alice" not in entry.change_message + entry.object_repr


def test_what_operators_did_with_the_person_is_logged_without_their_name(operator, alice):
    url = f"/admin/users/users/user/{alice.id}/change/"
    form = {name: value for name, value in (shown(operator, url) | {"display_name": "Al"}).items() if value}
    assert operator.post(url, form).status_code == 302
    erasure = services.request_erasure(user=alice).erasure
    prepared(erasure)
    done(erasure)
    assert [entry.object_repr for entry in LogEntry.objects.all()] == [str(alice.id)]
