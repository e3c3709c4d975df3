import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection
from django.db.models.functions import Now

from common import events, inbox, outbox
from common.cloudevents import BadEvent
from common.ids import uuid7
from common.models import FailedEvent, InboxEvent, OutboxEvent
from tests.envelopes import envelope, user_event
from tests.waiting import wait_until, waiting_for_locks


def told(username="dora", **more):
    return envelope(user_event(username=username), **more)


def test_an_event_takes_effect(db, heard):
    assert inbox.receive([told()]) == [None]
    assert heard == ["dora"]
    assert InboxEvent.objects.get().type == "user.registered"


def test_twice_it_has_one_effect(db, heard):
    body = told()
    assert [inbox.receive([body]) for _ in range(3)] == [[None]] * 3
    assert heard == ["dora"]


def test_twice_in_one_batch_it_has_one_effect(db, heard):
    body = told()
    assert inbox.receive([body, told("emil"), body]) == [None, None, None]
    assert heard == ["dora", "emil"]


def test_a_batch_takes_effect_in_its_order(db, heard):
    names = [f"person{number}" for number in range(20)]
    inbox.receive([told(name) for name in names])
    assert heard == names


def test_an_empty_batch_is_fine(db, heard):
    assert inbox.receive([]) == []


def test_ten_deliveries_at_once_have_one_effect(transactional_db, heard, in_threads):
    body = told()
    assert in_threads(10, lambda _: inbox.receive([body])) == [[None]] * 10
    assert Group.objects.count() == 1
    assert InboxEvent.objects.count() == 1


def test_overlapping_batches_at_once_have_one_effect_each(transactional_db, heard, in_threads):
    bodies = [told(f"person{number}") for number in range(20)]
    batches = [bodies, bodies[::-1], bodies[5:], bodies[:15]]
    assert in_threads(4, lambda number: set(inbox.receive(batches[number]))) == [{None}] * 4
    assert Group.objects.count() == 20


def test_a_delivery_waits_for_the_same_one_and_takes_over_when_that_fails(transactional_db, monkeypatch, in_threads):
    body, calls = told(), []

    def fail_the_first_time(event):
        calls.append(event)
        if len(calls) == 1:
            wait_until(lambda: waiting_for_locks() == 1)
            raise RuntimeError("the first one fails")

    monkeypatch.setattr(inbox, "handlers", lambda: {events.UserRegistered: fail_the_first_time})
    results = [result[0] for result in in_threads(2, lambda _: inbox.receive([body]))]
    assert sorted(result is None for result in results) == [False, True]
    assert len(calls) == 2


class TestFailure:
    def test_a_handler_s_error_is_answered_and_leaves_nothing(self, db, heard):
        (error,) = inbox.receive([told("poison")])
        assert isinstance(error, RuntimeError)
        assert not InboxEvent.objects.exists()
        assert not Group.objects.exists()

    def test_what_failed_may_come_again_and_succeed(self, db, heard, monkeypatch):
        body = told("poison")
        inbox.receive([body])
        done = []
        monkeypatch.setattr(inbox, "handlers", lambda: {events.UserRegistered: done.append})
        assert inbox.receive([body]) == [None]
        assert len(done) == 1

    def test_a_poison_harms_no_other_of_its_batch(self, db, heard):
        errors = inbox.receive([told("dora"), told("poison"), told("emil"), b"{", told("frida")])
        assert [type(error) for error in errors] == [type(None), RuntimeError, type(None), BadEvent, type(None)]
        assert Group.objects.count() == InboxEvent.objects.count() == 3

    def test_an_error_of_the_database_in_a_handler_is_that_event_s_own(self, db, monkeypatch):
        monkeypatch.setattr(
            inbox, "handlers", lambda: {events.UserRegistered: lambda event: Group.objects.create(name=event.username)}
        )
        errors = inbox.receive([told("dora"), told("dora"), told("x" * 200), told("emil")])
        assert [error is None for error in errors] == [True, False, False, True]
        assert set(Group.objects.values_list("name", flat=True)) == {"dora", "emil"}

    def test_an_event_that_nothing_hears_is_bad(self, db, heard):
        (error,) = inbox.receive([envelope(user_event(events.UserUpdated))])
        assert isinstance(error, BadEvent)
        assert not InboxEvent.objects.exists()

    def test_data_that_breaks_the_contract_is_bad(self, db, heard):
        (error,) = inbox.receive([told().replace(b'"version":1', b'"version":"1"')])
        assert isinstance(error, BadEvent)
        assert not InboxEvent.objects.exists()

    def test_a_lost_connection_is_raised_and_all_may_come_again(self, transactional_db, monkeypatch):
        def lose_the_connection_once(event):
            Group.objects.create(name=event.username)
            if not lost.is_set():
                lost.set()
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

        lost, bodies = threading.Event(), [told("dora"), told("emil")]
        monkeypatch.setattr(inbox, "handlers", lambda: {events.UserRegistered: lose_the_connection_once})
        with pytest.raises(OperationalError):
            inbox.receive(bodies)
        assert not Group.objects.exists()
        assert inbox.receive(bodies) == [None, None]
        assert Group.objects.count() == 2


