"""Events by HTTP, where there is no broker: a real server and a real relay."""

import json

import pytest
from django.contrib.auth.models import Group

from common.management.commands.relay_events import Relay
from common.models import FailedEvent, InboxEvent, OutboxEvent
from common.peers import PeerPublisher
from common.transport import CONFIRMED, Message, TransportUnavailable
from tests.common.publishing import publish
from tests.envelopes import envelope, user_event

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def peer(live_server, heard):
    return live_server.url


@pytest.fixture
def publisher_to():
    publishers = []

    def make(*peers):
        publishers.append(PeerPublisher(peers))
        return publishers[-1]

    yield make
    for publisher in publishers:
        publisher.close()


def message(username="dora"):
    body = envelope(user_event(username=username))
    return Message(id=json.loads(body)["id"], type="user.registered", body=body)


def test_a_peer_confirms_what_it_has_committed(peer, publisher_to):
    messages = [message("dora"), message("emil")]
    outcomes = publisher_to(peer).publish(messages)
    assert outcomes == {one.id: CONFIRMED for one in messages}
    assert {str(row.event_id) for row in InboxEvent.objects.all()} == set(outcomes)


def test_what_a_peer_could_not_do_it_keeps(peer, publisher_to):
    good, poison = message(), message("poison")
    assert publisher_to(peer).publish([good, poison]) == {good.id: CONFIRMED, poison.id: CONFIRMED}
    assert str(FailedEvent.objects.get().event_id) == poison.id
    assert Group.objects.count() == 1


def test_a_peer_that_is_away_leaves_everything_owed(peer, publisher_to):
    with pytest.raises(TransportUnavailable):
        publisher_to(NOBODY).publish([message()])


def test_one_peer_of_two_away_is_not_sent(peer, publisher_to):
    publisher = publisher_to(peer, NOBODY)
    same = message()
    for _ in range(2):
        with pytest.raises(TransportUnavailable):
            publisher.publish([same])
    assert Group.objects.count() == 1


@pytest.mark.parametrize(("status", "body"), [(503, b"{}"), (401, b"{}"), (404, b""), (302, b""), (200, b"<html>")])
def test_a_peer_that_talks_nonsense_is_away(http_answer, publisher_to, status, body):
    with pytest.raises(TransportUnavailable):
        publisher_to(http_answer(status, body)).publish([message()])


def test_a_wrong_credential_is_an_outage_not_a_loss(peer, publisher_to, settings):
    publisher = publisher_to(peer)
    settings.SERVICE_CREDENTIAL = "another-credential-of-the-tests"
    with pytest.raises(TransportUnavailable):
        publisher.publish([message()])


def test_the_relay_carries_the_outbox_over_http(peer, publisher_to):
    publish(user_event(username="dora"), user_event(username="poison"), user_event(username="emil"))
    Relay(publisher_to(peer)).relay_batch()
    assert set(OutboxEvent.objects.values_list("state", flat=True)) == {"sent"}
    assert (Group.objects.count(), FailedEvent.objects.count()) == (2, 1)
