"""Against a real RabbitMQ: each test has a service, and so queues, of its own."""

import re
import threading

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from common import broker, events, failures, inbox
from common.broker.consumer import Consumer
from common.broker.publisher import BrokerPublisher
from common.management.commands.relay_events import Relay
from common.models import FailedEvent, InboxEvent, OutboxEvent
from common.transport import CONFIRMED, TransportUnavailable
from tests.common.publishing import message, publish
from tests.common.queues import TYPE, told
from tests.envelopes import user_event
from tests.waiting import wait_until

TOO_LARGE = b"x" * 17 * 1024 * 1024
SOME_AWAY = "amqp://guest:guest@127.0.0.1:9/," * 5


@pytest.fixture
def publisher(queues, broker_url):
    found = BrokerPublisher(broker_url)
    yield found
    found.close()


class TestPublishing:
    def test_a_message_in_a_queue_is_confirmed(self, queues, publisher):
        one = message(b'{"a": 1}')
        assert publisher.publish([one]) == {one.id: CONFIRMED}
        properties, body = wait_until(queues.take)
        assert body == b'{"a": 1}'
        assert (properties.message_id, properties.type) == (one.id, TYPE)
        assert (properties.delivery_mode, properties.content_type) == (2, "application/cloudevents+json")

    def test_a_batch_keeps_its_order(self, queues, publisher):
        batch = [message(str(number).encode()) for number in range(300)]
        assert publisher.publish(batch) == {one.id: CONFIRMED for one in batch}
        assert [wait_until(queues.take)[1] for _ in batch] == [one.body for one in batch]

    def test_an_empty_batch_is_fine(self, publisher):
        assert publisher.publish([]) == {}

    def test_what_no_queue_hears_is_not_confirmed_and_nobody_s_fault(self, queues, publisher):
        heard, unheard = message(), message(type="nobody.hears")
        outcomes = publisher.publish([unheard, heard])
        assert outcomes[heard.id] == CONFIRMED
        assert "nobody.hears" in outcomes[unheard.id].error
        assert not outcomes[unheard.id].counts

    def test_what_is_too_large_is_refused_alone(self, queues, publisher):
        before, poison, after = message(), message(TOO_LARGE), message()
        outcomes = publisher.publish([before, poison, after])
        assert (outcomes[before.id], outcomes[after.id]) == (CONFIRMED, CONFIRMED)
        assert outcomes[poison.id].counts
        assert "larger than" in outcomes[poison.id].error
        assert publisher.publish([one := message()]) == {one.id: CONFIRMED}

    def test_a_full_queue_refuses_and_it_is_nobody_s_fault(self, queues, publisher):
        queues.delete()
        arguments = broker.QUORUM | {"x-max-length": 2}
        queues.channel.queue_declare(queues.service, durable=True, arguments=arguments)
        queues.channel.queue_bind(queues.service, broker.EXCHANGE, TYPE)
        batches = [publisher.publish([message()]) for _ in range(8)]
        outcomes = [outcome for batch in batches for outcome in batch.values()]
        assert CONFIRMED in outcomes
        refused = [outcome for outcome in outcomes if outcome.error]
        assert refused
        assert not any(outcome.counts for outcome in refused)

    def test_a_broker_that_is_away_takes_nothing(self):
        publisher = BrokerPublisher("amqp://guest:guest@127.0.0.1:9/")
        for _ in range(2):
            with pytest.raises(TransportUnavailable):
                publisher.publish([message()])
        publisher.close()

    def test_of_several_nodes_any_that_is_there_will_do(self, queues, broker_url):
        publisher = BrokerPublisher(SOME_AWAY + broker_url)
        assert publisher.publish([one := message()]) == {one.id: CONFIRMED}
        publisher.close()

    def test_a_wrong_password_is_an_outage(self, broker_url):
        publisher = BrokerPublisher(re.sub("//[^@]*@", "//nobody:nothing@", broker_url))
        with pytest.raises(TransportUnavailable):
            publisher.publish([message()])
        publisher.close()

    def test_a_publisher_that_was_closed_connects_again(self, queues, publisher):
        publisher.publish([message()])
        publisher.close()
        assert publisher.publish([one := message()]) == {one.id: CONFIRMED}

    def test_it_idles_without_losing_the_connection(self, queues, publisher):
        publisher.publish([message()])
        before = publisher._connection
        for _ in range(3):
            publisher.wait(0.01)
        assert publisher.publish([one := message()]) == {one.id: CONFIRMED}
        assert publisher._connection is before


