"""An operator finds what went wrong, understands it, and mends it with a click."""

import secrets

import httpx
import pika
import pytest

from tests.system import oracle

FAILURES = "/admin/users/common/failedevent/"
EFFECT = "SELECT title FROM task_mirror_mirroredtask WHERE id = %s"
STATE = "SELECT state FROM common_failedevent WHERE event_id = %s"
LAST_TRY = (
    "UPDATE common_failedevent SET attempts = 4, next_attempt_at = now() WHERE state = 'retrying' AND attempts < 4"
)


@pytest.fixture
def office(browser, system, broker):
    browser.come_as(system.sign_in_operator())
    return browser


@pytest.fixture
def poison(system, broker, alice):
    """A task whose event user_service's database refuses, until `heal`: its event is dead there."""
    trace, title = secrets.token_hex(16), f"Poison of {alice.username}"
    system.execute(
        "user_service", f"ALTER TABLE task_mirror_mirroredtask ADD CONSTRAINT test_poison CHECK (title <> '{title}')"
    )
    web = system.web["user_service"]["PEERS"].removeprefix("task_service=")  # the edge lets no trace in
    headers = {"Authorization": alice.headers["Authorization"], "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
    task = httpx.post(f"{web}/api/v1/tasks/", json={"title": title}, headers=headers).json()
    yield Poison(system, task, trace)
    heal(system)


class Poison:
    def __init__(self, system, task, trace):
        self.task, self.trace = task, trace
        query = "SELECT event_id FROM common_outboxevent WHERE aggregate_id = %s"
        self.event_id = system.sql("task_service", query, task["id"])[0][0]
        system.eventually(lambda: system.sql("user_service", STATE, self.event_id) == [("retrying",)])
        system.execute("user_service", LAST_TRY)
        system.eventually(lambda: system.sql("user_service", STATE, self.event_id) == [("dead",)])


def heal(system):
    system.execute("user_service", "ALTER TABLE task_mirror_mirroredtask DROP CONSTRAINT IF EXISTS test_poison")


def send(system, service, body):
    """As anybody does who may publish, and has not read the contract."""
    connection = pika.BlockingConnection(pika.URLParameters(system.broker_url))
    connection.channel().basic_publish("", service, body)
    connection.close()


def test_a_poison_message_is_found_understood_and_redriven(office, system, poison):
    office.open("/admin/users/")
    office.click(".deliveries a[href*='failedevent'][href*='dead']")
    office.see("task.created", "#result_list")
    office.see("IntegrityError", "#result_list")
    office.click("#result_list tbody th a")
    office.see("It failed and is not tried any more.")
    office.see("violates check constraint", ".message-error")
    office.see("Traceback (most recent call last)", ".message-traceback")
    office.see(poison.task["title"], ".message-body")
    office.see(poison.trace, "#failedevent_form")
    assert system.sql("user_service", EFFECT, poison.task["id"]) == []

    heal(system)
    office.click("[name=run][value=redrive]")
    office.see("Redriven: 1.")
    office.see(f"{system.operator}\nRedriven.", ".message-history")
    system.eventually(
        lambda: system.sql("user_service", EFFECT, poison.task["id"]) == [(poison.task["title"],)], seconds=30
    )
    office.open(office.path)
    office.see("It failed at first and has taken effect since.")
    oracle.check(system)


def test_a_message_that_is_no_event_is_discarded_with_a_reason(office, system):
    garbage = f'{{"specversion": "1.0", <b>{secrets.token_hex(8)}</b>'
    send(system, "user_service", garbage.encode())
    dead = "SELECT id FROM common_failedevent WHERE body = %s AND state = %s"
    ((key,),) = system.eventually(lambda: system.sql("user_service", dead, garbage.encode(), "dead"))

    office.open(f"{FAILURES}?state=dead")
    office.click(f"#result_list a[href*='/{key}/change/']")
    office.see(garbage, ".message-body")
    office.click("[name=run][value=discard]")
    office.see("This can't be undone.")
    assert system.sql("user_service", dead, garbage.encode(), "dead")
    office.fill(reason="Typed by hand")
    office.click("[name=run][value=discard]")
    office.see("Discarded: 1.")
    office.see(f"{system.operator}\nDiscarded: Typed by hand", ".message-history")
    assert system.sql("user_service", dead, garbage.encode(), "discarded") == [(key,)]
    system.execute("user_service", f"DELETE FROM common_failedevent WHERE id = {key}")  # as its purge, a day later
    oracle.check(system)
