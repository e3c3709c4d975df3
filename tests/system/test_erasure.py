"""The end of an account, at the edge: Alice goes, Bob shares a task with her; whoever dies meanwhile comes back."""

import json
from datetime import datetime
from io import BytesIO
from zipfile import ZipFile

import pytest

from tests.system import oracle
from tests.system.leaving import (
    ME,
    check_gone,
    check_there,
    ended,
    erase,
    lay_hold,
    make_tasks,
    pass_deadline,
    signs_in,
)


@pytest.fixture
def tasks(system, alice, bob):
    """Alice's own, her one with Bob, and Bob's one with her."""
    return make_tasks(system, alice, bob)


def seconds_given(system, where):
    told = system.client().get(where).json()
    return (datetime.fromisoformat(told["deadline"]) - datetime.fromisoformat(told["requested_at"])).total_seconds()


def has_heard(system, person):
    return system.sql("task_service", "SELECT FROM erasure_erasure WHERE user_id = %s", person.id)


def test_a_person_goes_and_is_gone_everywhere(system, alice, bob, tasks):
    where = erase(alice)

    assert seconds_given(system, where) == 12
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
    lay_hold(system, alice)

    end = ended(system, erase(alice))

    assert end["state"] == "refused"
    assert "legal hold" in end["reason"]
    assert "Court order" not in end["reason"]
    check_there(system, alice, bob, tasks)
    oracle.check(system)


def test_a_dead_participant_is_not_waited_for(system, broker, alice, bob, tasks):
    with system.suspend("task_service.consumer"):
        where = erase(alice)
        pass_deadline(system, alice)

        assert ended(system, where)["state"] == "expired"
        check_there(system, alice, bob, tasks)
    oracle.check(system)
    check_there(system, alice, bob, tasks)


def test_an_answer_that_comes_too_late_is_compensated(system, alice, bob, tasks):
    with system.suspend("task_service.relay"):
        where = erase(alice)
        prepared = "SELECT FROM erasure_erasure WHERE user_id = %s AND state = 'prepared'"
        system.eventually(lambda: system.sql("task_service", prepared, alice.id))
        pass_deadline(system, alice)
        assert ended(system, where)["state"] == "expired"
    oracle.check(system)

    assert ended(system, where)["state"] == "expired"
    cancelled = "SELECT count(*) FROM common_outboxevent WHERE type = 'erasure.cancelled' AND envelope LIKE %s"
    assert system.sql("user_service", cancelled, f"%{alice.id}%") == [(2,)]
    check_there(system, alice, bob, tasks)


@pytest.mark.parametrize("moment", ["as it is asked", "as it is decided"])
def test_whoever_is_killed_meanwhile_nothing_is_half_erased(system, bob, record_property, moment):
    """One person after the other, and at each a process of the saga is killed."""
    kinds = ("consumer", "relay", "scheduler")
    victims = [f"{service}.{kind}" for kind in kinds for service in ("user_service", "task_service")]
    victims = [name for name in victims if name in system.processes()]
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
