"""What becomes of events that failed: tried again later and later, then dead, then as an operator says."""

import os
import signal
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now
from structlog.testing import capture_logs

from common import events, failures, inbox
from common.ids import uuid7
from common.models import FailedEvent, InboxEvent
from tests.envelopes import envelope, user_event

DEEP = b'{"specversion":"1.0","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
LEFT = ExpressionWrapper(F("next_attempt_at") - Now(), output_field=DurationField())


def told(username="poison", **more):
    return envelope(user_event(username=username), **more)


def fail(*bodies):
    """They come, and what fails is kept."""
    failures.keep(zip(bodies, inbox.receive(bodies), strict=True))
    return list(FailedEvent.objects.order_by("id"))


def make_due():
    FailedEvent.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=Now())


def waits(row):
    """Seconds to the next attempt, to the nearest one; None where there will be none."""
    found = FailedEvent.objects.filter(id=row.id, next_attempt_at__isnull=False)
    left = found.annotate(left=LEFT).values_list("left", flat=True).first()
    return None if left is None else round(left.total_seconds())


@pytest.fixture
def mend(monkeypatch):
    """The handler works from now on."""
    return lambda: monkeypatch.setattr(
        inbox, "handlers", lambda: {events.UserRegistered: lambda event: Group.objects.create(name=event.username)}
    )


class TestKeeping:
    def test_it_says_what_came_and_what_went_wrong(self, db, heard):
        event_id, trace, event = uuid7(), f"00-{'a' * 32}-{'b' * 16}-01", user_event(username="poison")
        body = envelope(event, event_id=event_id, request_id="request-0001", traceparent=trace)
        (row,) = fail(body)
        assert bytes(row.body) == body
        assert (row.event_id, row.type, row.source) == (event_id, "user.registered", "/elsewhere")
        assert row.aggregate_id == event.id
        assert (row.request_id, row.trace_id) == ("request-0001", "a" * 32)
        assert row.error == "RuntimeError: this handler fails"
        assert 'raise RuntimeError("this handler fails")' in row.traceback
        assert (row.state, row.attempts, waits(row)) == ("retrying", 1, 1)

    @pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"no JSON", b"\x00", b'{"id": "\\u0000"}', DEEP])
    def test_what_is_no_event_is_dead_and_kept_whole(self, db, heard, body):
        (row,) = fail(body)
        assert (bytes(row.body), row.state, row.event_id, row.type) == (body, "dead", None, "")
        assert waits(row) is None

    def test_its_traceback_is_its_own_and_no_other_s_of_its_batch(self, db, heard):
        fail(b"no JSON", told())
        row = FailedEvent.objects.get(state="retrying")
        assert "this handler fails" in row.traceback
        assert "BadEvent" not in row.traceback

    def test_a_type_that_no_column_takes_is_kept_as_far_as_it_goes(self, db, heard):
        (row,) = fail(told().replace(b'"user.registered"', b'"\\u0000' + b"x" * 300 + b'"'))
        assert row.type == "x" * 100

    def test_the_same_message_twice_is_kept_once_and_stays_what_it_was(self, db, heard):
        body = told()
        fail(body)
        FailedEvent.objects.update(state="discarded")
        assert [row.state for row in fail(body)] == ["discarded"]

    def test_the_log_names_the_event_and_the_request_that_caused_it(self, db, heard):
        event_id = uuid7()
        with capture_logs() as lines:
            fail(told(event_id=event_id, request_id="request-0001"))
        (line,) = lines
        assert (line["event_id"], line["request_id"]) == (str(event_id), "request-0001")


class TestRetrying:
    def test_it_waits_longer_each_time_and_then_is_dead(self, db, heard):
        (row,) = fail(told())
        seen = []
        while (wait := waits(row)) is not None:
            seen.append(wait)
            make_due()
            failures.retry_due()
        assert seen == list(failures.RETRY_SECONDS)
        assert len(heard) == failures.MAX_ATTEMPTS
        row.refresh_from_db()
        assert (row.state, row.attempts) == ("dead", failures.MAX_ATTEMPTS)
        assert not InboxEvent.objects.exists()

    def test_what_is_not_due_rests(self, db, heard):
        fail(told())
        failures.retry_due()
        assert heard == ["poison"]

    def test_what_works_by_then_is_done_and_has_its_effect_once(self, db, heard, mend):
        (row,) = fail(told())
        mend()
        for _ in range(2):
            make_due()
            failures.retry_due()
        row.refresh_from_db()
        assert (row.state, row.next_attempt_at) == ("done", None)
        assert row.settled_at is not None
        assert Group.objects.count() == InboxEvent.objects.count() == 1

    def test_what_came_again_meanwhile_and_worked_is_done_without_a_second_effect(self, db, heard, mend):
        body = told()
        fail(body)
        mend()
        inbox.receive([body])
        make_due()
        failures.retry_due()
        assert FailedEvent.objects.get().state == "done"
        assert Group.objects.count() == 1

    def test_one_that_fails_holds_up_no_other(self, db, heard, mend, monkeypatch):
        fail(told("poison"), told("poison too"))
        monkeypatch.setattr(inbox, "handlers", lambda: {events.UserRegistered: refuse("poison")})
        make_due()
        failures.retry_due()
        assert sorted(FailedEvent.objects.values_list("state", flat=True)) == ["done", "retrying"]

    def test_those_that_take_long_leave_time_for_other_jobs(self, db, heard, monkeypatch):
        fail(told(), told(), told())
        make_due()
        monkeypatch.setattr(failures, "SECONDS", 0)
        failures.retry_due()
        assert sorted(FailedEvent.objects.values_list("attempts", flat=True)) == [1, 1, 2]

    def test_with_the_database_lost_an_attempt_is_counted_and_the_rest_waits(
        self, transactional_db, heard, monkeypatch
    ):
        fail(told())
        make_due()
        monkeypatch.setattr(inbox, "handlers", lambda: {events.UserRegistered: lose_the_database})
        with pytest.raises(OperationalError):
            failures.retry_due()
        row = FailedEvent.objects.get()
        assert (row.state, row.attempts, waits(row)) == ("retrying", 2, 5)

    def test_one_that_kills_the_process_is_dead_after_as_many_deaths(self, transactional_db, heard):
        fail(told())
        for _ in range(failures.MAX_ATTEMPTS - 1):
            make_due()
            assert die_of_it() == -signal.SIGKILL
        make_due()
        failures.retry_due()
        row = FailedEvent.objects.get()
        assert (row.state, row.error) == ("dead", "The process died of it.")
        assert heard == ["poison"]


