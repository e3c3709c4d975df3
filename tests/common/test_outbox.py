import json
import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from common import cloudevents, events, outbox
from common.ids import uuid7
from common.models import OutboxEvent
from tests.common.publishing import publish, versions
from tests.envelopes import user_event

State = OutboxEvent.State


def due_ids():
    return [row.id for row in outbox.due(100)]


def time_passes():
    OutboxEvent.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=Now() - timedelta(hours=1))


class TestPublish:
    def test_outside_of_a_transaction_it_refuses(self, transactional_db):
        with pytest.raises(TransactionManagementError):
            outbox.publish(user_event())
        assert not OutboxEvent.objects.exists()

    def test_a_change_that_is_rolled_back_leaves_no_event(self, transactional_db):
        def fail():
            with transaction.atomic():
                outbox.publish(user_event())
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert not OutboxEvent.objects.exists()

    def test_a_part_that_is_rolled_back_leaves_no_event(self, db):
        with transaction.atomic():
            outbox.publish(user_event())
            point = transaction.savepoint()
            outbox.publish(user_event())
            transaction.savepoint_rollback(point)
        assert OutboxEvent.objects.count() == 1

    def test_the_row_holds_what_is_published(self, db, settings):
        event = user_event()
        row = publish(event).get()
        read = cloudevents.decode_envelope(row.envelope.encode())
        assert (row.type, row.aggregate_id, row.version, row.state) == (event.type, event.id, 1, "pending")
        assert (read.id, read.source, read.subject) == (row.event_id, f"/{settings.SERVICE}", str(event.id))
        assert cloudevents.decode_event(events.UserRegistered, read) == event

    def test_text_of_any_kind_survives(self, db):
        name = 'quote" backslash\\ \u2028 \U0001f600 \u00e4'
        row = publish(user_event(display_name=name)).get()
        assert json.loads(row.envelope)["data"]["display_name"] == name


class TestDue:
    def test_rows_leave_in_the_order_they_were_written(self, db):
        event = user_event()
        rows = list(publish(*versions(event, 1, 5), user_event()))
        assert due_ids() == [row.id for row in rows]

    def test_no_more_than_asked_for(self, db):
        publish(*versions(user_event(), 1, 5))
        assert len(outbox.due(3)) == 3

    def test_what_is_sent_is_not_due(self, db):
        first, second = publish(*versions(user_event(), 1, 2))
        outbox.mark_sent([first.id])
        assert due_ids() == [second.id]
        first.refresh_from_db()
        assert first.state == State.SENT
        assert first.sent_at is not None

    def test_a_failing_row_holds_back_its_own_aggregate_only(self, db):
        first, _second, other = publish(*versions(user_event(), 1, 2), user_event())
        outbox.mark_failed(first.id, "too large")
        assert due_ids() == [other.id]

    def test_it_does_not_hold_back_what_came_before(self, db):
        first, second, _third = publish(*versions(user_event(), 1, 3))
        outbox.mark_failed(second.id, "too large")
        assert due_ids() == [first.id]

    def test_a_parked_row_holds_back_its_aggregate_for_good(self, db):
        first, second, other = publish(*versions(user_event(), 1, 2), user_event())
        OutboxEvent.objects.filter(id=first.id).update(state=State.PARKED, next_attempt_at=Now())
        time_passes()
        assert due_ids() == [other.id]
        OutboxEvent.objects.filter(id=first.id).update(state=State.PENDING)
        assert due_ids() == [first.id, other.id]
        outbox.mark_sent([first.id])
        assert due_ids() == [second.id, other.id]

    def test_what_is_rescheduled_behind_a_parked_row_still_waits_for_it(self, db):
        first, second = publish(*versions(user_event(), 1, 2))
        OutboxEvent.objects.filter(id=first.id).update(state=State.PARKED, next_attempt_at=Now())
        outbox.redrive(second, at=timezone.now() - timedelta(minutes=1))
        assert due_ids() == []
        outbox.discard(first)
        assert due_ids() == [second.id]

    def test_what_waits_behind_a_parked_row_is_not_about_to_leave(self, db):
        first, second, other = publish(*versions(user_event(), 1, 2), user_event())
        ids = [second.aggregate_id, other.aggregate_id]
        assert outbox.owed(ids) == set(ids)
        OutboxEvent.objects.filter(id=first.id).update(state=State.PARKED, next_attempt_at=Now())
        assert outbox.owed(ids) == {other.aggregate_id}

    def test_when_its_time_has_come_it_is_due_and_what_follows_waits_for_its_confirm(self, db):
        first, second = publish(*versions(user_event(), 1, 2))
        outbox.mark_failed(first.id, "too large")
        time_passes()
        assert due_ids() == [first.id]
        outbox.mark_sent([first.id])
        assert due_ids() == [second.id]

    def test_what_nobody_hears_leaves_room_for_the_rest(self, db):
        unheard = publish(*[user_event() for _ in range(outbox.RETRIES + 50)])
        outbox.mark_deferred([row.id for row in unheard], "no queue hears it")
        time_passes()
        fresh = publish(user_event()).last()
        found = [row.id for row in outbox.due(10)]
        assert fresh.id in found
        assert len(found) == outbox.RETRIES + 1

    def test_once_sent_it_holds_back_nothing(self, db):
        first, second = publish(*versions(user_event(), 1, 2))
        outbox.mark_failed(first.id, "too large")
        outbox.mark_sent([first.id])
        assert due_ids() == [second.id]

    def test_an_event_that_commits_late_is_delivered(self, transactional_db, in_threads):
        written, delivered = threading.Event(), threading.Event()
        early, late = user_event(), user_event()

        def commit_late():
            with transaction.atomic():
                outbox.publish(late)
                written.set()
                delivered.wait(10)

        def commit_at_once():
            written.wait(10)
            publish(early)
            found = outbox.due(100)
            outbox.mark_sent([row.id for row in found])
            delivered.set()
            return [row.aggregate_id for row in found]

        _, found = in_threads(2, lambda number: (commit_late, commit_at_once)[number]())
        assert found == [early.id]
        (row,) = outbox.due(100)
        assert row.aggregate_id == late.id
        assert row.id < OutboxEvent.objects.get(aggregate_id=early.id).id


