"""The broker is away, full, alarmed, or forgets."""

import pytest


@pytest.mark.quick
def test_a_broker_that_closes_all_connections_is_connected_to_again(system, fault):
    with fault("connections closed by the broker") as load:
        load.more(40)
        system.cluster.control("close_all_connections", "tandem")
        load.more(40)


@pytest.mark.quick
def test_the_death_of_the_node_that_leads_the_queue_is_ridden_out(system, fault):
    with fault("cluster: leader killed -9") as load:
        load.more(40)
        system.cluster.leader("user_service").kill()
        load.more(80)
    system.cluster.start()
