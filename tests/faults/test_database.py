"""A database that goes away answers 503 meanwhile, and nothing is acked without its commit."""

import signal

import pytest

from tests.faults.running import SERVICES

HOW = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


@pytest.mark.parametrize("how", ["fast", pytest.param("immediate", marks=pytest.mark.quick)])
def test_a_restarted_database_refuses_for_a_moment_and_loses_nothing(system, fault, how):
    with fault(f"PostgreSQL restarted, {how}") as load:
        load.more(40)
        system.restart_postgres(HOW[how])
        load.more(40)


def test_sessions_that_are_terminated_are_opened_again(system, fault):
    with fault("all database sessions terminated, three times") as load:
        for _ in range(3):
            load.more(30)
            for service in SERVICES:
                assert system.end_sessions(service)
        load.more(20)
