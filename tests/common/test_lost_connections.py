"""The broker's connections cut and black-holed by a proxy in between."""

import threading
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group
from django.db import InternalError, connection

from common import broker, events, inbox
from common.broker import publisher as broker_publisher
from common.broker.consumer import Consumer
from common.broker.publisher import BrokerPublisher
from common.management.commands.relay_events import Relay
from common.models import OutboxEvent
from common.transport import CONFIRMED, TransportUnavailable
from tests.common.answering import outstay
from tests.common.proxy import Proxy
from tests.common.publishing import message, publish
from tests.common.queues import TYPE, told
from tests.envelopes import user_event
from tests.waiting import wait_until


@pytest.fixture
def proxy(queues, broker_url):
    parts = urlsplit(broker_url)
    with Proxy(parts.hostname, parts.port) as found:
        found.url = broker_url.replace(f":{parts.port}", f":{found.port}")
        yield found


@pytest.fixture
def publisher(proxy):
    found = BrokerPublisher(proxy.url)
    yield found
    found.close()


def sent_in_the_end(publisher, one):
    """Publish again and again, as the relay does, until it is confirmed."""

    def try_it():
        try:
            return publisher.publish([one])[one.id] == CONFIRMED
        except TransportUnavailable:
            return False

    return wait_until(try_it)


class TestPublisher:
    def test_it_connects_again_after_a_cut(self, publisher, proxy):
        publisher.publish([message()])
        proxy.cut()
        assert sent_in_the_end(publisher, message())

    def test_a_cut_while_it_idles_is_noticed(self, publisher, proxy):
        publisher.publish([message()])
        proxy.cut()
        publisher.wait(0.2)
        one = message()
        assert publisher.publish([one]) == {one.id: CONFIRMED}

    def test_what_was_not_confirmed_is_nobody_s_fault(self, publisher, proxy):
        publisher.publish([message()])
        proxy.silent = True
        threading.Timer(0.3, proxy.cut).start()
        one = message()
        outcome = publisher.publish([one])[one.id]
        assert "not confirmed" in outcome.error
        assert not outcome.counts

    def test_a_broker_that_does_not_answer_does_not_hang_it(self, proxy, monkeypatch):
        monkeypatch.setattr(broker, "TIMEOUT_SECONDS", 0.5)
        monkeypatch.setattr(broker_publisher, "TIMEOUT_SECONDS", 0.5)
        publisher = BrokerPublisher(proxy.url)
        one = message()
        assert sent_in_the_end(publisher, message())
        proxy.silent = True
        assert "not confirmed within 0.5 s" in publisher.publish([one])[one.id].error
        with pytest.raises(TransportUnavailable):
            publisher.publish([one])
        proxy.silent = False
        assert sent_in_the_end(publisher, one)
        publisher.close()

    def test_the_relay_keeps_the_event_and_sends_it_later(self, transactional_db, publisher, proxy):
        relay = Relay(publisher)
        publisher.publish([message()])
        publish(user_event())
        proxy.silent = True
        threading.Timer(0.3, proxy.cut).start()
        relay.relay_batch()
        row = OutboxEvent.objects.get()
        assert (row.state, row.attempts) == ("pending", 0)
        proxy.silent = False
        OutboxEvent.objects.update(next_attempt_at=None)
        relay.relay_batch()
        assert OutboxEvent.objects.get().state == "sent"


class TestConsumer:
    @pytest.fixture(autouse=True)
    def _by_the_proxy(self, proxy, settings):
        settings.BROKER_URL = proxy.url

    def test_a_cut_between_commit_and_ack_is_an_outage_and_has_one_effect(self, queues, consuming, proxy, monkeypatch):
        effects = []

        def cut_the_connection(event):
            Group.objects.create(name=event.username)
            effects.append(event.username)
            if len(effects) == 1:
                proxy.cut()
                wait_until(lambda: queues.count() == 1)  # the broker has it back
                wait_until(lambda: "amqp" not in {thread.name for thread in threading.enumerate()})  # it knows

        monkeypatch.setattr(inbox, "handlers", lambda: {events.UserRegistered: cut_the_connection})
        queues.put(told())
        assert isinstance(consuming(), TransportUnavailable)
        queues.put(told("last"))
        assert consuming(until=lambda: "last" in effects) is None
        wait_until(lambda: queues.count() == 0)
        assert effects == ["dora", "last"]

    def test_a_cut_while_it_waits_is_an_outage(self, consuming, proxy):
        def cut():
            proxy.cut()
            return False

        assert isinstance(consuming(until=cut), TransportUnavailable)

    def test_an_ack_after_the_cut_is_an_outage(self, queues, proxy):
        queues.put(b"one")
        with Consumer(proxy.url, service=queues.service, types=[TYPE], prefetch=10) as consumer:
            (delivery,) = next(filter(None, consumer.batches(threading.Event())))
            proxy.cut()
            wait_until(lambda: not consumer._thread.is_alive())
            with pytest.raises(TransportUnavailable):
                consumer.ack(delivery.tag)


class TestIdleInATransaction:
    def test_a_request_whose_session_was_ended_for_it_is_answered_503(self, transactional_db, client):
        client.raise_request_exception = False
        assert client.get("/idles/").status_code == 503

    def test_a_batch_whose_session_was_ended_for_it_may_come_again(self, transactional_db, monkeypatch):
        def stand_still_once(event):
            if not seen:
                seen.append(event)
                outstay(connection)
            Group.objects.create(name=event.username)

        seen = []
        monkeypatch.setattr(inbox, "handlers", lambda: {events.UserRegistered: stand_still_once})
        body = told("dora")
        with pytest.raises(InternalError):
            inbox.receive([body])
        assert inbox.receive([body]) == [None]
        assert Group.objects.count() == 1
