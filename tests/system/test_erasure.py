"""The end of an account, at the edge: Alice goes, Bob shares a task with her; whoever dies meanwhile comes back."""

import json
from io import BytesIO
from zipfile import ZipFile

import pytest

from tests.system import oracle
from tests.system.running import PASSWORD
from tests.system.test_kill_points import end_waiting_sessions, locked

ME = "/api/v1/users/me/"
HOLDS = "/admin/tasks/erasure/legalhold/"


@pytest.fixture
def tasks(system, alice, bob):
    """Alice's own, her one with Bob, and Bob's one with her."""
    return make_tasks(system, alice, bob)


def make_tasks(system, alice, bob):
    known = "SELECT FROM user_mirror_user WHERE id IN (%s, %s)"
    system.eventually(lambda: len(system.sql("task_service", known, alice.id, bob.id)) == 2)
    private = alice.post("/api/v1/tasks/", json={"title": "Secret"})
    shared = alice.post("/api/v1/tasks/", json={"title": "Ours", "assignees": [bob.id]})
    theirs = bob.post("/api/v1/tasks/", json={"title": "His", "assignees": [alice.id]})
    assert [answer.status_code for answer in (private, shared, theirs)] == [201] * 3
    return [answer.json()["id"] for answer in (private, shared, theirs)]


def erase(person):
    """Answer where to look."""
    answer = person.request("DELETE", ME, json={"password": PASSWORD})
    assert (answer.status_code, answer.json()["state"]) == (202, "requested")
    return answer.headers["Location"]


def ended(system, where, seconds=30):
    """Wait for the end, and answer it."""

    def look():
        answer = system.client().get(where)
        return answer.status_code == 200 and answer.json()["finished_at"] and answer.json()

    return system.eventually(look, seconds=seconds)


def signs_in(system, person):
    credentials = {"username": person.username, "password": PASSWORD}
    return system.client().post("/api/v1/auth/token/", json=credentials).status_code == 200


def check_gone(system, alice, bob, tasks):
    private, shared, theirs = tasks
    assert not signs_in(system, alice)
    assert bob.get(f"/api/v1/users/{alice.id}/").status_code == 404
    assert bob.get("/api/v1/users/", params={"search": alice.username}).json()["results"] == []
    assert system.sql("task_service", "SELECT FROM tasks_task WHERE id = %s", private) == []
    kept = bob.get(f"/api/v1/tasks/{shared}/").json()
    assert (kept["created_by"], kept["assignees"]) == (bob.id, [bob.id])
    assert bob.get(f"/api/v1/tasks/{theirs}/").json()["assignees"] == []
    name = "SELECT username FROM user_mirror_user WHERE id = %s"
    system.eventually(lambda: system.sql("task_service", name, alice.id) == [("",)])


def check_there(system, alice, bob, tasks):
    private, shared, theirs = tasks
    again = system.sign_in(alice.username)
    assert again.get(f"/api/v1/tasks/{private}/").json()["title"] == "Secret"
    assert again.get(f"/api/v1/tasks/{shared}/").json()["created_by"] == alice.id
    assert bob.get(f"/api/v1/tasks/{theirs}/").json()["assignees"] == [alice.id]


def has_heard(system, person):
    return system.sql("task_service", "SELECT FROM erasure_erasure WHERE user_id = %s", person.id)


def test_a_person_goes_and_is_gone_everywhere(system, alice, bob, tasks):
    where = erase(alice)

    assert not signs_in(system, alice)
    assert ended(system, where)["state"] == "done"
    check_gone(system, alice, bob, tasks)
    system.eventually(lambda: alice.get("/api/v1/tasks/").status_code == 401)
    oracle.check(system)


def test_without_a_broker_too(brokerless):
    alice, bob = brokerless.register("alice"), brokerless.register("bob")
    tasks = make_tasks(brokerless, alice, bob)

    assert ended(brokerless, erase(alice))["state"] == "done"
    check_gone(brokerless, alice, bob, tasks)
    oracle.check(brokerless)


