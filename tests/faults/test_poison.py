"""Messages that can't take effect, or kill who takes them: kept for an operator, and in nobody's way."""

import hashlib
import json

import psycopg
import pytest

from tests.faults.test_messages import EVENT, HEARD, LOCK, create, publish

FAILED = "SELECT state, attempts, error FROM common_failedevent WHERE digest = %s"
REDRIVE = """
UPDATE common_failedevent SET state = 'retrying', attempts = 0, next_attempt_at = now()
WHERE digest = %s RETURNING digest
"""
FAILING_HANDLER = """
CREATE FUNCTION test_fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
CREATE TRIGGER test_fail BEFORE INSERT ON task_mirror_mirroredtask FOR EACH ROW WHEN (NEW.title = 'Poison')
    EXECUTE FUNCTION test_fail()
"""
WAITING_HANDLER = f"""
CREATE FUNCTION test_kill() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = '1min' AS $$ BEGIN
    PERFORM pg_advisory_xact_lock({LOCK}); RETURN NEW; END $$;
CREATE TRIGGER test_kill BEFORE INSERT ON task_mirror_mirroredtask FOR EACH ROW WHEN (NEW.title = 'Killer')
    EXECUTE FUNCTION test_kill()
"""


def digest_of(body):
    return hashlib.sha256(body).hexdigest()


def event_of(system, task):
    ((event_id, _, envelope),) = system.sql("task_service", EVENT, task["id"])
    return event_id, digest_of(envelope.encode())


def state(system, digest):
    return system.sql("user_service", FAILED, digest)


@pytest.mark.quick
def test_what_is_no_event_is_dead_at_once(system, fault):
    unknown_schema = json.dumps({"specversion": "1.0", "type": "task.created", "data": {"id": 5}}).encode()
    bodies = [b'{"specversion": "1.0", ', unknown_schema, b"\xff\xfe\x00"]
    digests = {digest_of(body) for body in bodies}
    with fault("poison: bad JSON, unknown schema, no text") as load:
        load.more(10)
        system.poison |= digests
        for body in bodies:
            publish(system, "task.created", body)
        for digest in digests:
            ((found, attempts, error),) = system.eventually(lambda d=digest: state(system, d), seconds=30)
            assert (found, attempts) == ("dead", 1)
            assert error.startswith("BadEvent")
        load.more(10)


def test_what_a_handler_fails_with_is_tried_again_then_dead_and_redriven_once_the_cause_is_mended(system, fault, alice):
    with fault("poison: handler raises") as load:
        system.execute("user_service", FAILING_HANDLER)
        event, digest = event_of(system, create(alice, "Poison"))
        system.eventually(lambda: state(system, digest) and state(system, digest)[0][1] >= 2, seconds=30)
        assert "planted" in state(system, digest)[0][2]
        soon = "UPDATE common_failedevent SET next_attempt_at = now() WHERE state = 'retrying' RETURNING id"

        def hurry():
            system.sql("user_service", soon)
            return is_dead(system, digest)

        system.eventually(hurry, seconds=30)
        assert not system.sql("user_service", HEARD, event)
        load.more(10)
        system.execute("user_service", "DROP FUNCTION test_fail CASCADE")
        assert system.sql("user_service", REDRIVE, digest)
        system.eventually(lambda: system.sql("user_service", HEARD, event), seconds=30)


def is_dead(system, digest):
    found = state(system, digest)
    return bool(found) and found[0][0] == "dead"


def test_what_kills_its_consumer_is_dead_after_a_bounded_number_of_deaths(system, fault, alice):
    """The handler waits for a lock, and there its process is killed."""
    waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'advisory'"
    with fault("poison: handler kills its process") as load, psycopg.connect(system.databases["user_service"]) as other:
        load.more(10)
        other.execute(f"SELECT pg_advisory_lock({LOCK})")
        other.commit()
        system.execute("user_service", WAITING_HANDLER)
        event, digest = event_of(system, create(alice, "Killer"))
        deaths = 0
        while not is_dead(system, digest):
            system.eventually(lambda: is_dead(system, digest) or system.sql("user_service", waits), seconds=60)
            for (pid,) in system.sql("user_service", waits):
                deaths += 1
                system.kill("user_service.consumer")
                system.sql("user_service", "SELECT pg_terminate_backend(%s)", pid)
        assert 10 <= deaths <= 20, deaths
        other.execute(f"SELECT pg_advisory_unlock({LOCK})")
        system.execute("user_service", "DROP FUNCTION test_kill CASCADE")
        assert system.sql("user_service", REDRIVE, digest)
        system.eventually(lambda: system.sql("user_service", HEARD, event), seconds=30)
