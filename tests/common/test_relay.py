import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone

from common import outbox, process
from common.ids import uuid7
from common.management.commands import relay_events
from common.management.commands.relay_events import Relay
from common.models import InboxEvent, OutboxEvent
from common.transport import Outcome, TransportUnavailable
from tests.common.publishing import FakePublisher, publish, versions
from tests.envelopes import user_event

RETURNED = Outcome("no queue hears user.registered")
REFUSED = Outcome("larger than the broker takes", counts=True)


@pytest.fixture
def publisher():
    return FakePublisher()


@pytest.fixture
def relay(publisher):
    return Relay(publisher)


def states():
    return list(OutboxEvent.objects.order_by("id").values_list("state", flat=True))


def ids(rows):
    return [str(row.event_id) for row in rows]


class TestBatch:
    def test_what_is_confirmed_is_sent(self, db, relay, publisher):
        rows = list(publish(user_event(), user_event()))
        assert relay.relay_batch() == 2
        assert publisher.sent == [ids(rows)]
        assert states() == ["sent", "sent"]
        assert relay.relay_batch() == 0

    def test_the_message_is_the_row(self, db, relay, publisher, monkeypatch):
        row = publish(user_event()).get()
        seen = []
        monkeypatch.setattr(
            publisher, "publish", lambda messages: seen.extend(messages) or {str(row.event_id): Outcome()}
        )
        relay.relay_batch()
        (message,) = seen
        assert (message.id, message.type, message.body.decode()) == (str(row.event_id), row.type, row.envelope)

    def test_a_returned_event_stays_owed_without_an_attempt(self, db, relay, publisher):
        row = publish(user_event()).get()
        publisher.outcomes[str(row.event_id)] = RETURNED
        relay.relay_batch()
        row.refresh_from_db()
        assert (row.state, row.attempts, row.error) == ("pending", 0, RETURNED.error)

    def test_a_refused_event_counts_an_attempt(self, db, relay, publisher):
        row = publish(user_event()).get()
        publisher.outcomes[str(row.event_id)] = REFUSED
        relay.relay_batch()
        row.refresh_from_db()
        assert (row.state, row.attempts, row.error) == ("pending", 1, REFUSED.error)

    def test_its_neighbours_go(self, db, relay, publisher):
        rows = list(publish(user_event(), user_event(), user_event()))
        publisher.outcomes[str(rows[1].event_id)] = REFUSED
        relay.relay_batch()
        assert states() == ["sent", "pending", "sent"]

    def test_what_follows_in_its_aggregate_waits(self, db, relay, publisher):
        rows = list(publish(*versions(user_event(), 1, 3), *versions(user_event(), 1, 2)))
        publisher.outcomes[str(rows[1].event_id)] = RETURNED
        relay.relay_batch()
        assert states() == ["sent", "pending", "pending", "sent", "sent"]
        relay.relay_batch()
        assert states() == ["sent", "pending", "pending", "sent", "sent"]

    def test_when_the_trouble_is_over_the_rest_follows_in_order(self, db, relay, publisher):
        rows = list(publish(*versions(user_event(), 1, 4)))
        publisher.outcomes[str(rows[1].event_id)] = RETURNED
        relay.relay_batch()
        publisher.outcomes.clear()
        OutboxEvent.objects.filter(id=rows[1].id).update(next_attempt_at=Now() - timedelta(hours=1))
        relay.relay_batch()
        relay.relay_batch()
        assert [name for wave in publisher.sent for name in wave if name != str(rows[1].event_id)] == ids(
            [rows[0], *rows[2:]]
        )
        assert publisher.sent[-3:] == [[name] for name in ids(rows[1:])]
        assert states() == ["sent"] * 4

    def test_ten_refusals_park_it_and_the_relay_goes_on(self, db, relay, publisher):
        poison = publish(user_event()).get()
        publisher.outcomes[str(poison.event_id)] = REFUSED
        for _ in range(12):
            OutboxEvent.objects.filter(id=poison.id).update(next_attempt_at=Now() - timedelta(hours=1))
            publish(user_event())
            relay.relay_batch()
        assert states() == ["parked"] + ["sent"] * 12
        assert sum(str(poison.event_id) in wave for wave in publisher.sent) == 10

    def test_an_outage_leaves_everything_owed(self, db, relay, publisher):
        publish(user_event(), user_event())
        publisher.trouble = TransportUnavailable("no broker")
        for _ in range(20):
            with pytest.raises(TransportUnavailable):
                relay.relay_batch()
        assert set(OutboxEvent.objects.values_list("state", "attempts", "next_attempt_at")) == {("pending", 0, None)}

    def test_an_outage_between_two_waves_keeps_what_was_confirmed(self, db, relay, publisher):
        publish(*versions(user_event(), 1, 2))
        first = publisher.publish
        calls = []

        def fail_the_second_time(messages):
            calls.append(1)
            if len(calls) == 2:
                raise TransportUnavailable("no broker")
            return first(messages)

        publisher.publish = fail_the_second_time
        with pytest.raises(TransportUnavailable):
            relay.relay_batch()
        assert states() == ["sent", "pending"]

    def test_no_transaction_is_open_while_the_broker_is_talked_to(self, transactional_db, relay, publisher):
        publish(user_event())
        seen, first = [], publisher.publish
        publisher.publish = lambda messages: seen.append(connection.in_atomic_block) or first(messages)
        relay.relay_batch()
        assert seen == [False]

    def test_a_batch_is_bounded(self, db, relay, publisher, monkeypatch):
        monkeypatch.setattr(relay_events, "BATCH", 3)
        publish(*(user_event() for _ in range(5)))
        assert [relay.relay_batch(), relay.relay_batch()] == [3, 2]


