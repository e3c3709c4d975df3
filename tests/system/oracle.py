"""What must hold after every fault, as soon as the system is healed and quiet. Read by SQL and AMQP alone.

I1 Every write answered 2xx exists.
I2 No event without its change, no change without its event.
I3 Each event took effect in its subscriber, and nothing else did.
I4 Mirrors equal their sources.
I5 The versions applied to an aggregate strictly increase to the last one.
I6 Nothing is parked, dead or waiting for a retry.
I7 Every process is alive; no descriptor, thread or session leaks.
"""

import json
from collections import defaultdict
from itertools import pairwise

import pika
import psutil
from pika.exceptions import AMQPError

from tests.system.running import System

SUBSCRIBER = {"user_service": "task_service", "task_service": "user_service"}
MIRRORS = {"user_service": "task_mirror_mirroredtask", "task_service": "user_mirror_user"}
KINDS = ("", ".dead")

# What was erased is no row of its source any more, but its last event; at the mirror it is a tombstone without a word.
USERS = (
    "SELECT id, version, username, display_name, is_active, is_staff, is_superuser FROM users_user UNION ALL "
    "SELECT aggregate_id, version, '', '', false, false, false FROM common_outboxevent WHERE type = 'user.erased' "
    "ORDER BY id"
)
MIRRORED_USERS = (
    "SELECT id, version, username, display_name, is_active, is_staff, is_superuser FROM user_mirror_user ORDER BY id"
)
TASKS = (
    "SELECT id, version, title, status, ARRAY(SELECT user_id FROM tasks_participant WHERE task_id = t.id ORDER BY 1), "
    "deleted_at FROM tasks_task t UNION ALL "
    "SELECT aggregate_id, version, '', '', '{}', (envelope::json->'data'->>'erased_at')::timestamptz "
    "FROM common_outboxevent WHERE type = 'task.erased' ORDER BY id"
)
MIRRORED_TASKS = "SELECT id, version, title, status, people, deleted_at FROM task_mirror_mirroredtask ORDER BY id"
EVENTS = (
    "SELECT aggregate_id::text, version, envelope::json->'data' FROM common_outboxevent "
    "WHERE type LIKE 'user.%' OR type LIKE 'task.%' ORDER BY id"
)
REVOKED = {
    "what is told": "SELECT aggregate_id FROM common_outboxevent WHERE type = 'session.revoked' ORDER BY 1",
    "what ended": "SELECT id FROM tokens_session WHERE revoked_at IS NOT NULL UNION ALL "  # or went with its person
    "SELECT aggregate_id FROM common_outboxevent WHERE type = 'session.revoked' AND envelope::json->'data'->>'user_id' "
    "IN (SELECT aggregate_id::text FROM common_outboxevent WHERE type = 'user.erased') ORDER BY 1",
}
API_TOKENS = (
    "SELECT id, version, user_id, name, digest, scopes, created_at, expires_at, revoked_at "
    "FROM common_apitoken ORDER BY id"
)
REFUSED = "SELECT id FROM common_revocation ORDER BY 1"


def watch_mirrors(system: System) -> None:
    """Let both databases note every version that a mirror's row takes."""
    for service, mirror in MIRRORS.items():
        system.execute(
            service,
            f"""CREATE TABLE test_applied (n bigserial, id uuid, version bigint);
            CREATE FUNCTION test_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO test_applied (id, version) VALUES (NEW.id, NEW.version); RETURN NEW; END $$;
            CREATE TRIGGER test_note AFTER INSERT OR UPDATE ON {mirror} FOR EACH ROW EXECUTE FUNCTION test_note()""",
        )


def check(system: System, answered: list[dict] = ()) -> None:
    """Heal, wait until quiet, then I1 to I7; `answered` are the bodies of writes answered 2xx."""
    system.heal()
    system.eventually(lambda: is_quiet(system), seconds=60)
    system.eventually(lambda: not erasing(system), seconds=60)
    system.eventually(lambda: is_quiet(system), seconds=60)
    if system.broker_url:
        system.eventually(lambda: (found := depths(system)) is not None and not any(found.values()), seconds=60)
    events = {service: of_service(system, service) for service in SUBSCRIBER}
    check_answered(answered, events)
    for service in SUBSCRIBER:
        check_changes(system, service, events[service])
        check_applied(system, service)
        check_failures(system, service)
    assert system.sql("user_service", USERS) == system.sql("task_service", MIRRORED_USERS), "I4 users"
    assert system.sql("task_service", TASKS) == system.sql("user_service", MIRRORED_TASKS), "I4 tasks"
    assert system.sql("user_service", API_TOKENS) == system.sql("task_service", API_TOKENS), "I4 API tokens"
    check_erasures(system)
    for what, query in REVOKED.items():
        for service in SUBSCRIBER:
            ended = system.sql("user_service", query)
            assert ended == system.sql(service, REFUSED), f"I2, I4: {what} is not what {service} refuses"
    check_processes(system)


def is_quiet(system: System) -> bool:
    return not any(pending(system, service) or missing(system, service) for service in SUBSCRIBER)


def erasing(system: System) -> bool:
    """Also where no event is on its way: until a deadline passes."""
    return bool(system.sql("user_service", "SELECT FROM erasure_erasure WHERE finished_at IS NULL"))


