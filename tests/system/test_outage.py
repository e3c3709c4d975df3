"""While the broker is away people go on working, and what was ended is refused elsewhere when its token runs out."""

import time

from tests.system import oracle
from tests.system.test_revocation import claims, refused_everywhere
from tests.system.test_tokens import Pen, ask

TASKS, ME = "/api/v1/tasks/", "/api/v1/users/me/"


def statuses(client, path):
    """Several times in a row: each service has two workers."""
    return {client.get(path).status_code for _ in range(6)}


def test_an_outage_of_the_broker_holds_up_no_write_and_an_end_no_longer_than_a_token_lives(system, broker, alice, bob):
    made = alice.make_api_token("tasks:read", "profile:read")
    script = system.client(headers={"Authorization": f"Bearer {made['token']}"})
    system.eventually(lambda: statuses(script, TASKS) == {200})
    life = claims(bob.access)["exp"] - claims(bob.access)["iat"]

    with system.suspend(broker):
        task = alice.post(TASKS, json={"title": "While the broker is away"})
        assert task.status_code == 201
        assert bob.post("/api/v1/auth/logout/", json={"refresh": bob.refresh}).status_code == 204
        assert alice.delete(f"/api/v1/auth/api-tokens/{made['id']}/").status_code == 204
        for ended in (bob, script):
            system.eventually(lambda ended=ended: statuses(ended, ME) == {401})
            assert statuses(ended, TASKS) == {200}
        made_at = int(time.time()) - 601  # as bob's, ten minutes later
        run_out = Pen(system, bob.access).write(iat=made_at, exp=made_at + life)
        assert ask(system, TASKS, run_out).status_code == 401

    refused_everywhere(system, bob)
    system.eventually(lambda: statuses(script, TASKS) == {401}, seconds=30)
    oracle.check(system, [task.json()])
