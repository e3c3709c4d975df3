import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from common.management.commands import run_schedule
from common.management.commands.run_schedule import Job, Schedule
from common.process import for_each


@pytest.fixture(autouse=True)
def _session_of_its_own(transactional_db, monkeypatch):
    monkeypatch.setattr(run_schedule, "TICK_SECONDS", 0)
    connection.close()
    yield
    connection.close()


def run(schedule, times=1):
    for _ in range(times):
        schedule.run(threading.Event())


def test_each_job_is_done_at_the_start_and_then_at_its_times(monkeypatch):
    done = []
    schedule = Schedule(
        [Job(timedelta(seconds=10), lambda: done.append("often")), Job(timedelta(hours=1), lambda: done.append("rare"))]
    )
    run(schedule, 3)
    assert done == ["often", "rare"]
    later = run_schedule.time.monotonic() + 11
    monkeypatch.setattr(run_schedule.time, "monotonic", lambda: later)
    run(schedule, 3)
    assert done == ["often", "rare", "often"]


def test_a_job_that_fails_does_not_keep_the_others():
    done = []
    run(Schedule([Job(timedelta(hours=1), lambda: 1 / 0), Job(timedelta(hours=1), lambda: done.append(1))]), 2)
    assert done == [1]


def test_while_the_database_is_away_a_job_stays_due():
    tries = []

    def job():
        tries.append(1)
        if len(tries) == 1:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    schedule = Schedule([Job(timedelta(hours=1), job)])
    with pytest.raises(OperationalError):
        run(schedule)
    connection.close()
    run(schedule, 2)
    assert len(tries) == 2


def test_while_the_database_is_away_nobody_is_skipped():
    tried = []

    def do(key):
        tried.append(key)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(OperationalError):
        for_each([1, 2], do)
    assert tried == [1]


def test_a_statement_that_takes_too_long_does_not_keep_the_others():
    done = []

    def slow():
        raise OperationalError("canceling statement due to statement timeout")

    run(Schedule([Job(timedelta(hours=1), slow), Job(timedelta(hours=1), lambda: done.append(1))]), 2)
    assert done == [1]


def test_a_second_one_stands_by(in_threads):
    done = []
    first, second = (Schedule([Job(timedelta(0), lambda n=n: done.append(n))]) for n in (1, 2))
    run(first)
    in_threads(1, lambda _: run(second))
    assert done == [1]
    connection.close()
    in_threads(1, lambda _: run(second))
    assert done == [1, 2]
