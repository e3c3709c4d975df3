"""The contract: what goes over the wire, judged by the CloudEvents SDK, and what is taken from it."""

import json
from datetime import UTC, datetime
from typing import get_type_hints
from uuid import UUID

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from common import cloudevents, events
from common.ids import time_of, uuid7
from tests.envelopes import api_token_event, envelope, task_event, user_event

KINDS = [
    *events.UserEvent.__subclasses__(),
    *events.TaskEvent.__subclasses__(),
    *events.ApiTokenEvent.__subclasses__(),
]


def example(kind):
    if issubclass(kind, events.ApiTokenEvent):
        return api_token_event(kind)
    return user_event(kind) if issubclass(kind, events.UserEvent) else task_event(kind, assignees=[uuid7()])


@pytest.mark.parametrize("kind", KINDS)
def test_an_envelope_is_a_cloud_event(kind):
    event, event_id = example(kind), uuid7()
    read = JSONFormat().read(CloudEvent, envelope(event, event_id=event_id, source="task_service"))
    assert (read.get_specversion(), read.get_id(), read.get_type()) == ("1.0", str(event_id), kind.type)
    assert (read.get_source(), read.get_subject()) == ("/task_service", str(event.id))
    assert read.get_datacontenttype() == "application/json"
    assert abs((read.get_time() - datetime.now(UTC)).total_seconds()) < 60
    assert read.get_data()["id"] == str(event.id)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_is_what_is_received(kind):
    event = example(kind)
    assert cloudevents.decode_event(kind, cloudevents.decode_envelope(envelope(event))) == event


def test_types_are_past_tense_and_differ():
    types = [kind.type for kind in KINDS]
    assert len(set(types)) == len(types)
    assert all(name.split(".")[1].endswith("ed") for name in types)


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_carries_id_and_version(kind):
    assert {"id": UUID, "version": int}.items() <= get_type_hints(kind).items()


def test_no_event_carries_a_secret():
    names = {name for kind in KINDS for name in get_type_hints(kind)}
    assert names & {"password", "email", "token"} == set()


def test_the_request_that_caused_it_is_named():
    read = JSONFormat().read(CloudEvent, envelope(user_event(), request_id="request-0001", traceparent="00-ab-cd-01"))
    assert read.get_extension("requestid") == "request-0001"
    assert read.get_extension("traceparent") == "00-ab-cd-01"


def test_without_a_request_there_is_no_such_attribute():
    assert set(json.loads(envelope(user_event()))) == {
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data",
    }  # fmt: skip


def changed(body, data=None, **attributes):
    parsed = json.loads(body)
    parsed["data"] |= data or {}
    return json.dumps(parsed | attributes).encode()


def test_a_newer_sender_may_add_fields():
    event = user_event()
    body = changed(envelope(event), data={"nickname": "D", "nested": {"a": [1]}}, sequence="7", newextension=True)
    assert cloudevents.decode_event(events.UserRegistered, cloudevents.decode_envelope(body)) == event


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"text"', b"5", b"\xff\xfe", b"{}", b"[" * 10_000,
        changed(envelope(user_event()), specversion="0.3"),
        changed(envelope(user_event()), id="not-an-id"),
        changed(envelope(user_event()), time="yesterday"),
        changed(envelope(user_event()), time="2030-06-01T12:00:00"),
        changed(envelope(user_event()), type=None),
        changed(envelope(user_event()), subject=5),
    ],
)  # fmt: skip
def test_what_is_no_cloud_event_is_bad(body):
    with pytest.raises(cloudevents.BadEvent):
        cloudevents.decode_envelope(body)


@pytest.mark.parametrize(
    "data", [{"id": "x"}, {"version": "1"}, {"version": None}, {"username": 5}, {"is_active": "yes"}, {"is_staff": 1}]
)
def test_data_that_breaks_the_contract_is_bad(data):
    read = cloudevents.decode_envelope(changed(envelope(user_event()), data=data))
    with pytest.raises(cloudevents.BadEvent, match=r"user\.registered"):
        cloudevents.decode_event(events.UserRegistered, read)


def test_a_missing_field_is_bad():
    parsed = json.loads(envelope(user_event()))
    del parsed["data"]["username"]
    read = cloudevents.decode_envelope(json.dumps(parsed).encode())
    with pytest.raises(cloudevents.BadEvent, match="username"):
        cloudevents.decode_event(events.UserRegistered, read)


def test_ids_carry_their_time_and_are_ordered_by_it():
    ids = [uuid7() for _ in range(1000)]
    assert ids == sorted(ids)
    assert {found.version for found in ids} == {7}
    assert abs((time_of(ids[0]) - datetime.now(UTC)).total_seconds()) < 60