class TestFailure:
    @pytest.fixture
    def row(self, db):
        return publish(user_event()).get()

    @pytest.mark.parametrize(("attempt", "seconds"), [(1, 2), (2, 4), (5, 32), (9, 300)])
    def test_each_attempt_waits_longer(self, row, attempt, seconds):
        OutboxEvent.objects.filter(id=row.id).update(attempts=attempt - 1)
        outbox.mark_failed(row.id, "too large")
        found = OutboxEvent.objects.annotate(now=Now()).get(id=row.id)
        assert timedelta(seconds=seconds - 1) < found.next_attempt_at - found.now <= timedelta(seconds=seconds)
        assert (found.attempts, found.state, found.error) == (attempt, State.PENDING, "too large")

    def test_after_ten_attempts_it_is_parked_for_an_operator(self, row):
        for _ in range(10):
            outbox.mark_failed(row.id, "too large")
        row.refresh_from_db()
        assert (row.state, row.attempts, row.error) == (State.PARKED, 10, "too large")
        time_passes()
        assert due_ids() == []

    def test_an_outage_counts_no_attempt_and_never_parks(self, row):
        for _ in range(50):
            outbox.mark_deferred([row.id], "no queue")
        row.refresh_from_db()
        assert (row.state, row.attempts, row.error) == (State.PENDING, 0, "no queue")
        assert due_ids() == []
        time_passes()
        assert due_ids() == [row.id]

    @pytest.mark.parametrize(
        "fail", [lambda row: outbox.mark_failed(row.id, "large"), lambda row: outbox.mark_deferred([row.id], "full")]
    )
    def test_what_is_discarded_under_way_stays_so_and_its_aggregate_goes_on(self, row, fail):
        later = publish(user_event(id=row.aggregate_id, version=2)).latest("id")
        outbox.discard(row)
        fail(row)
        row.refresh_from_db()
        assert (row.state, row.next_attempt_at) == (State.DISCARDED, None)
        assert due_ids() == [later.id]

    def test_a_sent_row_forgets_its_error(self, row):
        outbox.mark_failed(row.id, "too large")
        outbox.mark_sent([row.id])
        row.refresh_from_db()
        assert row.error == ""


class TestWaves:
    def test_no_wave_holds_two_events_of_an_aggregate(self, db):
        one, other = user_event(), user_event()
        publish(*versions(one, 1, 3), *versions(other, 1, 2))
        waves = outbox.waves(outbox.due(100))
        assert [[row.aggregate_id for row in wave] for wave in waves] == [[one.id, other.id]] * 2 + [[one.id]]

    def test_an_aggregate_s_order_is_kept_over_the_waves(self, db):
        publish(*versions(user_event(), 1, 4))
        rows = [row.id for wave in outbox.waves(outbox.due(100)) for row in wave]
        assert rows == sorted(rows)

    def test_events_of_different_aggregates_go_together(self, db):
        publish(*(user_event() for _ in range(20)))
        assert [len(wave) for wave in outbox.waves(outbox.due(100))] == [20]

    def test_of_nothing_there_is_no_wave(self):
        assert outbox.waves([]) == []


class TestPurge:
    def test_old_sent_rows_go_and_owed_ones_stay(self, db, settings):
        old, fresh, owed = publish(user_event(), user_event(), user_event())
        outbox.mark_sent([old.id, fresh.id])
        age = settings.OUTBOX_RETENTION + timedelta(hours=1)
        OutboxEvent.objects.filter(id=old.id).update(sent_at=Now() - age)
        OutboxEvent.objects.filter(id=owed.id).update(created_at=Now() - 10 * age)
        assert outbox.purge() == 1
        assert set(OutboxEvent.objects.values_list("id", flat=True)) == {fresh.id, owed.id}

    def test_what_was_discarded_stays_a_day_to_be_looked_at_however_old_it_is(self, db, settings):
        row = publish(user_event()).get()
        OutboxEvent.objects.update(created_at=Now() - timedelta(days=30))
        outbox.discard(row)
        assert outbox.purge() == 0
        OutboxEvent.objects.update(sent_at=Now() - settings.OUTBOX_RETENTION - timedelta(hours=1))
        assert outbox.purge() == 1

    def test_it_takes_no_more_than_asked_for(self, db):
        outbox.mark_sent([row.id for row in publish(*versions(user_event(), 1, 5))])
        OutboxEvent.objects.update(sent_at=Now() - timedelta(days=30))
        assert [outbox.purge(3), outbox.purge(3), outbox.purge(3)] == [3, 2, 0]


def test_event_ids_are_unique(db):
    publish(*(user_event(id=uuid7()) for _ in range(100)))
    assert OutboxEvent.objects.values("event_id").distinct().count() == 100