class TestFollowUps:
    @pytest.fixture(autouse=True)
    def _passes_on(self, monkeypatch):
        def pass_on(event):
            outbox.publish(user_event(events.UserUpdated, id=event.id))
            if event.username == "poison":
                raise RuntimeError("after its follow-up")

        monkeypatch.setattr(inbox, "handlers", lambda: {events.UserRegistered: pass_on})

    def test_a_follow_up_is_owed_with_the_effect(self, transactional_db):
        inbox.receive([told(request_id="request-0001")])
        assert '"requestid":"request-0001"' in OutboxEvent.objects.get().envelope

    def test_it_goes_when_the_effect_goes(self, transactional_db):
        inbox.receive([told("poison")])
        assert not OutboxEvent.objects.exists()


def test_old_rows_are_purged(db, settings, heard):
    inbox.receive([told(), told()])
    old = InboxEvent.objects.first()
    old.received_at = Now() - settings.INBOX_RETENTION - timedelta(days=1)
    old.save()
    assert inbox.purge() == 1
    assert InboxEvent.objects.count() == 1


class TestByHTTP:
    URL = "/internal/events/"

    @pytest.fixture
    def post(self, db, heard, client, settings):
        def send(body, authorization=f"Bearer {settings.SERVICE_CREDENTIAL}"):
            headers = {"authorization": authorization} if authorization else {}
            kind = "application/cloudevents-batch+json"
            return client.post(self.URL, body, content_type=kind, headers=headers)

        return send

    def batch(self, *bodies):
        return b"[" + b",".join(bodies) + b"]"

    def test_a_batch_takes_effect(self, post, heard):
        response = post(self.batch(told("dora"), told("emil")))
        assert response.status_code == 204
        assert heard == ["dora", "emil"]

    @pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong-credential-0", "Basic x", "Bearer \u00e9"])
    def test_without_the_credential_it_is_a_401(self, post, heard, given):
        response = post(self.batch(told()), given)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert heard == []

    def test_a_person_s_token_is_no_credential(self, post, alice, issuer, heard):
        assert post(self.batch(told()), f"Bearer {issuer.token(alice)}").status_code == 401

    def test_what_failed_is_kept_and_the_rest_is_done(self, post):
        event_id = uuid7()
        assert (
            post(self.batch(told(), told("poison", event_id=event_id), b'{"no": "event"}', told())).status_code == 204
        )
        kept = {row.event_id: (row.state, row.error) for row in FailedEvent.objects.all()}
        assert kept.keys() == {event_id, None}
        assert kept[event_id] == ("retrying", "RuntimeError: this handler fails")
        assert kept[None][0] == "dead"
        assert Group.objects.count() == 2

    def test_what_nobody_hears_is_done(self, post):
        assert post(self.batch(envelope(user_event(events.UserUpdated)))).status_code == 204
        assert not InboxEvent.objects.exists()
        assert not FailedEvent.objects.exists()

    def test_twice_it_has_one_effect(self, post, heard):
        body = self.batch(told())
        assert [post(body).status_code for _ in range(2)] == [204, 204]
        assert heard == ["dora"]

    @pytest.mark.parametrize("body", [b"", b"{", b"{}", b"1", b"\xff", b"null"])
    def test_what_is_no_batch_is_a_400(self, post, body):
        assert post(body).status_code == 400

    def test_it_is_a_post(self, post, client, settings):
        headers = {"authorization": f"Bearer {settings.SERVICE_CREDENTIAL}"}
        assert client.get(self.URL, headers=headers).status_code == 405
