"""What every event did, noted by the databases themselves: lost, done once, or done again."""

from typing import NamedTuple

from tests.system import oracle
from tests.system.running import System

# What events write at the service that hears them; a row that a person's token made has version 0.
EFFECTS = {
    "user_service": {"task_mirror_mirroredtask": "NEW.version"},
    "task_service": {"user_mirror_user": "NEW.version", "common_apitoken": "NEW.version", "common_revocation": "1"},
}
WATCH = """
CREATE TABLE test_heard (event_id uuid, xid xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION test_hear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO test_heard (event_id) VALUES (NEW.event_id); RETURN NEW; END $$;
CREATE TRIGGER test_hear AFTER INSERT ON common_inboxevent FOR EACH ROW EXECUTE FUNCTION test_hear();
CREATE TABLE test_effect (id uuid, version bigint, xid xid8 DEFAULT pg_current_xact_id());
"""
WATCH_EFFECTS = """
CREATE FUNCTION test_effect_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO test_effect (id, version) SELECT NEW.id, {version} WHERE {version} > 0; RETURN NEW; END $$;
CREATE TRIGGER test_effect AFTER INSERT OR UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION test_effect_{table}();
"""
TWICE = """
SELECT 'heard', event_id::text FROM test_heard GROUP BY event_id HAVING count(*) > 1 UNION ALL
SELECT 'took effect', id || ' v' || version FROM test_effect GROUP BY id, version HAVING count(*) > 1
"""
# An effect that came in another transaction than the note that its event was heard is half of one.
HALF = "SELECT id, version FROM test_effect WHERE xid NOT IN (SELECT xid FROM test_heard)"


class Mark(NamedTuple):
    """The last outbox id of each service."""

    user_service: int
    task_service: int


def watch(system: System) -> None:
    for service, tables in EFFECTS.items():
        effects = [WATCH_EFFECTS.format(table=table, version=version) for table, version in tables.items()]
        system.execute(service, WATCH + "".join(effects))


def mark(system: System) -> Mark:
    query = "SELECT coalesce(max(id), 0) FROM common_outboxevent"
    return Mark(*(system.sql(service, query)[0][0] for service in Mark._fields))


def written_since(system: System, since: Mark) -> int:
    query = "SELECT count(*) FROM common_outboxevent WHERE id > %s"
    return sum(system.sql(service, query, last)[0][0] for service, last in since._asdict().items())


def unheard(system: System, since: Mark, until: Mark) -> list[tuple]:
    """Of the events that were written in between."""
    found = []
    for service, first, last in zip(Mark._fields, since, until, strict=True):
        query = "SELECT event_id FROM common_outboxevent WHERE id > %s AND id <= %s"
        written = [event for (event,) in system.sql(service, query, first, last)]
        there = "SELECT event_id FROM common_inboxevent WHERE event_id = ANY(%s)"
        heard = {event for (event,) in system.sql(oracle.SUBSCRIBER[service], there, written)}
        found += [(service, event) for event in written if event not in heard]
    return found


def lost(system: System) -> list[tuple]:
    return [(service, *event) for service in oracle.SUBSCRIBER for event in oracle.missing(system, service)]


def doubled(system: System) -> list[tuple]:
    """Also what was done by half."""
    queries = (TWICE, HALF)
    return [(service, *row) for service in EFFECTS for query in queries for row in system.sql(service, query)]
