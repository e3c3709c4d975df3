"""A process of ours dies, stands still, or takes its time."""

from contextlib import ExitStack

import psutil
import pytest

from tests.faults.running import HEARTBEAT_SECONDS, SERVICES

HEARD = "SELECT count(*) FROM common_inboxevent"
SLOW_HANDLER = f"""
CREATE FUNCTION test_sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_sleep({3 * HEARTBEAT_SECONDS}); RETURN NEW; END $$;
CREATE TRIGGER test_sleep BEFORE INSERT ON task_mirror_mirroredtask FOR EACH ROW WHEN (NEW.title = 'Slow')
    EXECUTE FUNCTION test_sleep()
"""


def heard(system):
    return {service: system.sql(service, HEARD)[0][0] for service in SERVICES}


def await_more_heard(system, count=20):
    """At both services."""
    before = heard(system)
    system.eventually(lambda: all(now > before[name] + count for name, now in heard(system).items()), seconds=60)


def broker_connections(system):
    return set(system.cluster.control("list_connections", "pid").split())


def sockets(system, name):
    """The process's own, to the broker."""
    nodes = {network.port for network in system.broker_networks}
    connections = psutil.Process(system.pid(name)).net_connections(kind="tcp")
    return {each.laddr.port for each in connections if each.raddr and each.raddr.port in nodes}


@pytest.mark.parametrize(
    "kind", [*(pytest.param(kind, marks=pytest.mark.quick) for kind in ("relay", "consumer")), "web"]
)
def test_who_is_killed_again_and_again_takes_up_where_it_was(system, fault, kind):
    with fault(f"{kind} of both services killed -9, three times") as load:
        for _ in range(3):
            load.more(25)
            for service in SERVICES:
                system.kill(f"{service}.{kind}")
        load.more(10)


@pytest.mark.parametrize("kind", ["relay", "consumer"])
def test_who_wakes_after_the_broker_has_given_it_up_does_no_harm(system, fault, kind):
    with fault(f"{kind} stopped (SIGSTOP) until the broker gives it up") as load:
        load.more(20)
        before = broker_connections(system)
        with system.frozen(f"task_service.{kind}"):
            system.eventually(lambda: before - broker_connections(system), seconds=60)
            load.more(20)
        load.more(20)


def test_a_handler_that_takes_three_heartbeats_keeps_its_connection(system, fault, alice):
    with fault("handler of three heartbeats") as load:
        system.execute("user_service", SLOW_HANDLER)
        before = sockets(system, "user_service.consumer")
        task = alice.post("/api/v1/tasks/", json={"title": "Slow"}).json()
        known = "SELECT FROM task_mirror_mirroredtask WHERE id = %s"
        system.eventually(lambda: system.sql("user_service", known, task["id"]), seconds=60)
        assert sockets(system, "user_service.consumer") == before
        system.execute("user_service", "DROP FUNCTION test_sleep CASCADE")
        load.more(20)


def test_of_two_relays_and_three_consumers_the_others_take_over(system, fault):
    """They have to: who is killed is kept from coming back."""
    active = [f"{service}.{kind}" for service in SERVICES for kind in ("relay", "consumer")]
    with fault("two relays, three consumers: active ones killed -9") as load, ExitStack() as stack:
        for service in SERVICES:
            for kind in ("relay", "consumer", "consumer"):
                stack.enter_context(system.one_more(f"{service}.{kind}"))
        await_more_heard(system)
        for name in active:
            system.kill(name)
        stack.enter_context(system.suspend(*active))
        await_more_heard(system)
        load.more(20)
