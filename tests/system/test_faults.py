"""Whatever is killed -9 in the middle of a burst of writes, what was answered is there and both sides agree."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.system import oracle
from tests.system.burst import Burst

SERVICES = ("user_service", "task_service")


def finish(system, burst, record_property):
    record_property("burst", f"{burst.done} writes, {len(burst.answered)} bodies answered, {dict(burst.statuses)}")
    burst.check()
    trash = {
        str(key) for (key,) in system.sql("task_service", "SELECT id FROM tasks_task WHERE deleted_at IS NOT NULL")
    }
    assert set(burst.deleted) <= trash


def kill_while_it_sends(system, service, burst):
    """Also when there is nothing more to send."""
    sent = "SELECT count(*) FROM common_outboxevent WHERE state = 'sent'"
    before = system.sql(service, sent)

    def goes():
        return system.sql(service, sent) != before or (burst.is_over and not oracle.pending(system, service))

    system.eventually(goes, seconds=60)
    system.kill(f"{service}.relay")


def test_a_burst_survives_the_death_of_every_process_of_ours_and_of_the_broker(system, broker, record_property):
    with Burst(system, writes=350, seed=1) as burst:
        for share, kind in ((0.1, "relay"), (0.25, "consumer"), (0.4, "web")):
            burst.reached(share)
            for service in SERVICES:
                system.kill(f"{service}.{kind}")
        burst.reached(0.6)
        system.kill(broker)
        burst.reached(0.8)
        for service in SERVICES:
            system.kill(f"{service}.web")

    finish(system, burst, record_property)


def test_a_burst_survives_relays_that_die_again_and_again(system, record_property):
    with Burst(system, writes=250, seed=2) as burst:
        for _ in range(3):
            for service in SERVICES:
                kill_while_it_sends(system, service, burst)

    finish(system, burst, record_property)


def test_a_burst_survives_restarts_of_the_database_fast_and_immediate(system, record_property):
    with Burst(system, writes=250, seed=3) as burst:
        for share, how in ((0.3, signal.SIGINT), (0.6, signal.SIGQUIT)):
            burst.reached(share)
            refused = burst.statuses[503]
            os.kill(system.pid("postgres"), how)
            system.eventually(lambda refused=refused: burst.statuses[503] > refused)

    finish(system, burst, record_property)


@pytest.mark.parametrize(
    ("service", "path"), [("user_service", "/api/v1/users/me/"), ("task_service", "/api/v1/tasks/")]
)
def test_no_request_pays_for_a_database_session_that_ended_while_it_was_idle(system, alice, service, path):
    end = "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()"
    ended = [pid for pid, _ in system.sql(service, end, service)]
    assert ended
    left = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = ANY(%s)"
    system.eventually(lambda: system.sql(service, left, ended)[0][0])

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(lambda _: alice.get(path).status_code, range(40)))

    assert statuses == {200}
    system.heal()