def test_a_legal_hold_refuses_and_the_account_works_again(system, alice, bob, tasks):
    operator = system.client()
    operator.cookies["tandem_access"] = system.sign_in_operator().access
    form = operator.get(f"{HOLDS}add/")
    assert form.status_code == 200
    data = {"person": alice.id, "why": "Court order 7", "csrfmiddlewaretoken": operator.cookies["csrftoken"]}
    headers = {"Origin": system.url, "Referer": system.url}
    assert operator.post(f"{HOLDS}add/", data=data, headers=headers).status_code == 302

    end = ended(system, erase(alice))

    assert end["state"] == "refused"
    assert "legal hold" in end["reason"]
    assert "Court order" not in end["reason"]
    check_there(system, alice, bob, tasks)
    oracle.check(system)


def test_a_dead_participant_is_not_waited_for(system, broker, alice, bob, tasks):
    with system.suspend("task_service.consumer"):
        end = ended(system, erase(alice), seconds=40)

        assert end["state"] == "expired"
        check_there(system, alice, bob, tasks)
    oracle.check(system)
    check_there(system, alice, bob, tasks)


def test_an_answer_that_comes_too_late_is_compensated(system, alice, bob, tasks):
    with system.suspend("task_service.relay"):
        where = erase(alice)
        prepared = "SELECT FROM erasure_erasure WHERE user_id = %s AND state = 'prepared'"
        system.eventually(lambda: system.sql("task_service", prepared, alice.id))
        assert ended(system, where, seconds=40)["state"] == "expired"
    oracle.check(system)

    assert ended(system, where)["state"] == "expired"
    cancelled = "SELECT count(*) FROM common_outboxevent WHERE type = 'erasure.cancelled' AND envelope LIKE %s"
    assert system.sql("user_service", cancelled, f"%{alice.id}%") == [(2,)]
    check_there(system, alice, bob, tasks)


@pytest.mark.parametrize("moment", ["as it is asked", "as it is decided"])
def test_whoever_is_killed_meanwhile_nothing_is_half_erased(system, bob, record_property, moment):
    """One person after the other, and at each a process of the saga is killed."""
    victims = [f"{service}.{kind}" for kind in ("consumer", "relay") for service in ("user_service", "task_service")]
    victims = [name for name in [*victims, "user_service.scheduler"] if name in system.processes()]
    people = [system.register("leaver") for _ in victims]
    all_tasks = [make_tasks(system, person, bob) for person in people]
    places = []
    for person, victim in zip(people, victims, strict=True):
        places.append(erase(person))
        if moment == "as it is decided":
            system.eventually(lambda p=person: has_heard(system, p), seconds=30)
        system.kill(victim)
    system.heal()

    ends = [ended(system, where, seconds=60)["state"] for where in places]
    record_property("ends", " ".join(ends))
    oracle.check(system)
    assert set(ends) <= {"done", "expired"}
    for person, tasks, end in zip(people, all_tasks, ends, strict=True):
        (check_gone if end == "done" else check_there)(system, person, bob, tasks)


@pytest.mark.parametrize("killed", ["user_service.consumer", "task_service.consumer"])
def test_who_dies_holding_the_decision_goes_on_with_it(system, broker, alice, bob, tasks, killed):
    """Held in the middle of its transaction by a lock, killed there, and the lock let go."""
    service = killed.partition(".")[0]
    lock = locked(system, service, "LOCK TABLE common_outboxevent IN SHARE MODE")
    with system.suspend("task_service.consumer"):
        where = erase(alice)
        lock.__enter__()
    try:
        answering = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT%'"
        system.eventually(lambda: system.sql(service, answering))
        system.kill(killed)
        end_waiting_sessions(system, service)
    finally:
        lock.__exit__(None, None, None)

    end = ended(system, where, seconds=60)["state"]
    assert end in ("done", "expired")
    (check_gone if end == "done" else check_there)(system, alice, bob, tasks)
    oracle.check(system)


def test_an_export_gathers_what_both_services_hold(system, alice, bob, tasks):
    assert alice.post(f"{ME}export/").status_code == 202
    system.eventually(lambda: alice.get(f"{ME}export/").json()["state"] == "ready")

    archive = alice.get(alice.get(f"{ME}export/").json()["archive"])

    assert archive.headers["Content-Type"] == "application/zip"
    with ZipFile(BytesIO(archive.content)) as file:
        found = {name: json.loads(file.read(name)) for name in file.namelist()}
    assert found["profile.json"]["username"] == alice.username
    assert {task["id"] for task in found["tasks.json"]} == set(tasks)
    assert bob.get(f"{ME}export/").status_code == 404
    oracle.check(system)
