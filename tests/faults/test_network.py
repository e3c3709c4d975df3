"""Packets vanish: nobody is told that the other side is gone, and both have to find out.

No process may wait for ever: who does would hold its place, and a relay its shards, until somebody kills it.
"""

import pytest

from tests.faults.running import HEARTBEAT_SECONDS, SERVICES
from tests.faults.test_processes import sockets

NAMES = [f"{service}.{kind}" for service in SERVICES for kind in ("relay", "consumer")]
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()"


def database_sessions(system, service):
    return {pid for (pid,) in system.sql(service, SESSIONS, service)}


def test_a_black_hole_before_the_broker_is_noticed_by_all(system, fault):
    with fault("black hole before the broker") as load:
        load.more(20)
        before = {name: sockets(system, name) for name in NAMES}
        refused = load.refused
        for network in system.broker_networks:
            network.swallow()
        try:
            for name in NAMES:
                system.eventually(
                    lambda name=name: not sockets(system, name) & before[name], seconds=2 * HEARTBEAT_SECONDS + 30
                )
            load.more(20)
            assert load.refused == refused
        finally:
            for network in system.broker_networks:
                network.mend()


@pytest.mark.parametrize("service", SERVICES)
def test_a_black_hole_before_a_database_is_noticed_by_both_sides(system, fault, service):
    with fault(f"black hole before the database of {service}") as load:
        load.more(20)
        before = database_sessions(system, service)
        refused = load.refused
        system.networks[service].swallow()
        try:
            system.eventually(lambda: load.refused > refused, seconds=60)
            system.eventually(lambda: not database_sessions(system, service) & before, seconds=60)
        finally:
            system.networks[service].mend()
