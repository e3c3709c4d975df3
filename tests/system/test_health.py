"""/healthz says whether people are served, and who is in the way."""

import httpx
import pytest


def healthz(system):
    return httpx.get(f"{system.url}/healthz", timeout=20)


def test_health_is_200_while_both_services_are_ready(system):
    answer = healthz(system)

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "services": {"user_service": "ready", "task_service": "ready"}}


@pytest.mark.parametrize(("down", "up"), [("user_service", "task_service"), ("task_service", "user_service")])
def test_health_names_the_service_that_is_down(system, down, up):
    with system.suspend(f"{down}.web"):
        answer = healthz(system)

    assert answer.status_code == 503
    assert answer.json()["services"] == {down: "not_ready", up: "ready"}
    assert down in answer.json()["detail"]


def test_health_names_both_services_while_the_database_is_away(system):
    with system.suspend("postgres"):
        answer = healthz(system)

    assert answer.status_code == 503
    assert answer.json()["services"] == {"user_service": "not_ready", "task_service": "not_ready"}
