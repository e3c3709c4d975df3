"""Without a broker the same events travel by HTTP, and no less surely."""

import pytest

from tests.system import oracle
from tests.system.burst import Burst
from tests.system.test_tokens import Pen

SERVICES = ("user_service", "task_service")


def test_the_start_says_that_events_travel_by_http(brokerless):
    assert "Events travel by HTTP" in brokerless.output
    assert not [name for name in brokerless.processes() if name == "rabbitmq" or name.endswith(".consumer")]


def test_a_task_shared_with_a_newcomer_shows_in_the_counts_of_both(brokerless):
    alice, bob = brokerless.register("alice"), brokerless.register("bob")

    def assign():
        return alice.post("/api/v1/tasks/", json={"title": "Pay the rent", "assignees": [bob.id]})

    task = brokerless.eventually(lambda: (answer := assign()).status_code == 201 and answer.json())
    assert bob.post(f"/api/v1/tasks/{task['id']}/complete/").status_code == 200

    for person in (alice, bob):
        brokerless.eventually(lambda p=person: p.get("/api/v1/users/me/").json()["task_counts"]["done"] == 1)


@pytest.mark.long
def test_a_burst_survives_the_death_of_relays_and_web_servers(brokerless, record_property):
    with Burst(brokerless, writes=150, seed=5) as burst:
        for share, kind in ((0.2, "relay"), (0.5, "web"), (0.8, "relay")):
            burst.reached(share)
            for service in SERVICES:
                brokerless.kill(f"{service}.{kind}")

    record_property("burst", f"{burst.done} writes, {len(burst.answered)} bodies answered, {dict(burst.statuses)}")
    burst.check()


def test_while_user_service_is_away_tokens_are_checked_writes_go_on_and_events_wait(brokerless):
    alice = brokerless.register("alice")
    assert alice.get("/api/v1/tasks/").status_code == 200  # the one worker holds the signing keys now
    with brokerless.suspend("user_service.web"):
        unseen = {"Authorization": f"Bearer {Pen(brokerless, alice.access).write(jti='unseen')}"}
        task = alice.post("/api/v1/tasks/", json={"title": "While nobody listens"}, headers=unseen)
        assert task.status_code == 201

    oracle.check(brokerless, [task.json()])


def test_a_stranger_can_hand_in_no_events(brokerless):
    port = brokerless.web["task_service"]["JWKS_URL"].split("/")[2]

    answer = brokerless.client().post(f"http://{port}/internal/events/", json=[])

    assert answer.status_code == 401
