"""The one door by which operators change events: what it finds, what it changes, and what it writes down."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models.functions import Now
from structlog.testing import capture_logs

from common import deliveries, failures, outbox
from common.deliveries import DIRECTIONS, INCOMING, OUTGOING
from common.models import FailedEvent, InboxEvent, OutboxEvent
from tests.common.operating import fail, go_wrong, keep, park, rows_of
from tests.common.publishing import publish, versions
from tests.envelopes import user_event

BOTH = pytest.mark.parametrize("direction", DIRECTIONS)
LATER = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)


def act(direction, action, by, **more):
    direction = DIRECTIONS[direction]
    return deliveries.act(direction, action, more.pop("rows", direction.rows), by=by, **more)


def messages(row):
    return [entry.get_change_message() for entry in deliveries.history(row)]


class TestActing:
    def test_a_redriven_failure_is_due_with_all_its_attempts(self, olga, heard):
        (row,) = fail("poison")
        assert act("incoming", "redrive", olga) == 1
        row.refresh_from_db()
        assert (row.state, row.attempts) == ("retrying", 0)
        assert FailedEvent.objects.filter(next_attempt_at__lte=Now()).exists()

    def test_a_redriven_parked_event_goes_and_so_does_what_waited_behind_it(self, transactional_db, olga):
        first, second = publish(*versions(user_event(), 1, 2))
        for _ in range(outbox.MAX_ATTEMPTS):
            outbox.mark_failed(first.id, "too large")
        assert outbox.due(10) == []
        assert act("outgoing", "redrive", olga, rows=deliveries.find(OUTGOING, state="parked")) == 1
        assert [row.id for row in outbox.due(10)] == [first.id]
        outbox.mark_sent([first.id])
        assert [row.id for row in outbox.due(10)] == [second.id]

    def test_what_was_sent_is_sent_once_more(self, transactional_db, olga):
        (row,) = publish(user_event())
        outbox.mark_sent([row.id])
        assert act("outgoing", "redrive", olga) == 1
        assert [due.id for due in outbox.due(10)] == [row.id]

    @BOTH
    def test_a_schedule_is_edited(self, olga, heard, direction):
        (row,) = go_wrong(direction)
        assert act(direction, "reschedule", olga, at=LATER) == 1
        row.refresh_from_db()
        assert (row.standing, row.next_attempt_at, row.attempts) == ("retrying", LATER, 0)
        assert messages(row) == ["Rescheduled to 2031-01-02 03:04:05 UTC."]
        failures.retry_due()
        assert outbox.due(10) == []
        row.refresh_from_db()
        assert row.standing == "retrying"

    def test_an_event_that_waits_for_its_first_attempt_is_held_back_with_its_aggregate(self, olga):
        publish(*versions(user_event(), 1, 2))
        first = OutboxEvent.objects.earliest("id")
        act("outgoing", "reschedule", olga, rows=OutboxEvent.objects.filter(id=first.id), at=LATER)
        assert outbox.due(10) == []

    @BOTH
    def test_what_is_discarded_is_over(self, olga, heard, direction):
        (row,) = go_wrong(direction)
        assert act(direction, "discard", olga, reason="made by a test") == 1
        row.refresh_from_db()
        assert (row.state, row.next_attempt_at) == ("discarded", None)
        assert messages(row) == ["Discarded: made by a test"]

    def test_many_discarded_failures_never_take_effect(self, olga, heard):
        rows = fail("poison1", "poison2")
        keep(b"{")
        assert act("incoming", "discard", olga, reason="no") == 3
        assert set(InboxEvent.objects.values_list("event_id", flat=True)) == {row.event_id for row in rows}

    @BOTH
    def test_what_is_settled_stays_and_nothing_is_written_of_it(self, olga, heard, direction):
        go_wrong(direction)
        act(direction, "discard", olga, reason="no")
        assert act(direction, "redrive", olga) == act(direction, "discard", olga, reason="no") == 0
        assert LogEntry.objects.count() == 1

    @BOTH
    def test_more_than_a_batch_are_changed_with_a_line_for_each(
        self, olga, heard, direction, monkeypatch, django_assert_max_num_queries
    ):
        monkeypatch.setattr(deliveries, "BATCH", 10)
        go_wrong(direction, 25)
        with django_assert_max_num_queries(3 + 3 * 10):
            assert act(direction, "redrive", olga) == 25
        assert set(LogEntry.objects.values_list("object_id", flat=True)) == {str(row.id) for row in rows_of(direction)}

    @BOTH
    def test_a_limit_takes_the_oldest(self, olga, heard, direction):
        go_wrong(direction, 3)
        assert act(direction, "discard", olga, reason="no", limit=2) == 2
        assert [row.state == "discarded" for row in rows_of(direction)] == [True, True, False]

    def test_the_log_says_who_did_what_to_how_many(self, olga, heard):
        fail("poison")
        with capture_logs() as lines:
            act("incoming", "discard", olga, reason="made by a test")
        (line,) = lines
        assert (line["operator"], line["action"], line["changed"]) == (str(olga.id), "discard", 1)
        assert line["reason"] == "made by a test"

    def test_the_history_names_no_person_but_the_operator(self, olga, heard):
        fail("poison")
        act("incoming", "redrive", olga)
        assert "poison" not in LogEntry.objects.get().object_repr

    @BOTH
    def test_who_may_only_look_changes_nothing(self, person_here, heard, direction):
        (row,) = go_wrong(direction)
        viewer = person_here("vera", "view_outboxevent", "view_failedevent")
        with pytest.raises(PermissionDenied):
            act(direction, "discard", viewer, reason="no")
        assert rows_of(direction).get().state == row.state

    def test_each_direction_has_its_own_permission(self, person_here, heard):
        fail("poison")
        park()
        one = person_here("ian", "change_failedevent")
        assert act("incoming", "redrive", one) == 1
        with pytest.raises(PermissionDenied):
            act("outgoing", "redrive", one)


class TestFinding:
    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ({"state": "dead"}, 2),
            ({"state": "done"}, 0),
            ({"type": "user.registered"}, 1),
            ({"error": "RuntimeError"}, 1),
            ({"error": "BadEvent: not a CloudEvent"}, 1),
            ({"error": "%"}, 0),
            ({"older_than": timedelta(hours=1)}, 0),
            ({"older_than": timedelta(0)}, 2),
            ({"ids": []}, 0),
            ({}, 2),
        ],
    )
    def test_all_that_is_given_holds(self, db, heard, wanted, found):
        keep(b"{")
        fail("poison")
        assert deliveries.find(INCOMING, **wanted).count() == found

    def test_pending_events_wait_or_are_tried_again(self, db):
        waiting, retrying, sent = publish(user_event(), user_event(), user_event())
        outbox.mark_deferred([retrying.id], "no queue hears it")
        outbox.mark_sent([sent.id])
        found = {name: list(deliveries.find(OUTGOING, state=name)) for name in OUTGOING.standings}
        assert found == {"waiting": [waiting], "retrying": [retrying], "sent": [sent], "parked": [], "discarded": []}
        assert [row.standing for row in OutboxEvent.objects.order_by("id")] == ["waiting", "retrying", "sent"]

    def test_a_count_has_an_end(self, db, monkeypatch):
        monkeypatch.setattr(deliveries, "MOST", 2)
        park(3)
        assert deliveries.count(OutboxEvent.objects.all()) == 2

    def test_the_oldest_that_is_owed_may_wait_or_be_tried_again(self, db):
        assert deliveries.oldest_owed() is None
        first, second = publish(user_event(), user_event())
        outbox.mark_deferred([first.id], "no queue hears it")
        assert deliveries.oldest_owed() == first.created_at
        outbox.mark_sent([first.id])
        assert deliveries.oldest_owed() == second.created_at

    @pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("2d", 172_800)])
    def test_an_age_has_a_unit(self, text, seconds):
        assert deliveries.read_age(text) == timedelta(seconds=seconds)

    @pytest.mark.parametrize("text", ["", "5", "h", "-1h", "1w", "1h30m", "9999999d", "\u0661h"])
    def test_what_is_no_age_is_refused(self, text):
        with pytest.raises(ValueError, match="is no age"):
            deliveries.read_age(text)


class TestOperators:
    def test_one_with_the_permission_is_found(self, olga, person_here):
        ian = person_here("ian", "change_failedevent")
        assert deliveries.operator(INCOMING, "ian") == ian
        assert deliveries.operator(OUTGOING, "olga") == olga

    @pytest.mark.parametrize(
        ("permissions", "fields"),
        [
            ([], {}),
            (["view_failedevent", "change_outboxevent"], {}),
            (["change_failedevent"], {"is_staff": False}),
            (["change_failedevent"], {"is_active": False}),
        ],
    )
    def test_nobody_else_is(self, person_here, permissions, fields):
        person_here("dora", *permissions, **fields)
        for name in ("dora", "nobody", ""):
            with pytest.raises(deliveries.NotAnOperator):
                deliveries.operator(INCOMING, name)
