"""Every process that dies comes back by itself, also when all die at once."""

import subprocess
import sys

import psutil

from local.settings import ROOT
from tests.system import oracle
from tests.system.test_revocation import refused_everywhere


def ps(system):
    """What `make ps` prints: the pid of each process that runs, by name."""
    command = [sys.executable, "-m", "local.ps"]
    lines = subprocess.run(command, cwd=ROOT, env=system.environment, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in lines.splitlines()]
    return {name: int(pid) for name, pid, state in rows if state == "RUNNING"}


def test_every_process_comes_back_under_its_name_when_all_are_killed_at_once(system, alice):
    names = {
        "edge",
        "postgres",
        *(f"{s}.{kind}" for s in ("user_service", "task_service") for kind in ("web", "relay", "scheduler")),
    }
    if system.broker_url:
        names |= {"rabbitmq", "user_service.consumer", "task_service.consumer"}
    assert set(ps(system)) == names

    before = {name: system.kill(name) for name in names}

    def back():
        now = ps(system)
        return now.keys() == names and not now.items() & before.items()

    system.eventually(back, seconds=90)
    system.heal()

    def create():
        """A worker that was there before user_service has no keys for a second more, and says so."""
        answer = alice.post("/api/v1/tasks/", json={"title": "After all that"})
        assert answer.status_code == 201 or (answer.status_code == 503 and "signing keys" in answer.json()["detail"])
        return answer.status_code == 201 and answer.json()

    oracle.check(system, [system.eventually(create)])


def test_a_web_worker_that_dies_is_replaced_by_one_that_knows_what_was_ended(system, alice, bob):
    bob.post("/api/v1/auth/logout/", json={"refresh": bob.refresh})
    refused_everywhere(system, bob)
    server = system.pid("task_service.web")

    def workers():
        return {child.pid for child in psutil.Process(server).children() if child.status() != psutil.STATUS_ZOMBIE}

    before = workers()
    for pid in before:
        psutil.Process(pid).kill()
    system.eventually(lambda: len(workers()) == len(before) and not workers() & before, seconds=30)

    system.heal()
    assert system.pid("task_service.web") == server
    assert {alice.get("/api/v1/tasks/").status_code for _ in range(8)} == {200}
    assert {bob.get("/api/v1/tasks/").status_code for _ in range(8)} == {401}


def test_a_server_whose_main_process_alone_dies_leaves_no_worker_behind(system, alice):
    """Its orphans would hold the port against the new one."""
    before = system.pid("user_service.web")
    psutil.Process(before).kill()
    system.eventually(lambda: system.pid("user_service.web") != before, seconds=30)

    system.heal()
    assert alice.get("/api/v1/users/me/").status_code == 200