@pytest.mark.usefixtures("transactional_db")
class TestRelaying:
    def test_what_is_confirmed_is_sent(self, queues, publisher):
        row = publish(user_event()).get()
        Relay(publisher).relay_batch()
        assert OutboxEvent.objects.get().state == "sent"
        assert wait_until(queues.take)[1].decode() == row.envelope

    def test_what_nobody_hears_stays_owed_until_somebody_does(self, queues, publisher):
        queues.channel.queue_unbind(queues.service, broker.EXCHANGE, TYPE)
        publish(user_event())
        Relay(publisher).relay_batch()
        row = OutboxEvent.objects.get()
        assert (row.state, row.attempts) == ("pending", 0)
        assert TYPE in row.error
        queues.declare()
        OutboxEvent.objects.update(next_attempt_at=None)
        Relay(publisher).relay_batch()
        assert OutboxEvent.objects.get().state == "sent"

    def test_what_is_too_large_counts_attempts_and_its_neighbours_go(self, queues, publisher):
        small, large, other = publish(user_event(), user_event(), user_event())
        OutboxEvent.objects.filter(id=large.id).update(envelope=TOO_LARGE.decode())
        Relay(publisher).relay_batch()
        found = {row.id: (row.state, row.attempts) for row in OutboxEvent.objects.all()}
        assert found == {small.id: ("sent", 0), large.id: ("pending", 1), other.id: ("sent", 0)}


