"""Mirrors that are not what their source is: found, repaired and rebuilt, while both services serve."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pika
import pytest
from prometheus_client.parser import text_string_to_metric_families

from local.settings import ROOT
from tests.system import oracle
from tests.system.burst import Burst
from tests.system.cast import Cast
from tests.system.leaving import ended, erase, make_tasks

TASKS = "task_mirror_mirroredtask"
NASTY = "a 'quoted' \"title\" \\ with \u2028, \u00e9, e\u0301 and \U0001f600"


class Mirrors:
    """The command, as an operator runs it beside a service."""

    def __init__(self, system):
        self.system = system

    def start(self, service, *arguments):
        command = [sys.executable, f"{service}/manage.py", "mirror", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=self.system.web[service], stdout=subprocess.PIPE, text=True)

    def run(self, service, *arguments):
        """Return the exit code, {mirror: {count: rows}} and {(kind, id)} of what was found."""
        return self.result(self.start(service, *arguments))

    @staticmethod
    def result(process):
        lines = process.communicate(timeout=120)[0].splitlines()
        counts, found = {}, set()
        for line in lines:
            if line.startswith("  "):
                kind, key = line.split()[:2]
                found.add((kind, key.rstrip(":")))
            else:
                name, _, rest = line.partition(": ")
                counts[name] = {word: int(number) for number, word in (part.split() for part in rest.split(", "))}
        return process.returncode, counts, found


@pytest.fixture
def mirrors(system):
    return Mirrors(system)


@pytest.fixture
def spoil(system):
    """`spoil(service, statements)`: by hand, unseen by the oracle, and so is what a repair writes to the rows after."""
    spoilt = []

    def execute(service, table, statements, *ids):
        system.execute(service, f"ALTER TABLE {table} DISABLE TRIGGER USER; {statements}")
        system.execute(service, f"ALTER TABLE {table} ENABLE TRIGGER USER")
        spoilt.extend((service, key) for key in ids)

    yield execute
    for service, key in spoilt:
        system.execute(service, f"DELETE FROM test_applied WHERE id = '{key}'")


def quiet(system):
    system.eventually(lambda: oracle.is_quiet(system), seconds=60)


def make(person, count, **fields):
    answers = [person.post("/api/v1/tasks/", json={"title": NASTY} | fields) for _ in range(count)]
    assert {answer.status_code for answer in answers} == {201}
    return [answer.json()["id"] for answer in answers]


def test_what_no_event_spoilt_agrees(system, mirrors, alice, bob):
    """Also after people and tasks have been erased, of whom the mirrors keep a tombstone."""
    make(alice, 3, assignees=[bob.id])
    alice.make_api_token("tasks:read")
    make_tasks(system, leaver := system.register("leaver"), bob)
    assert ended(system, erase(leaver))["state"] == "done"
    quiet(system)
    for service, names in (("user_service", {"tasks"}), ("task_service", {"users", "api_tokens"})):
        code, counts, found = mirrors.run(service, "check")
        assert (code, counts.keys(), found) == (0, names, set())
        assert all(each["compared"] > 0 for each in counts.values())


def test_every_kind_of_difference_in_the_tasks_is_found_and_repaired(system, mirrors, spoil, alice):
    missing, changed, older, newer, buried, people = make(alice, 6)
    quiet(system)
    ghost = str(uuid4())
    spoil(
        "user_service",
        TASKS,
        f"""DELETE FROM {TASKS} WHERE id = '{missing}';
        UPDATE {TASKS} SET title = title || ' ' WHERE id = '{changed}';
        UPDATE {TASKS} SET version = 0, status = 'done' WHERE id = '{older}';
        UPDATE {TASKS} SET version = 7 WHERE id = '{newer}';
        UPDATE {TASKS} SET people = '{{}}', title = '' WHERE id = '{buried}';
        UPDATE {TASKS} SET people = people || people WHERE id = '{people}';
        INSERT INTO {TASKS} (id, version, title, status, people)
        VALUES ('{ghost}', 3, 'Nobody has it', 'todo', ARRAY['{alice.id}'::uuid])""",
        *(missing, changed, older, newer, buried, people, ghost),
    )
    expected = {("missing", missing), ("missing", buried), ("unknown", ghost)}
    expected |= {("different", key) for key in (changed, older, newer, people)}

    assert mirrors.run("user_service", "check", "tasks")[::2] == (1, expected)
    assert drift_metric(system, "user_service", "tasks") == 7

    code, counts, found = mirrors.run("user_service", "repair", "tasks")
    assert (code, found, counts["tasks"]["repaired"]) == (0, expected, 7)
    assert drift_metric(system, "user_service", "tasks") == 0
    tombstone = f"DELETE FROM {TASKS} WHERE id = '{ghost}' RETURNING version, title, people, deleted_at IS NOT NULL"
    assert system.sql("user_service", tombstone) == [(4, "", [], True)]
    assert mirrors.run("user_service", "check", "tasks")[::2] == (0, set())


def test_every_kind_of_difference_in_the_people_and_their_tokens_is_found_and_repaired(
    system, mirrors, spoil, alice, bob, charlie
):
    gone, renamed = (alice.make_api_token("tasks:read")["id"] for _ in range(2))
    quiet(system)
    ghost, planted = str(uuid4()), str(uuid4())
    used = "SELECT last_used_at FROM common_apitoken WHERE id = %s"
    spoil(
        "task_service",
        "user_mirror_user",
        f"""UPDATE user_mirror_user SET is_staff = true, is_superuser = true WHERE id = '{alice.id}';
        DELETE FROM user_mirror_user WHERE id = '{bob.id}';
        UPDATE user_mirror_user SET username = '', version = 1 WHERE id = '{charlie.id}';
        INSERT INTO user_mirror_user (id, version, username, display_name, is_active, is_staff, is_superuser)
        VALUES ('{ghost}', 5, 'nobody', '', true, true, true);
        DELETE FROM common_apitoken WHERE id = '{gone}';
        UPDATE common_apitoken SET scopes = '{{tasks:write}}', last_used_at = '2026-01-01Z' WHERE id = '{renamed}';
        INSERT INTO common_apitoken (id, version, user_id, name, digest, scopes, created_at, expires_at)
        SELECT '{planted}', 1, user_id, name, 'planted', scopes, created_at, expires_at
        FROM common_apitoken WHERE id = '{renamed}'""",
        *(alice.id, bob.id, charlie.id, ghost),
    )
    expected = {("different", alice.id), ("missing", bob.id), ("missing", charlie.id), ("unknown", ghost)}
    expected |= {("missing", gone), ("different", renamed), ("unknown", planted)}

    assert mirrors.run("task_service", "check")[::2] == (1, expected)
    assert mirrors.run("task_service", "repair")[::2] == (0, expected)
    assert system.sql("task_service", used, renamed)[0][0] == datetime(2026, 1, 1, tzinfo=UTC)
    tombstone = f"DELETE FROM user_mirror_user WHERE id = '{ghost}' RETURNING version, username, is_active, is_staff"
    assert system.sql("task_service", tombstone) == [(6, "", False, False)]
    assert mirrors.run("task_service", "check")[::2] == (0, set())


def test_what_is_merely_on_its_way_is_no_difference(system, broker, mirrors, alice):
    first, second = make(alice, 2)
    quiet(system)
    asked = system.log("task_service.web").count("/snapshots/tasks/rows/")
    with system.suspend("user_service.consumer"):
        alice.patch(f"/api/v1/tasks/{first}/", json={"title": "Changed"})
        alice.delete(f"/api/v1/tasks/{second}/")
        make(alice, 1)
        check = mirrors.start("user_service", "check", "tasks")
        system.eventually(lambda: system.log("task_service.web").count("/snapshots/tasks/rows/") >= asked + 4, 60)
    assert mirrors.result(check)[::2] == (0, set())
    oracle.check(system)


@pytest.mark.long
def test_an_event_that_the_broker_lost_is_found_and_made_good(system, broker, mirrors, alice):
    with system.suspend("user_service.consumer"):
        (lost,) = make(alice, 1)
        system.eventually(lambda: oracle.pending(system, "task_service") == 0)
        with pika.BlockingConnection(pika.URLParameters(system.broker_url)) as connection:
            connection.channel().queue_purge("user_service")
    make(alice, 1)

    assert mirrors.run("user_service", "check")[::2] == (1, {("missing", lost)})
    assert mirrors.run("user_service", "repair")[::2] == (0, {("missing", lost)})
    for event, kind in system.sql("task_service", "SELECT event_id, type FROM common_outboxevent"):
        seen = f"('{event}', '{kind}', now())"
        system.execute("user_service", f"INSERT INTO common_inboxevent VALUES {seen} ON CONFLICT DO NOTHING")
    oracle.check(system)


def test_an_empty_mirror_is_rebuilt_while_people_write(system, mirrors, alice):
    make(alice, 30)
    quiet(system)
    with Burst(system, writes=200, seed=11) as burst, ThreadPoolExecutor(1) as pool:
        burst.reached(0.2)
        living = f"DELETE FROM {TASKS} WHERE people <> '{{}}'"
        system.execute("user_service", f"LOCK TABLE {TASKS}; {living}; DELETE FROM test_applied")
        rebuilding = pool.submit(mirrors.run, "user_service", "rebuild", "tasks")
    code, counts, _ = rebuilding.result()
    assert code == 0
    assert counts["tasks"]["missing"] >= 30
    oracle.check(system, burst.answered)


def test_an_operator_asks_for_a_check_and_reads_what_came_of_it(system, alice, bob):
    cast = Cast(system, alice, bob)
    page = "/admin/users/common/mirrorrun/"
    assert cast.visit("operator", "POST", f"{page}add/", {"mirror": "tasks", "kind": "check"}).status_code == 302
    run = (
        "SELECT id, error, compared FROM common_mirrorrun WHERE requested_by_id IS NOT NULL AND finished_at IS NOT NULL"
    )
    ((key, error, _),) = system.eventually(lambda: system.sql("user_service", run), seconds=60)
    assert error == ""
    assert "agrees" in cast.visit("operator", "GET", page).text
    assert "agrees" in cast.visit("operator", "GET", f"{page}{key}/change/").text


def test_every_mirror_is_checked_when_the_system_first_starts(system):
    daily = "SELECT DISTINCT mirror FROM common_mirrorrun WHERE requested_by_id IS NULL AND kind = 'check'"
    for service, names in (("user_service", {"tasks"}), ("task_service", {"users", "api_tokens"})):
        assert {name for (name,) in system.eventually(lambda s=service: system.sql(s, daily))} == names


def test_without_a_broker_a_mirror_is_repaired_too(brokerless):
    alice = brokerless.register("alice")
    (task,) = make(alice, 1)
    quiet(brokerless)
    brokerless.execute("user_service", f"DELETE FROM {TASKS} WHERE id = '{task}'")
    found = Mirrors(brokerless).run("user_service", "repair")
    assert found[::2] == (0, {("missing", task)})
    brokerless.execute("user_service", f"DELETE FROM test_applied WHERE id = '{task}'")
    oracle.check(brokerless)


def drift_metric(system, service, mirror):
    """As a scraper reads it, at the service itself."""
    other = "task_service" if service == "user_service" else "user_service"
    peers = dict(peer.split("=") for peer in system.web[other]["PEERS"].split(","))
    families = text_string_to_metric_families(httpx.get(f"{peers[service]}/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    (drift,) = [s.value for s in samples if s.name == "tandem_mirror_drift_rows" and s.labels == {"mirror": mirror}]
    return drift
