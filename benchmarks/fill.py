"""Fills both systems with the same people and tasks. Tasks by SQL, so that millions are a matter of minutes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import create_engine
from uuid_utils.compat import uuid7

from benchmarks.api import PASSWORD, Client
from benchmarks.peer.models import Base, now

READER_TASKS = 1000  # what person 0 owns of all tasks

# One row of `made` is one task, a second younger than the row before.
MAKE_TASKS = """
CREATE TEMP TABLE made AS
SELECT *, uuid_extract_timestamp(id) AS at FROM (
    SELECT uuidv7((n - %(tasks)s) * interval '1 second') AS id,
           'Task ' || n || ' of the benchmark' AS title,
           repeat('Some words that say what there is to do. ', 1 + n / 3 %% 4) AS description,
           (ARRAY['todo', 'in_progress', 'done', 'cancelled'])[1 + n / 7 %% 4] AS status,
           (ARRAY['none', 'low', 'medium', 'high', 'urgent'])[1 + n / 11 %% 5] AS priority,
           CASE WHEN n / 13 %% 2 = 0 THEN now() + n * interval '1 minute' END AS due_at,
           CASE WHEN n / 7 %% 4 = 2 THEN now() END AS completed_at,
           CASE WHEN n / 17 %% 10 = 3 THEN people[1 + n %% array_length(people, 1)] END AS assignee,
           CASE WHEN n %% stride = 0 THEN people[1] ELSE people[2 + n %% (array_length(people, 1) - 1)] END AS owner
    FROM generate_series(1, %(tasks)s) AS n,
         (SELECT %(people)s::uuid[] AS people, %(stride)s::int AS stride) AS given
) AS numbered
"""
FILL_TANDEM = """
INSERT INTO tasks_task (id, title, description, status, priority, due_at, created_by_id, completed_at,
                        created_at, updated_at, version)
SELECT id, title, description, status, priority, due_at, owner, completed_at, at, at, 1 FROM made;
INSERT INTO tasks_participant (user_id, task_id, is_assignee)
SELECT owner, id, owner IS NOT DISTINCT FROM assignee FROM made
UNION ALL SELECT assignee, id, true FROM made WHERE assignee <> owner;
"""
FILL_PEER = """
INSERT INTO tasks (id, title, description, status, priority, due_at, assignees, created_by, completed_at,
                   created_at, updated_at, version)
SELECT id, title, description, status, priority, due_at, array_remove(ARRAY[assignee], NULL), owner, completed_at,
       at, at, 1 FROM made;
"""


def fill_tandem(client: Client, task_database: str, people: Sequence[str], tasks: int) -> None:
    """People register themselves; their tasks are rows without events, which the load never touches."""
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(client.register, people))
    fill_tasks(task_database, ids, tasks, FILL_TANDEM)


def fill_peer(database: str, people: Sequence[str], tasks: int) -> None:
    """Makes the tables too. Everyone's password is the same, hashed at the cost that Tandem has."""
    engine = create_engine(database.replace("postgres://", "postgresql+psycopg://", 1))
    Base.metadata.create_all(engine)
    engine.dispose()
    hashed = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=47104, parallelism=1),)).hash(PASSWORD)
    ids = [str(uuid7()) for _ in people]
    columns = "id, username, email, display_name, hashed_password, is_active, is_superuser, created_at"
    with psycopg.connect(database) as connection, connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO users ({columns}) VALUES (%s, %s, %s, '', %s, true, false, %s)",
            [(ids[n], name, f"{name}@example.com", hashed, now()) for n, name in enumerate(people)],
        )
    fill_tasks(database, ids, tasks, FILL_PEER)


def fill_tasks(database: str, people: Sequence[str], tasks: int, fill: str) -> None:
    """VACUUM does at once what autovacuum would do in the middle of a run."""
    stride = max(1, tasks // READER_TASKS)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(MAKE_TASKS, {"people": list(people), "stride": stride, "tasks": tasks})
        for statement in filter(str.strip, fill.split(";")):
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")
