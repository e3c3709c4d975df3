"""How long a mirror of many rows takes to be rebuilt, checked and repaired, people reading and writing meanwhile."""

import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from statistics import median

import psycopg

from benchmarks import fill
from benchmarks.api import TANDEM, Client
from benchmarks.load import Answered, put_load
from benchmarks.quiet import Strangers
from benchmarks.report import machine, say
from benchmarks.systems import Tandem, tandem_alone
from local.settings import ROOT

PEOPLE = [f"person{number}" for number in range(20)]
LOAD = {"list": 1, "create": 1}  # clients, each waiting for its answer
RUN_SECONDS = 5
OF_EACH = 20
TABLE = "task_mirror_mirroredtask"
COLUMNS = "id, version, title, status, people, deleted_at"
MIRRORED = """
COPY (SELECT id, version, title, status, (
    SELECT array_agg(user_id ORDER BY user_id) FROM tasks_participant WHERE task_id = tasks_task.id
) AS people, deleted_at FROM tasks_task) TO STDOUT
"""
PLANT = f"""
CREATE TEMP TABLE picked AS SELECT id, row_number() OVER () % 4 AS kind FROM (
    SELECT id FROM {TABLE} ORDER BY hashtext(id::text) LIMIT {4 * OF_EACH}) AS some_rows;
DELETE FROM {TABLE} WHERE id IN (SELECT id FROM picked WHERE kind = 0);
UPDATE {TABLE} SET title = title || '!' WHERE id IN (SELECT id FROM picked WHERE kind = 1);
UPDATE {TABLE} SET version = 0, status = 'gone' WHERE id IN (SELECT id FROM picked WHERE kind = 2);
UPDATE {TABLE} SET version = 9 WHERE id IN (SELECT id FROM picked WHERE kind = 3);
INSERT INTO {TABLE} (id, version, title, status, people)
SELECT uuidv7(-n * interval '1 hour'), 1, 'Nobody has it', 'todo', ARRAY[gen_random_uuid()]
FROM generate_series(1, {OF_EACH}) AS n;
"""


@dataclass
class Load:
    """Readers and writers, until the end of the block."""

    tandem: Client
    answered: dict[str, list[Answered]] = field(default_factory=dict)

    def __enter__(self) -> "Load":
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.put, args=each) for each in LOAD.items()]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def put(self, operation: str, clients: int) -> None:
        while not self.over.is_set():
            workload = self.tandem.workload(operation, PEOPLE)  # signed in anew: a rebuild outlasts an access token
            answered = put_load(self.tandem.origin, workload, clients=clients, seconds=RUN_SECONDS)
            self.answered.setdefault(operation, []).append(answered)

    def told(self) -> str:
        return ", ".join(
            f"{operation} {median(run.requests / run.seconds for run in runs):.0f}/s, "
            f"p99 {median(run.p99_ms for run in runs):.0f} ms"
            for operation, runs in sorted(self.answered.items())
        )


def measure(tasks: int, workers: int) -> int:
    """Return 1 if not every planted difference was found and repaired. Raises StartError."""
    with tandem_alone(workers=workers) as (server, everything):
        tandem = Client(TANDEM, f"http://127.0.0.1:{server.port}")
        say(f"Filling {tasks} tasks")
        fill.fill_tandem(tandem, server.task_database, PEOPLE, tasks)
        fill_mirror(server.task_database, server.user_database)
        strangers = Strangers(everything)
        with Load(tandem) as load:
            time.sleep(2 * RUN_SECONDS)
        say(f"Without: {load.told()}")
        found = [run(server, kind, Load(tandem)) for kind in ("check", "repair", "check")]
        with psycopg.connect(server.user_database) as connection:
            connection.execute(f"TRUNCATE {TABLE}")
        rebuilt, _ = run(server, "rebuild", Load(tandem))
        say(f"Other processes took {strangers.cores():.2f} cores meanwhile; {machine()}")
    return 0 if found == [(1, 0), (0, 5 * OF_EACH), (0, 0)] and rebuilt == 0 else 1


def fill_mirror(source: str, mirror: str) -> None:
    """With the rows that events would have made, and the differences."""
    into = f"COPY {TABLE} ({COLUMNS}) FROM STDIN"
    with psycopg.connect(source) as there, psycopg.connect(mirror, autocommit=True) as here:
        with there.cursor().copy(MIRRORED) as rows, here.cursor().copy(into) as copy:
            for row in rows:
                copy.write(row)
        here.execute("VACUUM ANALYZE")
        here.execute(PLANT)


def run(tandem: Tandem, kind: str, load: Load) -> tuple[int, int]:
    """Run the command beside the system; return its exit code and how many rows it repaired."""
    command = [sys.executable, "user_service/manage.py", "mirror", kind, "tasks"]
    with load:
        started = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=tandem.user_service, stdout=subprocess.PIPE, text=True)
        seconds = time.monotonic() - started
    counts = done.stdout.splitlines()[0]
    say(f"{kind}: {seconds:.1f} s ({counts}); meanwhile {load.told()}")
    return done.returncode, int(counts.split()[-2])
