"""A machine whose clock is 90 s off: `faketime` before the process. What waits, waits by the database's clock."""

from pathlib import Path

import pytest

from tests.faults.running import SERVICES
from tests.system.leaving import check_gone, ended, erase, make_tasks

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
KINDS = ("relay", "consumer", "scheduler")

pytestmark = pytest.mark.skipif(not LIBRARIES, reason="faketime is not installed")


def off_by(seconds):
    """Times of day are off, durations are not, as on a real machine."""
    return {"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.parametrize("seconds", [-90, 90])
def test_deliveries_and_erasures_go_by_the_database_s_clock(system, fault, alice, bob, seconds):
    tasks = make_tasks(system, alice, bob)
    names = [f"{service}.{kind}" for service in SERVICES for kind in KINDS]
    what = f"clock of relays, consumers and schedulers {seconds:+d} s"
    with fault(what) as load, system.with_environment(names, **off_by(seconds)):
        load.more(40)
        assert ended(system, erase(alice), seconds=90)["state"] == "done"
        check_gone(system, alice, bob, tasks)


@pytest.mark.parametrize(("seconds", "status"), [(-90, 401), (-20, 200), (20, 200), (90, 200)])
def test_a_token_from_the_future_is_taken_within_the_leeway_only(system, seconds, status):
    """task_service's clock is off, so for it the token was made in the future, or is older than it is."""
    with system.with_environment(["task_service.web"], **off_by(seconds)):
        system.heal()
        newcomer = system.register("alice")
        assert {newcomer.get("/api/v1/tasks/").status_code for _ in range(6)} == {status}
        assert newcomer.get("/api/v1/users/me/").status_code == 200
