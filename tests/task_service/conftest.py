"""The cast: Alice owns, Bob is assigned, Charlie is a stranger, Olga is the operator. user_service told us of them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from common import events, outbox
from common.ids import uuid7
from common.models import FailedEvent, OutboxEvent
from task_service.erasure.models import Erasure
from task_service.erasure.services import erase_committed
from tests.contract import assert_all_published

TASKS = "/api/v1/tasks/"
INTERNAL_EVENTS = "/internal/events/"


class Person:
    """Speaks to the API with a signed token; `browser()` with the sign-in cookie."""

    def __init__(self, username, issuer):
        self.id, self.username, self.issuer = uuid7(), username, issuer
        self.api = APIClient()
        self.sign_in()

    def sign_in(self, **claims):
        self.token = self.issuer.token(self, **claims)
        self.api.credentials(HTTP_AUTHORIZATION=f"Bearer {self.token}")

    def browser(self, **options):
        client = Client(headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, **options)
        client.cookies[settings.ACCESS_COOKIE] = self.token
        return client

    @staticmethod
    def url(task, action=""):
        return f"{TASKS}{task['id']}/{action and action + '/'}"

    def create(self, **fields):
        return self.api.post(TASKS, {"title": "Buy milk"} | fields)

    def make(self, **fields):
        """Create a task and return it."""
        response = self.create(**fields)
        assert response.status_code == 201, response.content
        return response.json()

    def read(self, task, **headers):
        return self.api.get(self.url(task), headers=headers)

    def patch(self, task, fields, **headers):
        return self.api.patch(self.url(task), fields, headers=headers)

    def put(self, task, fields, **headers):
        return self.api.put(self.url(task), fields, headers=headers)

    def delete(self, task, **headers):
        return self.api.delete(self.url(task), headers=headers)

    def act(self, task, action, **headers):
        """POST to complete/ or reopen/."""
        return self.api.post(self.url(task, action), headers=headers)

    def list(self, **parameters):
        return self.api.get(TASKS, parameters)

    def titles(self, **parameters):
        response = self.list(**parameters)
        assert response.status_code == 200, response.content
        return [task["title"] for task in response.json()["results"]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Whatever a test has made the service tell is of the published contract."""
    result = yield
    if {"db", "transactional_db"} & set(item.fixturenames):
        assert_all_published()
    return result


@pytest.fixture
def hear():
    """`hear(event, …)` delivers events as the peer's relay does; returns the events as sent, to send them again."""
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {settings.SERVICE_CREDENTIAL}")

    def deliver(*told):
        bodies = [event if isinstance(event, str) else outbox.outbox_row(event).envelope for event in told]
        response = client.post(INTERNAL_EVENTS, f"[{','.join(bodies)}]", content_type="application/json")
        assert response.status_code == 204, response.content
        assert not FailedEvent.objects.filter(event_id__in=[json.loads(body)["id"] for body in bodies]).exists()
        return bodies

    return deliver


@pytest.fixture
def news_of():
    """`news_of(person, is_staff=True)`: what user_service says of the person."""

    def event(person, event_type=events.UserRegistered, **fields):
        facts = {"version": 1, "username": person.username, "display_name": person.username.title()}
        facts |= {"is_active": True, "is_staff": False, "is_superuser": False}
        return event_type(id=person.id, **facts | fields)

    return event


@pytest.fixture
def stranger_here(issuer):
    """`stranger_here("dora")`: a person with a good token, of whom no event has come yet."""
    return lambda username: Person(username, issuer)


@pytest.fixture
def person(stranger_here, hear, news_of):
    """`person("dora")`: a person who is mirrored."""

    def make(username, **fields):
        found = stranger_here(username)
        hear(news_of(found, **fields))
        return found

    return make


@pytest.fixture
def alice(db, person):
    return person("alice")


@pytest.fixture
def bob(db, person):
    return person("bob")


@pytest.fixture
def charlie(db, person):
    return person("charlie")


@pytest.fixture
def olga(db, person):
    return person("olga", is_staff=True, is_superuser=True)


@pytest.fixture
def shared_task(alice, bob):
    """Alice's task that is assigned to Bob."""
    return alice.make(title="Paint the fence", assignees=[str(bob.id)])


@pytest.fixture
def told():
    """`told(task)`: the envelopes of the events about the task, in the order they will leave."""

    def read(task):
        rows = OutboxEvent.objects.filter(aggregate_id=task["id"]).order_by("id")
        return [json.loads(row.envelope) for row in rows]

    return read


@pytest.fixture
def errors():
    """`errors(response)`: {field: code} of a 400, after a look at the problem's shape."""

    def read(response):
        body = response.json()
        assert (response.status_code, response.headers["Content-Type"]) == (400, "application/problem+json"), body
        return {error["field"]: error["code"] for error in body["errors"]}

    return read


@pytest.fixture
def saga(alice):
    """What user_service may say of Alice's erasure: `saga["committed", 2]`."""
    erasure_id = uuid7()

    class Saga:
        id = erasure_id

        def __getitem__(self, said):
            kind, version = said
            facts = {"id": erasure_id, "version": version, "user_id": alice.id}
            if kind == "requested":
                return events.ErasureRequested(**facts, deadline=datetime.now(UTC) + timedelta(minutes=10))
            return {"committed": events.ErasureCommitted, "cancelled": events.ErasureCancelled}[kind](**facts)

        def answers(self):
            rows = OutboxEvent.objects.filter(aggregate_id=erasure_id).order_by("id")
            return [kind.partition(".")[2] for kind in rows.values_list("type", flat=True)]

        @property
        def state(self):
            return Erasure.objects.get(id=erasure_id).state

    return Saga()


@pytest.fixture
def erase(hear, saga):
    def run():
        hear(saga["requested", 1])
        hear(saga["committed", 2])
        erase_committed()

    return run
