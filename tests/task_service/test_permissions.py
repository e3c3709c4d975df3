"""Who may do what: Alice created the task, Bob is assigned to it, Charlie has nothing to do with it."""

import pytest
from rest_framework.test import APIClient


def every_request(person, task):
    return {
        "read": person.read(task),
        "patch": person.patch(task, {"title": "New"}),
        "put": person.put(task, {"title": "Newer", "assignees": task["assignees"]}),
        "complete": person.act(task, "complete"),
        "reopen": person.act(task, "reopen"),
        "delete": person.delete(task),
    }


def test_alice_who_created_it_may_do_everything(alice, shared_task):
    answers = {name: response.status_code for name, response in every_request(alice, shared_task).items()}
    assert answers == {"read": 200, "patch": 200, "put": 200, "complete": 200, "reopen": 200, "delete": 204}


def test_bob_who_is_assigned_may_do_everything_but_delete(bob, shared_task):
    responses = every_request(bob, shared_task)
    answers = {name: response.status_code for name, response in responses.items()}
    assert answers == {"read": 200, "patch": 200, "put": 200, "complete": 200, "reopen": 200, "delete": 403}
    assert responses["delete"].json()["code"] == "permission_denied"
    assert bob.read(shared_task).status_code == 200


def test_charlie_a_stranger_finds_nothing_anywhere(charlie, shared_task, alice):
    for response in every_request(charlie, shared_task).values():
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert charlie.titles() == charlie.titles(trashed="true") == charlie.titles(search="fence") == []
    assert alice.read(shared_task).json() == shared_task


def test_a_task_that_never_was_looks_like_a_strangers(charlie, shared_task):
    theirs = charlie.read(shared_task).json()
    nothing = charlie.read({"id": "0190a5b0-0000-7000-8000-000000000000"}).json()
    assert theirs | {"request_id": ""} == nothing | {"request_id": ""}


def test_bob_sees_the_task_while_he_is_assigned(alice, bob, charlie):
    task = alice.make(title="Paint the fence")
    assert (alice.titles(), bob.titles(), charlie.titles()) == (["Paint the fence"], [], [])
    alice.patch(task, {"assignees": [str(bob.id)]})
    assert (alice.titles(), bob.titles(), charlie.titles()) == (["Paint the fence"], ["Paint the fence"], [])
    alice.patch(task, {"assignees": []})
    assert (alice.titles(), bob.titles(), charlie.titles()) == (["Paint the fence"], [], [])
    assert bob.read(task).status_code == 404


def test_bob_may_take_himself_off_and_gets_an_answer(bob, alice, charlie, shared_task):
    response = bob.patch(shared_task, {"assignees": [str(charlie.id)]})
    assert (response.status_code, response.json()["assignees"]) == (200, [str(charlie.id)])
    answers = [who.read(shared_task).status_code for who in (alice, bob, charlie)]
    assert answers == [200, 404, 200]


def test_alice_still_sees_her_task_once_in_her_list_when_she_assigns_herself(alice, bob, charlie):
    alice.make(title="Mine", assignees=[str(alice.id), str(bob.id)])
    assert (alice.titles(), bob.titles(), charlie.titles()) == (["Mine"], ["Mine"], [])


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_without_a_token_nobody_gets_in(db, method, shared_task, alice):
    response = getattr(APIClient(), method)(alice.url(shared_task))
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "changes",
    [{"exp": 1}, {"aud": "elsewhere"}, {"iss": "somebody"}, {"token_type": "refresh"}, {"headers": {"kid": "other"}}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_token_that_is_not_good_is_401(alice, changes):
    alice.sign_in(**changes)
    response = alice.list()
    assert (response.status_code, response.json()["code"]) == (401, "token_not_valid")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_signed_with_another_key_is_401(alice, issuer):
    forger = type(issuer)(kid=issuer.kid)
    alice.api.credentials(HTTP_AUTHORIZATION=f"Bearer {forger.token(alice)}")
    assert alice.list().status_code == 401
