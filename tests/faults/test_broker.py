"""The broker goes away, forgets, is full, or alarmed. What is away holds up no person."""

import json
import time
from contextlib import contextmanager

import pika
import pytest

from tests.faults.running import ALARMS, SERVICES
from tests.system import oracle

SENT = "SELECT count(*) FROM common_outboxevent WHERE state = 'sent'"
HELD_BACK = "SELECT FROM common_outboxevent WHERE state = 'pending' AND attempts = 0 AND error LIKE %s"


def sent(system):
    return {service: system.sql(service, SENT)[0][0] for service in SERVICES}


def await_held_back(system, service, error):
    system.eventually(lambda: system.sql(service, HELD_BACK, f"{error}%"), seconds=30)


def consumers(system, queue):
    lines = [line.split() for line in system.cluster.control("list_queues", "name", "consumers").splitlines()]
    return {line[0]: line[1] for line in lines if line}.get(queue)


@contextmanager
def nobody_refused(load):
    refused = load.refused
    yield
    assert load.refused == refused, load.statuses


@contextmanager
def channel(system):
    with pika.BlockingConnection(pika.URLParameters(system.cluster.nodes[0].url)) as connection:
        yield connection.channel()


@pytest.mark.quick
def test_who_is_disconnected_by_the_broker_connects_again(system, fault):
    with fault("connections closed by the broker") as load, nobody_refused(load):
        load.more(40)
        system.cluster.control("close_all_connections", "tandem")
        load.more(40)


def test_while_the_broker_is_stopped_for_a_minute_no_write_fails(system, fault, record_property):
    with fault("broker stopped for 60 s") as load, nobody_refused(load):
        load.more(200)
        before = load.p95()
        for node in system.cluster.nodes:
            node.stop()
        load.p95()
        stopped = time.monotonic()
        system.eventually(lambda: time.monotonic() - stopped > 60 or load.has_failed, seconds=90)
        record_property("p95 of a write", f"{before * 1000:.0f} ms before, {load.p95() * 1000:.0f} ms meanwhile")
        system.cluster.start()


def test_while_all_of_the_broker_is_killed_people_go_on_writing(system, fault):
    with fault("broker killed -9, all three nodes") as load, nobody_refused(load):
        load.more(40)
        for node in system.cluster.nodes:
            node.kill()
        load.more(100)
        system.cluster.start()


@pytest.mark.quick
def test_the_death_of_the_node_that_leads_a_queue_is_ridden_out(system, fault):
    with fault("cluster: leader killed -9") as load, nobody_refused(load):
        load.more(40)
        system.cluster.leader("user_service").kill()
        before = sent(system)["task_service"]
        system.eventually(lambda: sent(system)["task_service"] > before + 20, seconds=30)
        system.cluster.start()


def test_one_node_of_three_confirms_nothing_until_it_is_joined_again(system, fault):
    with fault("cluster: two of three killed -9") as load, nobody_refused(load):
        load.more(40)
        for node in system.cluster.nodes[:2]:
            node.kill()
        await_held_back(system, "task_service", "")
        before = sent(system)
        load.more(100)
        assert sent(system) == before
        system.cluster.start()


def test_what_was_in_a_deleted_queue_can_be_sent_again(system, fault):
    with fault("queue deleted: under its consumer, and with events in it") as load:
        load.more(20)
        system.cluster.control("delete_queue", "user_service")
        system.eventually(lambda: consumers(system, "user_service") == "1", seconds=30)
        with system.suspend("user_service.consumer"):
            system.eventually(lambda: (oracle.depths(system) or {}).get("user_service", 0) > 5, seconds=30)
            system.cluster.control("delete_queue", "user_service")
        load.more(20)
        load.stop()
        system.eventually(lambda: not oracle.pending(system, "task_service"), seconds=30)
        system.eventually(lambda: not any(oracle.depths(system).values()))
        lost = [event for (event,) in oracle.missing(system, "task_service")]
        assert lost
        again = "UPDATE common_outboxevent SET state = 'pending' WHERE event_id = ANY(%s) RETURNING id"
        assert len(system.sql("task_service", again, lost)) == len(lost)


def test_what_no_queue_hears_holds_back_its_own_aggregate_only(system, fault, alice):
    with fault("unroutable type") as load, channel(system) as by_hand:
        by_hand.queue_unbind("task_service", "events", "user.updated")
        assert alice.patch("/api/v1/users/me/", json={"display_name": "Alice"}).status_code == 200
        await_held_back(system, "user_service", "no queue hears user.updated")
        next_row = system.register("next")
        known = "SELECT FROM user_mirror_user WHERE id = %s"
        system.eventually(lambda: system.sql("task_service", known, next_row.id))
        by_hand.queue_bind("task_service", "events", "user.updated")
        load.more(20)


def test_a_full_queue_refuses_and_everything_stays_owed(system, fault):
    with fault("full queue, nacks") as load, nobody_refused(load):
        load.more(20)
        limit = json.dumps({"max-length": 1})
        system.cluster.control("set_policy", "full", "^user_service$", limit, "--apply-to", "queues")
        with system.frozen("user_service.consumer"):
            await_held_back(system, "task_service", "refused by the broker")
            system.register("elsewhere")
            load.more(20)
        system.cluster.control("clear_policy", "full")


@pytest.mark.parametrize("what", ALARMS)
def test_an_alarm_of_the_broker_blocks_no_person(system, fault, what):
    with fault(f"{what} alarm") as load, nobody_refused(load):
        load.more(20)
        with system.alarm(what):
            await_held_back(system, "task_service", "not confirmed")
            load.more(100)