def pending(system: System, service: str) -> int:
    return system.sql(service, "SELECT count(*) FROM common_outboxevent WHERE state <> 'sent'")[0][0]


def missing(system: System, service: str) -> set:
    """Events of the service that took no effect at the other one, and the other way round."""
    sent = system.sql(service, "SELECT event_id FROM common_outboxevent")
    received = system.sql(SUBSCRIBER[service], "SELECT event_id FROM common_inboxevent")
    return set(sent) ^ set(received)


def of_service(system: System, service: str) -> dict[str, dict[int, dict]]:
    """The event data by aggregate and version."""
    found: dict[str, dict[int, dict]] = defaultdict(dict)
    for aggregate, version, data in system.sql(service, EVENTS):
        assert version not in found[aggregate], f"I2: two events {aggregate} v{version}"
        assert version == len(found[aggregate]) + 1, f"I2: {aggregate} v{version} out of order"
        found[aggregate][version] = data
    return found


def check_answered(answered: list[dict], events: dict[str, dict[str, dict[int, dict]]]) -> None:
    """An answer's body is what the event of its version tells."""
    for body in answered:
        service = "task_service" if "title" in body else "user_service"
        event = events[service].get(body["id"], {}).get(body.get("version", 1))
        assert event is not None, f"I1: answered and gone: {json.dumps(body)}"
        for field in ("title", "status", "priority", "assignees", "created_by", "username"):
            assert event.get(field) == body.get(field), f"I1: {field} of {body['id']} v{body.get('version')}"


def check_changes(system: System, service: str, events: dict[str, dict[int, dict]]) -> None:
    """The last event of each aggregate is its row; an erased one has none."""
    table, name = {"user_service": ("users_user", "username"), "task_service": ("tasks_task", "title")}[service]
    rows = system.sql(service, f"SELECT id::text, version, {name} FROM {table} ORDER BY id")
    last = sorted((key, max(told), told[max(told)][name]) for key, told in events.items() if name in told[max(told)])
    assert rows == last, f"I2: {service}'s rows are not what its last events tell"


def check_erasures(system: System) -> None:
    """What has ended has ended in one way at both services, and nothing is left of who was erased."""
    ours = dict(system.sql("user_service", "SELECT id, state FROM erasure_erasure"))
    theirs = dict(system.sql("task_service", "SELECT id, state FROM erasure_erasure"))
    expected = {key: "done" if state == "done" else "cancelled" for key, state in ours.items()}
    assert theirs == expected, f"erasures: {ours}, and at task_service {theirs}"
    erased = "SELECT user_id FROM erasure_erasure WHERE state = 'done' ORDER BY 1"
    told = "SELECT aggregate_id FROM common_outboxevent WHERE type = 'user.erased' ORDER BY 1"
    assert system.sql("user_service", erased) == system.sql("user_service", told)
    left = "SELECT task_id FROM tasks_participant JOIN erasure_erasure e USING (user_id) WHERE e.state = 'done'"
    assert system.sql("task_service", left) == []


def check_failures(system: System, service: str) -> None:
    """What failed has taken effect since: all but planted poison does."""
    query = "SELECT type, state, error FROM common_failedevent WHERE state <> 'done' AND digest <> ALL(%s)"
    left = system.sql(service, query, list(system.poison))
    assert left == [], f"I6: {service} has {left}"


def check_applied(system: System, service: str) -> None:
    applied = defaultdict(list)
    for key, version in system.sql(service, "SELECT id, version FROM test_applied ORDER BY n"):
        applied[key].append(version)
    last = dict(system.sql(service, f"SELECT id, version FROM {MIRRORS[service]}"))
    for key, versions in applied.items():
        assert all(one < next_one for one, next_one in pairwise(versions)), f"I5: {key} took {versions}"
        assert versions[-1] == last[key], f"I5: {key}"


def depths(system: System) -> dict[str, int] | None:
    """Messages by queue; None while the broker or one of its queues does not answer."""
    try:
        connection = pika.BlockingConnection([pika.URLParameters(node) for node in system.broker_url.split(",")])
    except AMQPError:
        return None
    try:
        channel = connection.channel()
        names = [service + kind for service in SUBSCRIBER for kind in KINDS]
        return {name: channel.queue_declare(name, passive=True).method.message_count for name in names}
    except AMQPError:
        return None
    finally:
        if connection.is_open:
            connection.close()


def check_processes(system: System) -> None:
    """Two web workers have two sessions each, one of them for the ended sign-ins; every other process has one, the
    scheduler two while it compares a mirror.

    The others need a handful of descriptors.
    """
    processes = system.processes()
    assert {state for _, state in processes.values()} == {"RUNNING"}
    for name, (pid, _) in processes.items():
        if name.endswith((".relay", ".consumer", ".scheduler")):
            process = psutil.Process(pid)
            assert process.num_fds() <= 16, f"I7: {name} holds {process.num_fds()} descriptors"
            assert process.num_threads() <= 2, f"I7: {name} has {process.num_threads()} threads"
    for service in SUBSCRIBER:
        query = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()"
        count = system.sql(service, query, service)[0][0]
        assert count <= 8, f"I7: {service} holds {count} sessions"
