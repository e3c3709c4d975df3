"""What is really on the wire is what docs/contracts/ says, for who has nothing else."""

import json

import pika
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from jsonschema import Draft202012Validator

from local.settings import ROOT

FOLDER = ROOT / "docs" / "contracts"
DOCUMENT = json.loads((FOLDER / "asyncapi.json").read_text())


def validator(name):
    return Draft202012Validator(json.loads((FOLDER / f"{name}.json").read_text()))


@pytest.fixture
def listening(system, broker):
    """`listening()`: what has come since, of everything that the exchange of the document carries."""
    connection = pika.BlockingConnection(pika.URLParameters(system.broker_url))
    channel = connection.channel()
    exchange = DOCUMENT["channels"]["events"]["bindings"]["amqp"]["exchange"]
    channel.exchange_declare(
        exchange["name"], exchange["type"], durable=exchange["durable"], auto_delete=exchange["autoDelete"]
    )
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, exchange["name"], "#")
    heard = []

    def listen():
        while (found := channel.basic_get(queue, auto_ack=True))[0]:
            heard.append(found)
        return heard

    yield listen
    connection.close()


@pytest.fixture
def messages(system, listening, alice):
    """What is told when Alice registers, has a task, makes a token and asks for her copy."""
    task = alice.post("/api/v1/tasks/", json={"title": "Paint the door"}).json()
    for action in ("complete", "reopen"):
        assert alice.post(f"/api/v1/tasks/{task['id']}/{action}/").status_code == 200
    assert alice.delete(f"/api/v1/tasks/{task['id']}/").status_code == 204
    alice.make_api_token("tasks:read")
    assert alice.post("/api/v1/users/me/export/").status_code == 202
    told = {*("user.registered", "task.created", "task.completed", "task.reopened", "task.deleted")}
    told |= {"api_token.created", "export.requested", "export.part"}
    system.eventually(lambda: told <= {json.loads(body)["type"] for _, _, body in listening()}, seconds=30)
    return listening()


def test_each_message_is_as_published(messages):
    for method, properties, body in messages:
        message = json.loads(body)
        validator("envelope").validate(message)
        validator(message["type"]).validate(message["data"])
        assert JSONFormat().read(CloudEvent, body).get_id() == message["id"] == properties.message_id
        assert method.routing_key == properties.type == message["type"]
        assert properties.content_type == DOCUMENT["defaultContentType"]
        assert properties.delivery_mode == 2


def test_each_message_is_told_by_who_the_document_says(messages):
    for _, _, body in messages:
        message = json.loads(body)
        operation = DOCUMENT["operations"][f"{message['source'].removeprefix('/')}_send"]
        names = [reference["$ref"].rpartition("/")[2] for reference in operation["messages"]]
        assert message["type"] in {DOCUMENT["components"]["messages"][name]["name"] for name in names}
