"""How either service hears what the contract says, whichever of them is under test."""

import json
from typing import get_type_hints

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.utils.module_loading import import_string

from common import inbox
from common.mirrors import Mirror
from local.contracts import TYPES, described
from tests.contract import from_a_newer_sender
from tests.envelopes import envelope, user_event


def test_each_handler_takes_the_event_that_it_is_given():
    for kind, handler in inbox.handlers().items():
        hints = get_type_hints(handler.row_of if isinstance(handler, Mirror) else handler)
        assert issubclass(kind, hints["event"]), f"{handler} takes no {kind.type}"


def test_what_a_service_tells_and_hears_is_of_the_contract():
    told = import_string(f"{settings.SERVICE}.publications.PUBLICATIONS")
    assert set(told) | set(inbox.handlers()) <= set(TYPES)
    assert described(settings.SERVICE) == {
        "tells": [kind.type for kind in told],
        "hears": [kind.type for kind in inbox.handlers()],
    }


@pytest.mark.django_db
def test_an_old_consumer_takes_what_a_newer_sender_tells(heard):
    message = envelope_of(user_event(username="dora"))
    assert inbox.receive([from_a_newer_sender(message)]) == [None]
    assert heard == ["dora"]
    assert Group.objects.count() == 1


@pytest.mark.django_db
def test_an_old_message_is_taken_without_what_it_does_not_tell(heard):
    """Extensions are optional, and an attribute that is null is one that is not there."""
    message = envelope_of(user_event(username="dora")) | {"requestid": None, "traceparent": None}
    assert inbox.receive([json.dumps(message).encode()]) == [None]
    assert heard == ["dora"]


def envelope_of(event):
    return json.loads(envelope(event))
