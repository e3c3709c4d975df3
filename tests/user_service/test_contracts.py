"""Each event that user_service tells, as its own functions put it into the outbox, is the one that is published."""

from datetime import timedelta

import pytest
import structlog
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from django.utils import timezone

from common import events
from tests.contract import assert_published, told
from tests.user_service.erasing import done, prepared
from user_service.api_tokens.services import create_api_token, revoke_api_token
from user_service.erasure.services import cancel_erasure, request_erasure
from user_service.exports.services import request_export
from user_service.publications import PUBLICATIONS
from user_service.tokens.services import begin_session, end_sessions
from user_service.users.services import update_user

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def make_api_token(person):
    expires_at = timezone.now() + timedelta(days=1)
    return create_api_token(user=person, name="backup", scopes=["tasks:read"], expires_at=expires_at).token


def revoke_session(person):
    begin_session(user=person)
    end_sessions(user=person)


def erase(person):
    erasure = request_erasure(user=person).erasure
    prepared(erasure)
    done(erasure)


WAYS = {
    events.UserRegistered: lambda alice: None,  # she is
    events.UserUpdated: lambda alice: update_user(user=alice, changes={"display_name": "Ally"}),
    events.UserErased: erase,
    events.SessionRevoked: revoke_session,
    events.ApiTokenCreated: make_api_token,
    events.ApiTokenRevoked: lambda alice: revoke_api_token(token=make_api_token(alice)),
    events.ErasureRequested: lambda alice: request_erasure(user=alice),
    events.ErasureCommitted: erase,
    events.ErasureCancelled: lambda alice: cancel_erasure(erasure_id=request_erasure(user=alice).erasure.id),
    events.ExportRequested: lambda alice: request_export(user=alice),
}


@pytest.mark.parametrize("kind", PUBLICATIONS, ids=lambda kind: kind.type)
def test_what_is_told_is_what_is_published(alice, kind):
    WAYS[kind](alice)
    assert len(told(kind)) == 1
    assert_published(told(kind)[0])


def test_what_caused_it_goes_along(alice):
    with structlog.contextvars.bound_contextvars(request_id="request-0001", traceparent=TRACE):
        request_export(user=alice)
    (body,) = told(events.ExportRequested)
    assert_published(body)
    read = JSONFormat().read(CloudEvent, body)
    assert (read.get_extension("requestid"), read.get_extension("traceparent")) == ("request-0001", TRACE)
