"""A sign-in that was ended is soon refused by both services; where no news can travel, a token's life is the bound."""

import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from uuid_utils import uuid7


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def refused_everywhere(system, person):
    def ask():
        return {person.get(path).status_code for path in ("/api/v1/users/me/", "/api/v1/tasks/")}

    # Several times in a row: each service has two workers. The promise is 2 s, on a machine that is not overloaded.
    system.eventually(lambda: all(ask() == {401} for _ in range(6)), seconds=20)


@pytest.mark.parametrize("end", ["logout", "logout-all", "one session"])
def test_an_ended_session_is_refused_by_both_services(system, alice, end):
    other = system.sign_in(alice.username)
    if end == "logout":
        assert alice.post("/api/v1/auth/logout/", json={"refresh": alice.refresh}).status_code == 204
    elif end == "logout-all":
        assert alice.post("/api/v1/auth/logout-all/").status_code == 204
    else:
        assert other.delete(f"/api/v1/auth/sessions/{claims(alice.access)['sid']}/").status_code == 204
    refused_everywhere(system, alice)
    if end != "logout-all":
        assert other.get("/api/v1/tasks/").status_code == 200


def test_a_worker_that_starts_anew_still_knows_what_was_ended(system, alice):
    alice.post("/api/v1/auth/logout/", json={"refresh": alice.refresh})
    refused_everywhere(system, alice)
    system.kill("task_service.web")
    system.heal()
    assert {alice.get("/api/v1/tasks/").status_code for _ in range(8)} == {401}


def test_with_the_broker_down_a_token_is_good_for_ten_minutes_at_most(system, broker, alice):
    with system.suspend(broker):
        assert alice.post("/api/v1/auth/logout/", json={"refresh": alice.refresh}).status_code == 204
        assert alice.get("/api/v1/tasks/").status_code == 200
        found = claims(alice.access)
        assert found["exp"] - found["iat"] <= 600
    refused_everywhere(system, alice)


def refresh(system, token):
    return system.client().post("/api/v1/auth/token/refresh/", json={"refresh": token})


def test_twenty_refreshes_at_once_give_one_successor_and_end_nothing(system, alice):
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: refresh(system, alice.refresh), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    successors = {answer.json()["refresh"] for answer in answers}
    assert len({claims(token)["jti"] for token in successors}) == 1
    assert refresh(system, successors.pop()).status_code == 200


def test_a_replay_after_the_grace_ends_the_sign_in_everywhere(system, alice):
    newest = refresh(system, alice.refresh).json()["refresh"]
    earlier = uuid7(nanoseconds=time.time_ns() - 16 * 10**9)  # as if the first token had been rotated then
    system.execute(
        "user_service", f"UPDATE tokens_session SET current = '{earlier}' WHERE id = '{claims(newest)['sid']}'"
    )
    assert refresh(system, alice.refresh).status_code == 401
    assert refresh(system, newest).status_code == 401
    refused_everywhere(system, alice)