def refuse(name):
    def handle(event):
        if event.username == name:
            raise RuntimeError("no")

    return handle


def lose_the_database(event):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def die_of_it():
    """A process of its own tries what is due, with a handler that kills it; return how it ended."""
    pid = os.fork()
    if pid == 0:
        connection.connection = None  # the parent's
        inbox.handlers = lambda: {events.UserRegistered: lambda event: os.kill(os.getpid(), signal.SIGKILL)}
        try:
            failures.retry_due()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


class TestRedriving:
    def test_a_dead_one_is_tried_at_once_with_all_its_attempts(self, db, heard, mend):
        (row,) = fail(told())
        FailedEvent.objects.update(state="dead", attempts=5, next_attempt_at=None)
        assert failures.redrive(row) == [row.id]
        assert waits(row) == 0
        failures.retry_due()
        row.refresh_from_db()
        assert (row.state, row.attempts, waits(row)) == ("retrying", 1, 1)

    def test_many_are_tried_together_and_a_bad_one_alone(self, db, heard, mend, monkeypatch):
        rows = fail(*[told(f"poison{number}") for number in range(30)])
        monkeypatch.setattr(inbox, "handlers", lambda: {events.UserRegistered: refuse("poison7")})
        batches = []
        receive = inbox.receive
        monkeypatch.setattr(inbox, "receive", lambda bodies: batches.append(len(bodies)) or receive(bodies))
        assert failures.redrive(*rows) == [row.id for row in rows]
        failures.retry_due()
        assert max(batches) == 30
        assert FailedEvent.objects.exclude(state="done").get().error == "RuntimeError: no"

    def test_in_the_middle_of_its_last_attempt_it_counts(self, db, heard, monkeypatch):
        (row,) = fail(told())
        FailedEvent.objects.update(attempts=failures.MAX_ATTEMPTS - 1)
        receive = inbox.receive

        def redriven_meanwhile(bodies):
            outcomes = receive(bodies)
            monkeypatch.setattr(inbox, "receive", lambda bodies: [None for _ in bodies])
            return failures.redrive(row) and outcomes

        monkeypatch.setattr(inbox, "receive", redriven_meanwhile)
        make_due()
        failures.retry_due()
        assert FailedEvent.objects.get().state == "done"

    @pytest.mark.parametrize("state", ["done", "discarded"])
    def test_what_is_settled_stays(self, db, heard, state):
        (row,) = fail(told())
        FailedEvent.objects.update(state=state, next_attempt_at=None)
        assert failures.redrive(row) == []
        assert failures.discard(row) == []
        assert FailedEvent.objects.get().state == state


class TestDiscarding:
    def test_it_never_takes_effect_not_even_when_it_comes_again(self, db, heard, mend):
        body = told()
        (row,) = fail(body)
        assert failures.discard(row) == [row.id]
        mend()
        make_due()
        failures.retry_due()
        assert inbox.receive([body]) == [None]
        assert not Group.objects.exists()
        assert FailedEvent.objects.get().state == "discarded"

    def test_what_has_no_id_can_be_discarded(self, db, heard):
        (row,) = fail(b"{")
        assert failures.discard(row) == [row.id]


def test_what_was_settled_long_ago_is_purged_and_nothing_else(db, settings, heard):
    old, new, open_one = fail(told("poison1"), told("poison2"), told("poison3"))
    failures.discard(old)
    failures.discard(new)
    FailedEvent.objects.filter(id=old.id).update(settled_at=Now() - settings.OUTBOX_RETENTION - timedelta(minutes=1))
    FailedEvent.objects.filter(id=open_one.id).update(failed_at=Now() - timedelta(days=300))
    assert failures.purge() == 1
    assert set(FailedEvent.objects.values_list("id", flat=True)) == {new.id, open_one.id}


def test_what_mentions_an_erased_person_is_forgotten(db, heard):
    user_id = uuid7()
    fail(envelope(user_event(id=user_id, username="poison")), told())
    failures.forget(user_id)
    assert str(user_id).encode() not in bytes(FailedEvent.objects.get().body)


def test_the_end_of_an_erased_person_and_of_their_sign_ins_is_not_forgotten(db, heard, mend):
    user_id = uuid7()
    end = events.UserErased(id=user_id, version=2)
    revoked = events.SessionRevoked(id=uuid7(), version=1, user_id=user_id)
    failures.keep((envelope(event), RuntimeError("the database was busy")) for event in (end, revoked))
    failures.forget(user_id)
    assert set(FailedEvent.objects.values_list("type", flat=True)) == {"user.erased", "session.revoked"}
