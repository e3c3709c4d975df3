"""What one service knows shows at the other within a second, at the median, while nothing else goes on."""

import secrets
import statistics
import time

import psycopg

from tests.system.running import PASSWORD

ROUNDS = 20


def seconds_until_there(connection, query, key):
    started = time.perf_counter()
    while not connection.execute(query, [key]).fetchone():
        assert time.perf_counter() - started < 20
        time.sleep(0.001)
    return time.perf_counter() - started


def median_delay(system, service, table, create, record_property):
    with psycopg.connect(system.databases[service], autocommit=True) as connection:
        delays = [
            seconds_until_there(connection, f"SELECT 1 FROM {table} WHERE id = %s", create(n)) for n in range(ROUNDS)
        ]
    record_property("median_ms", round(statistics.median(delays) * 1000))
    return statistics.median(delays)


def test_a_person_who_registers_is_known_to_task_service_within_a_second(system, record_property):
    client = system.client()

    def create(_):
        name = f"sync-{secrets.token_hex(4)}"
        account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        return client.post("/api/v1/auth/register/", json=account).json()["id"]

    assert median_delay(system, "task_service", "user_mirror_user", create, record_property) < 1


def test_a_task_is_known_to_user_service_within_a_second(system, alice, record_property):
    def create(number):
        return alice.post("/api/v1/tasks/", json={"title": f"Sync {number}"}).json()["id"]

    assert median_delay(system, "user_service", "task_mirror_mirroredtask", create, record_property) < 1
