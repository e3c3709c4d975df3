"""What ends while nobody looks costs nobody a request. What is broken under load is in tests/faults."""

from concurrent.futures import ThreadPoolExecutor

import pytest


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