class TestRun:
    @pytest.fixture(autouse=True)
    def _session_of_its_own(self, transactional_db):
        connection.close()
        yield
        connection.close()

    def test_it_relays_and_then_rests(self, relay, publisher):
        publish(user_event())
        relay.run(threading.Event())
        assert states() == ["sent"]
        assert publisher.waits == [relay_events.POLL_SECONDS]

    def test_with_a_full_batch_it_does_not_rest(self, relay, publisher, monkeypatch):
        monkeypatch.setattr(relay_events, "BATCH", 2)
        publish(user_event(), user_event(), user_event())
        relay.run(threading.Event())
        assert publisher.waits == []

    def test_it_purges_what_is_old(self, relay):
        publish(user_event())
        relay.run(threading.Event())
        OutboxEvent.objects.update(sent_at=Now() - timedelta(days=30))
        relay.purged_at = -1000
        relay.run(threading.Event())
        assert states() == []

    def test_while_more_is_old_it_goes_on_with_the_next_turn(self, relay, monkeypatch):
        monkeypatch.setattr(relay_events, "PURGE_ROWS", 2)
        publish(*(user_event() for _ in range(5)))
        relay.relay_batch()
        OutboxEvent.objects.update(sent_at=Now() - timedelta(days=30))
        relay.purged_at = never = -1000
        left = []
        while relay.purged_at == never:
            relay.run(threading.Event())
            left.append(OutboxEvent.objects.count())
        assert left == [3, 1, 0]

    def test_a_full_inbox_alone_keeps_it_going_too(self, relay, monkeypatch):
        monkeypatch.setattr(relay_events, "PURGE_ROWS", 2)
        old = timezone.now() - timedelta(days=60)
        InboxEvent.objects.bulk_create(InboxEvent(event_id=uuid7(), type="x", received_at=old) for _ in range(3))
        for left in (1, 0):
            relay.purged_at = -1000
            relay.run(threading.Event())
            assert InboxEvent.objects.count() == left
            assert (relay.purged_at == -1000) is (left > 0)

    def test_its_query_reads_no_whole_table_even_where_the_table_looks_empty(self, relay):
        def plan():
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE common_outboxevent")
                cursor.execute(f"EXPLAIN {outbox.DUE}", [[0], 500, [0], 100])
                return "\n".join(line for (line,) in cursor.fetchall())

        assert "Seq Scan" in plan()
        assert relay.shards.held()
        assert "Seq Scan" not in plan()

    def test_without_a_shard_it_stands_by_and_sends_nothing(self, relay, publisher, monkeypatch):
        monkeypatch.setattr(relay_events, "STANDBY_SECONDS", 0)
        monkeypatch.setattr(relay.shards, "held", list)
        publish(user_event())
        relay.run(threading.Event())
        assert (publisher.sent, publisher.waits) == ([], [])

    def test_it_sends_what_is_its_own_and_the_holder_of_the_first_shard_purges(self, relay, publisher, monkeypatch):
        monkeypatch.setattr(relay.shards, "held", lambda: [1, 2])
        publish(*(user_event() for _ in range(100)))
        OutboxEvent.objects.filter(id__in=list(OutboxEvent.objects.values_list("id", flat=True)[:50])).update(
            state="sent", sent_at=Now() - timedelta(days=30)
        )
        relay.purged_at = -1000
        relay.run(threading.Event())
        mine = [str(row.event_id) for row in outbox.due(100, [1, 2])]
        assert mine == []
        assert 0 < len(publisher.sent[0]) < 50
        assert OutboxEvent.objects.count() == 100


