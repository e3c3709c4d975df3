"""What a broker may do with messages, and what may come from newer or worse senders. AMQP and JSON by hand."""

import json
from concurrent.futures import ThreadPoolExecutor

import pika
import psycopg
import pytest

EVENT = "SELECT event_id, type, envelope FROM common_outboxevent WHERE aggregate_id = %s ORDER BY version"
HEARD = "SELECT FROM common_inboxevent WHERE event_id = %s"
MIRRORED = "SELECT version, title, deleted_at IS NULL FROM task_mirror_mirroredtask WHERE id = %s"
LOCK = 7
WAIT_BEFORE_COMMIT = f"""
CREATE FUNCTION test_wait() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = '1min' AS $$ BEGIN
    PERFORM pg_advisory_xact_lock({LOCK}); RETURN NEW; END $$;
CREATE TRIGGER test_wait AFTER INSERT ON common_outboxevent FOR EACH ROW
    WHEN (NEW.envelope LIKE '%"title":"Late"%') EXECUTE FUNCTION test_wait()
"""


def publish(system, kind, body, times=1):
    with pika.BlockingConnection(pika.URLParameters(system.cluster.nodes[0].url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for _ in range(times):
            channel.basic_publish("events", kind, body, pika.BasicProperties(type=kind, delivery_mode=2))


def create(person, title="Paint the door"):
    answer = person.post("/api/v1/tasks/", json={"title": title})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.quick
def test_ten_copies_at_once_have_one_effect(system, fault, alice):
    with fault("each event ten times more, in parallel") as load:
        load.more(10)
        tasks = [create(alice, f"Copied {number}") for number in range(5)]
        copies = [row for task in tasks for row in system.sql("task_service", EVENT, task["id"])]
        with system.one_more("user_service.consumer"), ThreadPoolExecutor(10) as pool:
            for _, kind, envelope in copies:
                list(pool.map(lambda _, k=kind, e=envelope: publish(system, k, e.encode()), range(10)))


def make_history(system, person):
    """A task with three versions and its end, of which user_service has heard nothing: its queue is held back."""
    task = create(person)
    url = f"/api/v1/tasks/{task['id']}/"
    assert person.patch(url, json={"title": "Paint it blue"}).status_code == 200
    assert person.patch(url, json={"title": "Paint it green"}).status_code == 200
    return task["id"]


@pytest.mark.parametrize(
    ("name", "order", "delete"),
    [
        ("order v3 v1 v2", (2, 0, 1), False),
        pytest.param("delete before create", (3, 0, 1, 2), True, marks=pytest.mark.quick),
    ],
)
def test_whatever_the_order_the_last_version_wins(system, fault, alice, name, order, delete):
    with fault(name) as load:
        with system.suspend("task_service.relay"):
            task = make_history(system, alice)
            if delete:
                assert alice.delete(f"/api/v1/tasks/{task}/").status_code == 204
            history = system.sql("task_service", EVENT, task)
            for number in order:
                event_id, kind, envelope = history[number]
                publish(system, kind, envelope.encode())
                system.eventually(lambda e=event_id: system.sql("user_service", HEARD, e), seconds=30)
            expected = (4, "Paint it green", False) if delete else (3, "Paint it green", True)
            assert system.sql("user_service", MIRRORED, task) == [expected]
        load.more(10)


@pytest.mark.quick
def test_an_event_whose_transaction_ends_late_is_delivered(system, fault, alice):
    """It has its number before those of events that are sent long before it is there."""
    sent = "SELECT count(*), max(id) FROM common_outboxevent WHERE state = 'sent'"
    with fault("late commit") as load, psycopg.connect(system.databases["task_service"]) as other:
        other.execute(f"SELECT pg_advisory_lock({LOCK})")
        system.execute("task_service", WAIT_BEFORE_COMMIT)
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(create, alice, "Late")
            waits = "SELECT FROM pg_stat_activity WHERE wait_event = 'advisory'"
            system.eventually(lambda: system.sql("task_service", waits))
            ((before, _),) = system.sql("task_service", sent)
            system.eventually(lambda: system.sql("task_service", sent)[0][0] > before)
            ((_, last_id),) = system.sql("task_service", sent)
            other.execute(f"SELECT pg_advisory_unlock({LOCK})")
        system.execute("task_service", "DROP FUNCTION test_wait CASCADE")
        late_id = "SELECT id FROM common_outboxevent WHERE aggregate_id = %s"
        assert system.sql("task_service", late_id, late.result()["id"]) < [(last_id,)]
        load.more(10)


def test_what_a_newer_sender_adds_is_ignored(system, fault, alice):
    with fault("rolling deploy: fields that nobody knows yet") as load:
        with system.suspend("task_service.relay"):
            task = create(alice)["id"]
            ((event_id, kind, envelope),) = system.sql("task_service", EVENT, task)
            newer = json.loads(envelope) | {"futureextension": "yes"}
            newer["data"] |= {"mood": "sunny", "nested": {"list": [1, None]}}
            publish(system, kind, json.dumps(newer).encode())
            system.eventually(lambda: system.sql("user_service", HEARD, event_id), seconds=30)
            assert system.sql("user_service", MIRRORED, task) == [(1, "Paint the door", True)]
        load.more(10)
