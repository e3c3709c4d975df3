"""Machines whose clocks are 90 s apart, by `faketime`.

It is put before PostgreSQL and before task_service's web server. Python's own sleep fails under it, so relays,
consumers and schedulers keep their clock, and it is the database's that differs from theirs.
"""

from pathlib import Path

import pytest

from tests.system import oracle
from tests.system.leaving import check_gone, ended, erase, make_tasks

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))

pytestmark = pytest.mark.skipif(not LIBRARIES, reason="faketime is not installed")


def off_by(seconds):
    """The time of day is off, durations are not, as on a real machine."""
    return {"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def test_what_waits_waits_by_the_database_s_clock(system, fault, alice, bob):
    """With -90 s PostgreSQL's own timers, which read the clock in a signal's handler, go off too early."""
    tasks = make_tasks(system, alice, bob)
    with fault("clock of the databases +90 s") as load, system.databases_with(**off_by(90)):
        load.more(40)
        assert ended(system, erase(alice), seconds=90)["state"] == "done"
        check_gone(system, alice, bob, tasks)
        load.stop()
        system.eventually(lambda: oracle.is_quiet(system), seconds=60)


@pytest.mark.parametrize(("seconds", "status"), [(-90, 401), (-20, 200), (20, 200), (90, 200)])
def test_a_token_from_the_future_is_taken_within_the_leeway_only(system, seconds, status):
    """task_service's clock is off, so for it the token was made in the future, or is older than it is."""
    with system.with_environment(["task_service.web"], **off_by(seconds)):
        newcomer = system.register("alice")
        assert {newcomer.get("/api/v1/tasks/").status_code for _ in range(6)} == {status}
        assert newcomer.get("/api/v1/users/me/").status_code == 200