class TestConsuming:
    def test_an_event_takes_effect_and_is_acked(self, queues, consuming):
        queues.put(told())
        assert consuming(until=Group.objects.exists) is None
        wait_until(lambda: queues.count() == 0)
        assert InboxEvent.objects.count() == 1

    def test_of_several_nodes_any_that_is_there_will_do(self, queues, consuming, settings):
        settings.BROKER_URL = SOME_AWAY + settings.BROKER_URL
        queues.put(told())
        assert consuming(until=Group.objects.exists) is None

    def test_a_burst_takes_effect_once_each(self, queues, consuming, publisher):
        publisher.publish([message(told(f"person{number}")) for number in range(500)])
        assert consuming(until=lambda: Group.objects.count() == 500) is None
        assert (queues.count(), queues.count(".dead")) == (0, 0)

    def test_a_failing_event_is_kept_with_its_error_and_harms_no_other(self, queues, consuming):
        poison = told("poison")
        for body in (told("dora"), poison, told("emil")):
            queues.put(body)
        assert consuming(until=lambda: FailedEvent.objects.exists() and Group.objects.count() == 2) is None
        wait_until(lambda: queues.count() == 0)
        kept = FailedEvent.objects.get()
        assert (bytes(kept.body), kept.state, kept.error) == (
            poison,
            "retrying",
            "RuntimeError: this handler fails",
        )
        assert InboxEvent.objects.count() == 2

    @pytest.mark.parametrize("body", [b"{", b"", b"\xff", told().replace(b'"version":1', b'"version":"one"')])
    def test_what_no_retry_can_help_is_dead_at_once(self, queues, consuming, heard, body):
        queues.put(body)
        assert consuming(until=FailedEvent.objects.exists) is None
        kept = FailedEvent.objects.get()
        assert (bytes(kept.body), kept.state) == (body, "dead")
        assert kept.error.startswith("BadEvent")
        assert heard == []

    def test_what_the_broker_gave_up_on_is_kept_as_dead_and_does_no_harm(self, queues, consuming, heard):
        body = told("killer")
        queues.put(body, ".dead", headers={"x-death": [{"reason": "delivery_limit", "count": 1}]})
        queues.put(told("dora"))
        assert consuming(until=lambda: FailedEvent.objects.exists() and heard) is None
        wait_until(lambda: queues.count(".dead") == 0)
        kept = FailedEvent.objects.get()
        assert (bytes(kept.body), kept.state, kept.error) == (body, "dead", "DeadLetter: delivery_limit")
        assert heard == ["dora"]

    def test_what_could_not_be_kept_is_not_acked(self, queues, consuming, monkeypatch):
        def refuse(outcomes):
            raise OperationalError("no room")

        queues.put(told("poison"))
        monkeypatch.setattr(failures, "keep", refuse)
        assert isinstance(consuming(), OperationalError)
        assert wait_until(lambda: queues.count() == 1)

    def test_an_event_may_come_many_times(self, queues, consuming, heard):
        body = told()
        for _ in range(10):
            queues.put(body)
        queues.put(told("last"))
        assert consuming(until=lambda: "last" in heard) is None
        assert heard == ["dora", "last"]

    def test_with_the_database_away_nothing_is_acked(self, queues, consuming, monkeypatch):
        def lose_the_database(event):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

        monkeypatch.setattr(inbox, "handlers", lambda: {events.UserRegistered: lose_the_database})
        queues.put(told())
        assert isinstance(consuming(), OperationalError)
        assert wait_until(lambda: queues.count() == 1)
        assert queues.count(".dead") == 0

    def test_a_long_outage_of_the_database_costs_no_delivery(self, queues, consuming, monkeypatch):
        def away(wrapper):
            raise OperationalError("away")

        queues.put(told())
        with monkeypatch.context() as patch:
            patch.setattr(BaseDatabaseWrapper, "ensure_connection", away)
            outcomes = [consuming() for _ in range(broker.DELIVERY_LIMIT + 2)]
        assert all(isinstance(outcome, OperationalError) for outcome in outcomes)
        assert wait_until(lambda: queues.count() == 1)  # a quorum queue counts what it holds a moment later
        assert queues.count(".dead") == 0
        assert consuming(until=Group.objects.exists) is None

    def test_a_queue_that_was_deleted_under_it_is_made_again(self, queues, consuming, publisher):
        deleted = []

        def delete_once():
            if not deleted and consuming_now(queues):
                deleted.append(queues.delete())
            return False

        assert isinstance(consuming(until=delete_once), TransportUnavailable)
        one = message(told())
        assert consuming(until=lambda: Group.objects.exists() or (publisher.publish([one]) and False)) is None
        assert Group.objects.count() == 1

    def test_a_broker_that_is_away_is_an_outage(self, consuming, settings):
        settings.BROKER_URL = "amqp://guest:guest@127.0.0.1:9/"
        assert isinstance(consuming(), TransportUnavailable)


def consuming_now(queues):
    return queues.channel.queue_declare(queues.service, passive=True).method.consumer_count == 1


def test_what_is_not_acked_comes_again(queues, broker_url):
    queues.put(b"owed")

    def first_batch():
        with Consumer(broker_url, service=queues.service, types=[TYPE], prefetch=10) as consumer:
            return next(filter(None, consumer.batches(threading.Event())))

    seen = [first_batch()[0] for _ in range(2)]
    assert [(delivery.body, delivery.redelivered) for delivery in seen] == [(b"owed", False), (b"owed", True)]


def test_a_message_that_kills_its_consumer_ends_in_the_dead_letter_queue(queues):
    queues.put(b"poison")
    deaths = []

    def take_it_and_die():
        channel = queues.connection.channel()
        method, _, _ = channel.basic_get(queues.service)
        deaths.extend([method] if method else [])
        channel.close()
        return queues.count(".dead") == 1

    wait_until(take_it_and_die)
    assert broker.DELIVERY_LIMIT <= len(deaths) <= broker.DELIVERY_LIMIT + 1
    assert queues.take(".dead")[1] == b"poison"


def test_declaring_twice_changes_nothing(queues):
    queues.put(b"kept")
    queues.declare()
    assert wait_until(lambda: queues.count() == 1)
