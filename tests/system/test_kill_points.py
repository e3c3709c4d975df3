"""Death at an exact point, held open by a lock in the database or a broker that is stopped."""

import os
import signal
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.system import oracle


@contextmanager
def locked(system, service, statement):
    with psycopg.connect(system.databases[service]) as connection:
        connection.execute(statement)
        yield


@contextmanager
def frozen(system, name):
    """SIGSTOP until the end of the block, unless it is killed in it."""
    pid = system.pid(name)
    os.killpg(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if system.processes()[name][0] == pid:
            os.killpg(pid, signal.SIGCONT)


def create(person, title):
    answer = person.post("/api/v1/tasks/", json={"title": title})
    assert answer.status_code == 201
    return answer.json()


def event_of(system, task):
    query = "SELECT event_id FROM common_outboxevent WHERE aggregate_id = %s"
    return system.sql("task_service", query, task["id"])[0][0]


def has_arrived(system, event):
    return system.sql("user_service", "SELECT 1 FROM common_inboxevent WHERE event_id = %s", event)


def waits_for_lock(system, service):
    query = "SELECT 1 FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"
    return system.sql(service, query, service)


def end_waiting_sessions(system, service):
    """PostgreSQL would still finish, and commit, the statement of a client that has died."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"
    system.sql(service, query, service)


def unread_bytes(port):
    """What lies in the kernel for the server of that port, which is stopped."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(line[4].partition(":")[2], 16) for line in lines if int(line[1].partition(":")[2], 16) == port)


def test_a_relay_that_dies_after_the_confirm_and_before_the_mark_sends_twice_with_one_effect(system, alice):
    with frozen(system, "task_service.relay"):
        task = create(alice, "Confirmed, not marked")
        event = event_of(system, task)
        lock = locked(system, "task_service", f"SELECT FROM common_outboxevent WHERE event_id = '{event}' FOR UPDATE")
        lock.__enter__()
    try:
        system.eventually(lambda: has_arrived(system, event) and waits_for_lock(system, "task_service"))
        system.kill("task_service.relay")
        end_waiting_sessions(system, "task_service")
    finally:
        lock.__exit__(None, None, None)

    assert oracle.pending(system, "task_service") == 1
    oracle.check(system, [task])


def test_a_relay_that_dies_before_the_confirm_sends_again(system, broker, alice):
    port = int(system.broker_url.rpartition(":")[2].partition("/")[0])
    event = event_of(system, create(alice, "The relay is connected"))
    system.eventually(lambda: has_arrived(system, event))
    with frozen(system, broker):
        task = create(alice, "Published, not confirmed")
        system.eventually(lambda: unread_bytes(port) > len("Published, not confirmed"))
        system.kill("task_service.relay")

    oracle.check(system, [task])


def test_a_consumer_that_dies_before_the_commit_has_no_half_effect(system, broker, alice):
    with locked(system, "user_service", "LOCK TABLE common_inboxevent IN SHARE MODE"):
        task = create(alice, "Taken, not committed")
        system.eventually(lambda: waits_for_lock(system, "user_service"))
        system.kill("user_service.consumer")

    oracle.check(system, [task])


def test_an_event_that_is_committed_and_not_acked_comes_again_and_has_one_effect(system, broker, alice):
    """The broker is stopped before the commit and killed after it: it never hears the ack."""
    with locked(system, "user_service", "LOCK TABLE common_inboxevent IN SHARE MODE"):
        task = create(alice, "Committed, not acked")
        event = event_of(system, task)
        system.eventually(lambda: waits_for_lock(system, "user_service"))
        os.killpg(system.pid(broker), signal.SIGSTOP)
    system.eventually(lambda: has_arrived(system, event))
    system.kill(broker)

    oracle.check(system, [task])
