"""A third service joins a running system by the steps of docs/add-a-service.md, as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pika
import psycopg
import pytest

from local.settings import ROOT
from tests.system.burst import Burst
from tests.system.running import PASSWORD

PAGE = (ROOT / "docs" / "add-a-service.md").read_text()
STEPS = [(kind, text.strip()) for kind, text in re.findall(r"```(sql|sh)\n(.*?)```", PAGE, re.DOTALL)]
VARIABLES = re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE)
NAME = "example_service"
QUEUES = [NAME, f"{NAME}.dead"]
GO_ON = ("consume_events", "run_schedule", "relay_events")
TASKS = "SELECT id, version, title, status, deleted_at FROM tasks_task ORDER BY id"
MIRRORED = "SELECT id, version, title, status, deleted_at FROM task_mirror_mirroredtask WHERE title <> '' ORDER BY id"


class Newcomer:
    """The service in a folder of its own, as in its image: `common`, itself and nothing else."""

    def __init__(self, system, folder: Path, running: ExitStack):
        self.system, self.folder, self.running = system, folder, running
        self.processes: dict[subprocess.Popen, str] = {}
        shutil.copytree(ROOT / "common", folder / "common")
        shutil.copytree(ROOT / "tests" / NAME, folder / NAME)
        password = re.search("PASSWORD '(.*)'", PAGE)[1]
        self.url = re.sub(r"//.*@(.*)/.*", rf"//{NAME}:{password}@\1/{NAME}", system.superuser_url)
        task_service = system.web["task_service"]
        origin = f"http://127.0.0.1:{system.ports['task_service']}"
        given = {"SECRET_KEY": "local-only-key-of-the-newcomer", "DATABASE_URL": self.url}
        given |= {"PEERS": f"task_service={origin}"}
        self.environment = {name: given.get(name) or task_service[name] for name in VARIABLES} | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        }

    def do(self, kind: str, text: str) -> None:
        if kind == "sql":
            self.administer(*text.splitlines())
        elif text.endswith(GO_ON):
            for line in text.splitlines():
                self.start(line)
            self.system.eventually(self.is_bound, seconds=60)
        else:
            done = self.run(text)
            assert done.returncode == 0, done.stdout

    def administer(self, *statements: str) -> None:
        with psycopg.connect(self.system.superuser_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def run(self, line: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["sh", "-e", "-c", line],
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def missing(self) -> int:
        """As the last step of the page counts them, which then ends with an error."""
        done = self.run(STEPS[-1][1])
        assert done.returncode != 0
        return int(re.search(r"(\d+) missing", done.stdout)[1])

    def start(self, line: str) -> None:
        log = self.running.enter_context((self.folder / f"{line.split()[-1]}.log").open("wb"))
        process = subprocess.Popen(
            ["sh", "-c", f"exec {line}"], cwd=self.folder, env=self.environment, stdout=log, stderr=log
        )
        self.running.callback(process.wait, timeout=30)
        self.running.callback(process.terminate)
        self.processes[process] = log.name

    def check_processes(self) -> None:
        for process, log in self.processes.items():
            assert process.poll() is None, Path(log).read_text()

    def is_bound(self) -> bool:
        """Whether its consumer waits at its queue, which it does only after binding it."""
        self.check_processes()
        with pika.BlockingConnection(pika.URLParameters(self.system.broker_url)) as connection:
            try:
                return connection.channel().queue_declare(NAME, passive=True).method.consumer_count > 0
            except pika.exceptions.ChannelClosedByBroker:
                return False

    def sql(self, query: str) -> list:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def leave(self) -> None:
        """Take out what the page says, so that no queue fills that nobody reads."""
        self.running.close()
        with pika.BlockingConnection(pika.URLParameters(self.system.broker_url)) as connection:
            for queue in QUEUES:
                connection.channel().queue_delete(queue)  # also one that is not there
        self.administer(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)", f"DROP ROLE IF EXISTS {NAME}")


@pytest.fixture
def newcomer(system, broker, tmp_path):
    found = Newcomer(system, tmp_path, ExitStack())
    yield found
    found.leave()


@pytest.fixture
def history(system, alice, bob):
    """Tasks that were there before: done, in the trash, shared, and some of a person who is gone."""
    tasks = [alice.post("/api/v1/tasks/", json={"title": f"Task {number}"}).json() for number in range(30)]
    for task in tasks[:5]:
        assert alice.post(f"/api/v1/tasks/{task['id']}/complete/").status_code == 200
    for task in tasks[5:10]:
        assert alice.delete(f"/api/v1/tasks/{task['id']}/").status_code == 204
    gone = [bob.post("/api/v1/tasks/", json={"title": f"Bob's {number}"}).json()["id"] for number in range(3)]
    assert bob.request("DELETE", "/api/v1/users/me/", json={"password": PASSWORD}).status_code == 202
    erased = "SELECT count(*) = 3 FROM common_outboxevent WHERE type = 'task.erased' AND aggregate_id = ANY(%s::uuid[])"
    system.eventually(lambda: system.sql("task_service", erased, gone)[0][0], seconds=60)
    return {task["id"] for task in tasks}


@pytest.mark.long
def test_it_ends_equal_to_its_source_though_everybody_writes_meanwhile(system, newcomer, history, record_property):
    with Burst(system, writes=100_000, seed=21) as burst:
        for kind, text in STEPS:
            if text.endswith("mirror rebuild"):  # until then it knows only what it has heard since
                assert newcomer.missing() >= len(history)
            newcomer.do(kind, text)
        burst.end()
    system.eventually(lambda: newcomer.sql(MIRRORED) == system.sql("task_service", TASKS), seconds=60)

    newcomer.check_processes()
    known = {str(row[0]) for row in newcomer.sql(MIRRORED)}
    heard = newcomer.sql("SELECT count(*) FROM common_inboxevent")[0][0]
    record_property("newcomer", f"{len(known)} tasks, {heard} events heard, {burst.done} writes meanwhile")
    assert history < known
    assert heard > 0
    assert newcomer.run(f"python {NAME}/manage.py makemigrations --check --dry-run").returncode == 0
    assert newcomer.run(f"python {NAME}/manage.py mirror check tasks").returncode == 0
