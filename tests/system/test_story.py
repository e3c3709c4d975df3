"""What the first user does, at the edge."""

import secrets

from tests.system.running import PASSWORD


def counts(person):
    return person.get("/api/v1/users/me/").json()["task_counts"]


def test_a_task_can_be_assigned_to_somebody_who_registered_a_moment_ago(system, alice):
    bob = system.register("bob")

    def assign():
        return alice.post("/api/v1/tasks/", json={"title": "Pay the rent", "assignees": [bob.id]})

    answer = system.eventually(lambda: (answer := assign()).status_code == 201 and answer)

    assert answer.json()["assignees"] == [bob.id]


def test_the_assignee_sees_and_completes_the_task_and_both_counts_follow(system, alice, bob):
    system.eventually(lambda: system.sql("task_service", "SELECT FROM user_mirror_user WHERE id = %s", bob.id))
    task = alice.post("/api/v1/tasks/", json={"title": "Pay the rent", "assignees": [bob.id]}).json()

    assert [each["id"] for each in bob.get("/api/v1/tasks/").json()["results"]] == [task["id"]]
    system.eventually(lambda: counts(alice) == counts(bob) == {"open": 1, "done": 0})
    done = bob.post(f"/api/v1/tasks/{task['id']}/complete/")

    assert done.json()["status"] == "done"
    system.eventually(lambda: counts(alice) == counts(bob) == {"open": 0, "done": 1})


def test_a_created_task_is_found_where_its_location_says_and_in_the_list(alice):
    created = alice.post("/api/v1/tasks/", json={"title": "Water the plants"})

    assert created.status_code == 201
    assert alice.get(created.headers["Location"]).json() == created.json()
    assert alice.get("/api/v1/tasks/").json()["results"] == [created.json()]


def test_the_task_of_somebody_else_is_not_found(alice, charlie):
    task = alice.post("/api/v1/tasks/", json={"title": "Private"}).json()

    answer = charlie.get(f"/api/v1/tasks/{task['id']}/")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_taken_username_is_refused_as_not_unique(alice):
    account = {"username": alice.username, "email": f"{secrets.token_hex(4)}@example.com", "password": PASSWORD}

    answer = alice.post("/api/v1/auth/register/", json=account)

    assert (answer.status_code, answer.json()["code"]) == (400, "unique")
    assert [error["field"] for error in answer.json()["errors"]] == ["username"]


def test_a_wrong_password_and_an_unknown_name_get_the_same_401(system, alice):
    client = system.client()
    wrong = client.post("/api/v1/auth/token/", json={"username": alice.username, "password": "wrong"})
    unknown = client.post("/api/v1/auth/token/", json={"username": secrets.token_hex(8), "password": "wrong"})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["code"] == "invalid_credentials"
    assert wrong.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}


def test_without_a_token_both_services_ask_for_a_bearer_token(system):
    for path in ("/api/v1/users/me/", "/api/v1/tasks/"):
        answer = system.client().get(path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_rotated_refresh_token_keeps_a_person_signed_in(system, alice):
    pair = alice.post("/api/v1/auth/token/refresh/", json={"refresh": alice.refresh}).json()

    answer = system.client().get("/api/v1/tasks/", headers={"Authorization": f"Bearer {pair['access']}"})

    assert answer.status_code == 200
