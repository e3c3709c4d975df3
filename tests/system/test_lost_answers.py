"""A web server dies between a POST and its answer; the client says it again with the same Idempotency-Key."""

import os
import secrets
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.system import oracle
from tests.system.running import PASSWORD
from tests.system.test_kill_points import end_waiting_sessions, locked, waits_for_lock

TASK = "task_service", "/api/v1/tasks/", "SELECT id::text FROM tasks_task WHERE title = %s"
PERSON = "user_service", "/api/v1/auth/register/", "SELECT id::text FROM users_user WHERE username = %s"


class Call:
    def __init__(self, system, alice, kind):
        self.system, self.alice = system, alice
        self.service, self.path, self.query = kind
        self.name = f"lost-{secrets.token_hex(8)}"
        self.headers = {"Idempotency-Key": secrets.token_hex(16)}

    def send(self):
        account = {"username": self.name, "email": f"{self.name}@example.com", "password": PASSWORD}
        body = {"title": self.name} if self.service == "task_service" else account
        return self.alice.post(self.path, json=body, headers=self.headers)

    def rows(self):
        return [key for (key,) in self.system.sql(self.service, self.query, self.name)]

    def events(self):
        told = "SELECT aggregate_id::text FROM common_outboxevent WHERE position(%s IN envelope) > 0"
        return [key for (key,) in self.system.sql(self.service, told, self.name)]


@pytest.fixture(params=[TASK, PERSON], ids=["task", "person"])
def call(system, alice, request):
    return Call(system, alice, request.param)


@contextmanager
def held_at_commit(system, service):
    """Until the end of the block, a transaction that keeps an answer gets to its COMMIT and waits in it."""
    system.execute(
        service,
        """CREATE FUNCTION test_hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER test_hold AFTER INSERT ON common_idempotencykey
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION test_hold()""",
    )
    try:
        with locked(system, service, "SELECT pg_advisory_xact_lock(1)"):
            yield
    finally:
        system.execute(service, "DROP FUNCTION test_hold CASCADE")


def test_what_was_committed_and_not_answered_is_answered_when_it_is_said_again(system, call):
    web = f"{call.service}.web"
    with ThreadPoolExecutor() as pool:
        with held_at_commit(system, call.service):
            lost = pool.submit(call.send)
            system.eventually(lambda: waits_for_lock(system, call.service))
            assert call.rows() == []
            os.killpg(system.pid(web), signal.SIGSTOP)  # it will never hear that the COMMIT was done
        system.eventually(call.rows)
        system.kill(web)
        assert lost.result().status_code == 503
    system.heal()

    again = call.send()

    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert [again.json()["id"]] == call.rows() == call.events()
    assert again.headers["Location"].endswith(f"/{again.json()['id']}/")
    oracle.check(system, [again.json()])


def test_what_was_not_committed_is_done_when_it_is_said_again(system, call):
    web = f"{call.service}.web"
    with ThreadPoolExecutor() as pool:
        with held_at_commit(system, call.service):
            lost = pool.submit(call.send)
            system.eventually(lambda: waits_for_lock(system, call.service))
            system.kill(web)
            end_waiting_sessions(system, call.service)
        assert lost.result().status_code == 503
    system.heal()
    assert call.rows() == []

    again = call.send()

    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again.headers
    assert [again.json()["id"]] == call.rows() == call.events()
    oracle.check(system, [again.json()])


def test_of_fifty_at_once_one_is_done_and_the_others_hear_of_it(system, call):
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: call.send(), range(50)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["id"] for answer in answers if answer.status_code == 201} == set(call.rows())
    assert len(call.rows()) == len(call.events()) == 1
    oracle.check(system, [call.send().json()])
