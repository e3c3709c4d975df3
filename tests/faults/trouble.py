"""What a soak breaks: each breaks something for a while and mends it. `wait` takes seconds."""

import random
import signal
from collections.abc import Callable

from tests.faults.running import SERVICES, FaultySystem
from tests.faults.test_messages import publish

Wait = Callable[[float], object]
SENT = "SELECT type, envelope FROM common_outboxevent WHERE state = 'sent' ORDER BY id DESC LIMIT 40"


def kill_some_processes(system: FaultySystem, chance: random.Random, wait: Wait) -> None:
    for name in chance.sample(ours(system), chance.randint(1, 3)):
        system.kill(name)


def stop_a_process_for_a_while(system: FaultySystem, chance: random.Random, wait: Wait) -> None:
    with system.frozen(chance.choice(ours(system))):
        wait(chance.uniform(1, 12))


def close_the_broker_s_connections(system: FaultySystem, chance: random.Random, wait: Wait) -> None:
    system.cluster.control("close_all_connections", "soak")


def kill_a_node(system: FaultySystem, chance: random.Random, wait: Wait) -> None:
    chance.choice(system.cluster.nodes).kill()
    wait(chance.uniform(0, 5))
    system.cluster.start()


def kill_two_nodes(system: FaultySystem, chance: random.Random, wait: Wait) -> None:
    for node in chance.sample(system.cluster.nodes, 2):
        node.kill()
    wait(chance.uniform(0, 5))
    system.cluster.start()


def raise_the_disk_alarm(system: FaultySystem, chance: random.Random, wait: Wait) -> None:
    with system.alarm("disk"):
        wait(chance.uniform(1, 15))


def restart_the_databases(system: FaultySystem, chance: random.Random, wait: Wait) -> None:
    system.restart_postgres(chance.choice([signal.SIGINT, signal.SIGQUIT]))


def terminate_the_database_sessions(system: FaultySystem, chance: random.Random, wait: Wait) -> None:
    for service in SERVICES:
        system.end_sessions(service)


def cut_all_connections(system: FaultySystem, chance: random.Random, wait: Wait) -> None:
    for network in [*system.networks.values(), *system.broker_networks]:
        network.cut()


def swallow_packets(system: FaultySystem, chance: random.Random, wait: Wait) -> None:
    network = chance.choice([*system.networks.values(), *system.broker_networks])
    network.swallow()
    try:
        wait(chance.uniform(1, 15))
    finally:
        network.mend()


def deliver_again_in_any_order(system: FaultySystem, chance: random.Random, wait: Wait) -> None:
    for kind, envelope in chance.sample(rows := system.sql("task_service", SENT), len(rows)):
        publish(system, kind, envelope.encode())


def ours(system: FaultySystem) -> list[str]:
    return sorted(name for name in system.processes() if "_service." in name)


TROUBLES = {
    trouble.__name__.replace("_s_", "'s ").replace("_", " "): trouble
    for trouble in (
        kill_some_processes, stop_a_process_for_a_while, close_the_broker_s_connections, kill_a_node, kill_two_nodes,
        raise_the_disk_alarm, restart_the_databases, terminate_the_database_sessions, cut_all_connections,
        swallow_packets, deliver_again_in_any_order,
    )
}  # fmt: skip