class TestShards:
    def test_every_event_is_in_one_of_them_and_an_aggregate_s_are_in_the_same(self, db):
        publish(*(event for _ in range(50) for event in versions(user_event(), 1, 3)))
        found = [outbox.due(500, [shard]) for shard in outbox.EVERY_SHARD]
        assert sorted(row.id for rows in found for row in rows) == [row.id for row in outbox.due(500)]
        homes = [(shard, row.aggregate_id) for shard, rows in enumerate(found) for row in rows]
        assert len(set(homes)) == 50
        assert sum(bool(rows) for rows in found) > 8

    def test_what_failed_is_in_the_same_one(self, db):
        publish(*(user_event() for _ in range(50)))
        OutboxEvent.objects.update(next_attempt_at=Now() - timedelta(hours=1))
        found = [row.id for shard in outbox.EVERY_SHARD for row in outbox.due(500, [shard])]
        assert sorted(found) == list(OutboxEvent.objects.order_by("id").values_list("id", flat=True))


class TestKeepRunning:
    """The loop around relay and consumer."""

    class Stopping:
        """An event that notes waits instead of waiting, and stops after the work has been called so often."""

        def __init__(self):
            self.waits, self.is_set_now = [], False

        def is_set(self):
            return self.is_set_now

        def wait(self, seconds):
            self.waits.append(seconds)

    def run(self, *outcomes):
        stopping, left = self.Stopping(), list(outcomes)

        def work(_stopping):
            outcome = left.pop(0)
            stopping.is_set_now = not left
            if outcome:
                raise outcome

        process.keep_running(work, stopping)
        return stopping.waits

    @pytest.mark.parametrize("trouble", [TransportUnavailable("no broker"), OperationalError("no database")])
    def test_it_rides_out_what_is_away_and_waits_longer_each_time(self, transactional_db, trouble):
        waits = self.run(*[trouble] * 8)
        assert waits == sorted(waits)
        assert (waits[0], waits[-1]) == (0.4, 5)

    def test_once_it_went_well_it_is_patient_again(self):
        away = TransportUnavailable("no broker")
        assert self.run(away, away, None, away) == [0.4, 0.8, 0.4]

    def test_a_bug_ends_it(self):
        with pytest.raises(ZeroDivisionError):
            self.run(ZeroDivisionError())
