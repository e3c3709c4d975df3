"""The published contract, docs/contracts/, held against real messages."""

import json

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from django.conf import settings
from django.utils.module_loading import import_string
from jsonschema import Draft202012Validator

from common import cloudevents, events
from common.ids import uuid7
from common.models import OutboxEvent
from local.contracts import FOLDER, TYPES, committed

SCHEMAS = {name: Draft202012Validator(json.loads(text)) for name, text in committed(FOLDER).items()}
KINDS = {kind.type: kind for kind in TYPES}


def told(kind: type[events.Event]):
    """The messages of that type that the service's functions have put into the outbox, oldest first."""
    rows = OutboxEvent.objects.filter(type=kind.type).order_by("id")
    return [envelope.encode() for envelope in rows.values_list("envelope", flat=True)]


def assert_published(body):
    """The message is one that this service says it tells, for who has the schemas and for who has the classes."""
    message = json.loads(body)
    kind = KINDS[message["type"]]
    publications = import_string(f"{settings.SERVICE}.publications.PUBLICATIONS")
    assert kind in publications, f"{kind.type} is not in publications.py"
    SCHEMAS["envelope"].validate(message)
    SCHEMAS[kind.type].validate(message["data"])
    assert set(message["data"]) <= set(SCHEMAS[kind.type].schema["properties"]), "it tells what is not published"
    read = JSONFormat().read(CloudEvent, body)
    assert (read.get_specversion(), read.get_type(), read.get_source()) == ("1.0", kind.type, f"/{settings.SERVICE}")
    assert (read.get_id(), read.get_subject()) == (message["id"], message["data"]["id"])
    assert read.get_datacontenttype() == "application/json"
    assert read.get_time().tzinfo is not None
    assert read.get_data() == message["data"]
    event = decoded(body)
    assert decoded(from_a_newer_sender(message)) == event


def decoded(body):
    """As each subscriber reads it before it calls its handler."""
    envelope = cloudevents.decode_envelope(body)
    return cloudevents.decode_event(KINDS[envelope.type], envelope)


def from_a_newer_sender(message):
    """The same with fields and an extension attribute that nobody here knows."""
    data = message["data"] | {"colour": "green", "place": {"city": ["Bonn"], "id": None}}
    return json.dumps(message | {"data": data, "sequence": "7", "partitionkey": str(uuid7())}).encode()


def assert_all_published():
    for envelope in OutboxEvent.objects.values_list("envelope", flat=True):
        assert_published(envelope.encode())
