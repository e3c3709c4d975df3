"""What the log says of an event that failed."""

from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from common.broker.consumer import Delivery
from common.ids import uuid7
from common.management.commands import consume_events
from tests.envelopes import envelope, user_event


def line_of(body):
    properties = SimpleNamespace(headers=None, message_id="message-1", type="user.registered")
    with capture_logs() as lines:
        consume_events.failure(Delivery(1, False, properties, body), RuntimeError("no"))
    (line,) = lines
    return line


def test_it_names_the_event_and_the_request_that_caused_it():
    event_id = uuid7()
    line = line_of(envelope(user_event(), event_id=event_id, request_id="request-0001"))
    assert (line["event_id"], line["request_id"]) == (str(event_id), "request-0001")


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"no JSON"])
def test_what_is_no_event_has_the_message_s_id_alone(body):
    line = line_of(body)
    assert line["message"] == "message-1"
    assert not {"event_id", "request_id"} & line.keys()
