"""kill -9 in the middle of each transaction of an erasure: held there by a lock, killed, and the lock let go."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from tests.system import oracle
from tests.system.leaving import ME, check_gone, check_there, ended, erase, lay_hold, make_tasks, pass_deadline
from tests.system.running import PASSWORD
from tests.system.test_kill_points import end_waiting_sessions, frozen, locked

# moment: who dies, at which statement, how it ends
MOMENTS = {
    "as it is promised": ("task_service.consumer", 'INSERT INTO "common_outboxevent"', "done"),
    "as it is decided": ("user_service.consumer", 'INSERT INTO "common_outboxevent"', "done"),
    "as the tasks go": ("task_service.scheduler", 'UPDATE "tasks_task"', "done"),
    "as the person goes": ("user_service.consumer", 'DELETE FROM "users_user_groups"', "done"),
    "as it is refused": ("user_service.consumer", 'INSERT INTO "mail_outgoingmail"', "refused"),
}


@pytest.fixture
def tasks(system, alice, bob):
    return make_tasks(system, alice, bob)


@pytest.fixture
def asked(system, broker, alice, tasks):
    """Alice has asked to go, and task_service is stopped before it hears of it: `where` to look, `go_on()`."""
    with ExitStack() as stopped:
        stopped.enter_context(frozen(system, "task_service.consumer"))
        where = erase(alice)
        system.eventually(lambda: oracle.pending(system, "user_service") == 0)
        yield where, stopped.close


@contextmanager
def held(system, service, statement):
    """Nobody gets past the statement until the end of the block; `wait()` until somebody has come to it."""
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = %s AND query LIKE %s"
    with locked(system, service, f"LOCK TABLE {statement.split()[-1]} IN SHARE MODE"):
        yield lambda: system.eventually(lambda: system.sql(service, waiting, service, f"{statement}%"))


def mails_why(system, person):
    """How many tell them why their account was kept."""
    query = "SELECT count(*) FROM mail_outgoingmail WHERE person_id = %s AND subject LIKE '%%not erased'"
    return system.sql("user_service", query, person.id)[0][0]


def kill_in(system, service, victim):
    system.kill(victim)
    end_waiting_sessions(system, service)


@pytest.mark.parametrize("moment", MOMENTS)
def test_who_dies_in_the_middle_of_a_step_takes_it_again(system, alice, bob, tasks, request, moment):
    victim, statement, expected = MOMENTS[moment]
    service = victim.partition(".")[0]
    if expected == "refused":
        lay_hold(system, alice)
    where, go_on = request.getfixturevalue("asked")
    with held(system, service, statement) as wait:
        go_on()
        wait()
        kill_in(system, service, victim)

    assert ended(system, where)["state"] == expected
    (check_gone if expected == "done" else check_there)(system, alice, bob, tasks)
    assert mails_why(system, alice) == (0 if expected == "done" else 1)
    oracle.check(system)


def test_a_scheduler_that_dies_as_it_gives_an_account_back_does_so_again(system, alice, bob, tasks, asked):
    where, go_on = asked
    with held(system, "user_service", 'INSERT INTO "mail_outgoingmail"') as wait:
        pass_deadline(system, alice)
        wait()
        kill_in(system, "user_service", "user_service.scheduler")

    assert ended(system, where)["state"] == "expired"
    assert mails_why(system, alice) == 1
    go_on()
    oracle.check(system)
    check_there(system, alice, bob, tasks)


def test_who_dies_after_noting_the_decision_and_before_the_ack_answers_once(system, broker, alice, bob, tasks, asked):
    """The broker is stopped before the commit and dies after it, too: it never hears the ack."""
    where, go_on = asked
    states = "SELECT state FROM erasure_erasure WHERE user_id = %s"
    with ExitStack() as stopped:
        with ExitStack() as undecided:
            undecided.enter_context(frozen(system, "user_service.consumer"))
            go_on()
            system.eventually(lambda: system.sql("task_service", states, alice.id) == [("prepared",)])
            with held(system, "task_service", 'INSERT INTO "erasure_erasure"') as wait:
                undecided.close()
                wait()
                stopped.enter_context(frozen(system, broker))
        system.eventually(lambda: system.sql("task_service", states, alice.id) == [("done",)])
        system.kill("task_service.consumer")
        system.kill(broker)

    assert ended(system, where)["state"] == "done"
    check_gone(system, alice, bob, tasks)
    oracle.check(system)
    told = "SELECT count(*) FROM common_outboxevent WHERE type = 'erasure.done' AND envelope LIKE %s"
    assert system.sql("task_service", told, f"%{alice.id}%") == [(1,)]


def test_a_web_process_that_dies_as_it_is_asked_has_begun_nothing(system, alice, bob, tasks):
    with ThreadPoolExecutor(1) as pool:
        with held(system, "user_service", 'INSERT INTO "erasure_erasure"') as wait:
            answer = pool.submit(alice.request, "DELETE", ME, json={"password": PASSWORD})
            wait()
            kill_in(system, "user_service", "user_service.web")
        assert answer.result().status_code == 503
    system.heal()
    check_there(system, alice, bob, tasks)
    assert system.sql("user_service", "SELECT FROM erasure_erasure WHERE user_id = %s", alice.id) == []


def test_who_dies_as_it_is_called_off_hears_it_again(system, alice, bob, tasks, asked):
    where, go_on = asked
    pass_deadline(system, alice)
    assert ended(system, where)["state"] == "expired"
    with held(system, "task_service", 'INSERT INTO "erasure_erasure"') as wait:
        go_on()
        wait()
        kill_in(system, "task_service", "task_service.consumer")
    states = "SELECT state FROM erasure_erasure WHERE user_id = %s"
    system.eventually(lambda: system.sql("task_service", states, alice.id) == [("cancelled",)])
    oracle.check(system)
    check_there(system, alice, bob, tasks)
