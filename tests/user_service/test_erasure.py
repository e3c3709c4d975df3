"""The saga at its orchestrator: one decision, whatever comes in whatever order."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from structlog.testing import capture_logs

from common import events, inbox
from common.ids import uuid7
from common.models import OutboxEvent, Revocation
from tests.envelopes import envelope, task_event
from tests.user_service.erasing import REASON, done, hear, pass_deadline, prepared, refused, state_of, told
from user_service.erasure import services
from user_service.erasure.models import Erasure
from user_service.task_mirror.models import MirroredTask
from user_service.tokens import services as sessions
from user_service.tokens.models import Session
from user_service.users import services as users
from user_service.users.models import User


@pytest.fixture
def erasure(alice):
    return services.request_erasure(user=alice).erasure


def compensations():
    return {
        "refused": refused,
        "expired": lambda erasure: (pass_deadline(erasure), services.expire_overdue()),
        "cancelled": lambda erasure: services.cancel_erasure(erasure_id=erasure.id),
    }


def is_active(person):
    return User.objects.get(pk=person.pk).is_active


def test_a_request_locks_the_account_and_asks_in_one_transaction(alice):
    sessions.begin_session(user=alice)
    erasure = services.request_erasure(user=alice).erasure
    assert not is_active(alice)
    assert told(erasure.id) == [("erasure.requested", 1)]
    assert told(alice.id) == [("user.registered", 1), ("user.updated", 2)]
    assert Session.objects.get(user=alice).revoked_at is not None
    assert (erasure.deadline - erasure.requested_at).total_seconds() == 600


def test_the_key_itself_is_not_kept(alice):
    started = services.request_erasure(user=alice)
    assert started.key not in str(Erasure.objects.values().get())
    assert Erasure.objects.with_key(started.key).get() == started.erasure


def test_prepared_in_time_commits_and_done_deletes_the_person(alice, erasure):
    prepared(erasure)
    assert state_of(erasure) == "committed"
    assert User.objects.filter(pk=alice.pk).exists()
    done(erasure)
    assert state_of(erasure) == "done"
    assert not User.objects.filter(pk=alice.pk).exists()
    assert told(erasure.id) == [("erasure.requested", 1), ("erasure.committed", 2)]
    assert told(alice.id)[-1] == ("user.erased", 3)


def test_every_answer_twice_changes_nothing_more(alice, erasure):
    for _ in range(2):
        prepared(erasure)
    for _ in range(2):
        done(erasure)
    prepared(erasure)
    assert told(erasure.id) == [("erasure.requested", 1), ("erasure.committed", 2)]
    assert [kind for kind, _ in told(alice.id)].count("user.erased") == 1


def test_done_before_the_decision_is_not_taken(alice, erasure):
    done(erasure)
    assert state_of(erasure) == "requested"
    assert User.objects.filter(pk=alice.pk).exists()


@pytest.mark.parametrize("how", compensations())
def test_compensation_gives_the_account_back_and_tells_why(alice, erasure, password, api, how):
    compensations()[how](erasure)
    found = Erasure.objects.get(pk=erasure.pk)
    assert (found.state, found.committed_at) == (how, None)
    assert found.reason
    assert found.finished_at is not None
    assert told(erasure.id) == [("erasure.requested", 1), ("erasure.cancelled", 2)]
    assert told(alice.id)[-1] == ("user.updated", 3)
    mail = alice.mails.get()
    assert (mail.recipient, mail.subject) == (alice.email, "Your account was not erased")
    assert found.reason in mail.body
    assert "you may ask again" in mail.body
    credentials = {"username": "alice", "password": password}
    assert api.post("/api/v1/auth/token/", credentials).status_code == 200


def test_a_refusal_gives_its_reason(erasure):
    refused(erasure)
    assert Erasure.objects.get(pk=erasure.pk).reason == REASON


@pytest.mark.parametrize("how", compensations())
def test_a_late_prepared_is_told_again_that_it_is_off(alice, erasure, how):
    compensations()[how](erasure)
    prepared(erasure)
    assert state_of(erasure) == how
    assert is_active(alice)
    assert told(erasure.id)[1:] == [("erasure.cancelled", 2), ("erasure.cancelled", 3)]


def test_a_prepared_that_comes_before_the_schedule_notices_the_deadline_is_late_too(alice, erasure):
    pass_deadline(erasure)
    prepared(erasure)
    assert state_of(erasure) == "expired"
    assert is_active(alice)
    assert told(erasure.id) == [("erasure.requested", 1), ("erasure.cancelled", 2)]


@pytest.mark.parametrize("first", compensations())
@pytest.mark.parametrize("second", compensations())
def test_of_two_compensations_the_first_stands(erasure, first, second):
    compensations()[first](erasure)
    compensations()[second](erasure)
    assert state_of(erasure) == first
    assert len(told(erasure.id)) == 2


@pytest.mark.parametrize("how", compensations())
def test_what_is_committed_is_not_compensated(alice, erasure, how):
    prepared(erasure)
    compensations()[how](erasure)
    assert state_of(erasure) == "committed"
    assert not is_active(alice)


def test_before_the_deadline_nothing_expires(erasure):
    services.expire_overdue()
    assert state_of(erasure) == "requested"


def test_one_that_can_not_be_given_back_holds_up_nobody_else(register):
    people = [register(name) for name in ("alice", "bob", "charlie")]
    running = [services.request_erasure(user=person).erasure for person in people]
    for erasure in running:
        pass_deadline(erasure)
    User.objects.filter(pk=people[1].pk).delete()  # as no service does
    with capture_logs() as lines:
        services.expire_overdue()
    assert [state_of(erasure) for erasure in running] == ["expired", "requested", "expired"]
    failed = [line for line in lines if line["log_level"] == "error"]
    assert [(line["key"], line["exc_info"]) for line in failed] == [(str(running[1].pk), True)]


def test_whom_an_operator_had_locked_before_stays_locked(alice):
    users.update_user(user=alice, changes={"is_active": False})
    refused(services.request_erasure(user=alice).erasure)
    assert not is_active(alice)


def test_after_a_refusal_a_person_may_ask_again(alice, erasure):
    refused(erasure)
    again = services.request_erasure(user=alice).erasure
    prepared(again)
    done(again)
    assert (state_of(erasure), state_of(again)) == ("refused", "done")


def test_one_runs_at_a_time(alice, erasure):
    with pytest.raises(ValidationError) as refusal:
        services.request_erasure(user=alice)
    assert refusal.value.code == "being_erased"


def test_of_parallel_requests_one_starts(transactional_db, alice, in_threads):
    found = in_threads(8, lambda _: services.request_erasure(user=alice))
    assert len([each for each in found if isinstance(each, services.Started)]) == 1
    assert {type(each) for each in found} == {services.Started, ValidationError}


def test_of_a_decision_and_a_cancellation_at_once_one_wins(transactional_db, alice, in_threads):
    for _ in range(5):
        erasure = services.request_erasure(user=alice).erasure
        calls = [services.commit_erasure, services.cancel_erasure, services.commit_erasure, services.cancel_erasure]
        found = in_threads(4, lambda n, erasure=erasure, calls=calls: calls[n](erasure_id=erasure.id))
        assert not [each for each in found if isinstance(each, Exception)]
        if state_of(erasure) == "committed":
            assert not is_active(alice)
            return
        assert state_of(erasure) == "cancelled"
        assert is_active(alice)


@pytest.mark.parametrize("flags", [{"is_staff": True}, {"is_superuser": True}])
def test_an_operator_has_to_lose_their_rights_first(register, flags):
    olga = register("olga", **flags)
    with pytest.raises(ValidationError) as refusal:
        services.request_erasure(user=olga)
    assert refusal.value.code == "is_operator"
    assert is_active(olga)


@pytest.mark.parametrize(
    "impossible",
    [
        {"state": "refused"},  # and not finished
        {"state": "committed"},  # and no moment of it
        {"state": "done", "finished_at": Now()},  # and never committed
        {"state": "expired", "finished_at": Now(), "committed_at": Now()},
    ],
    ids=str,
)
def test_the_database_knows_no_state_between(erasure, impossible):
    with pytest.raises(IntegrityError), transaction.atomic():
        Erasure.objects.filter(pk=erasure.pk).update(**impossible)


def test_nothing_of_the_person_is_left(alice, erasure):
    sid = sessions.Session.objects.create(user=alice, expires_at=Now()).id
    prepared(erasure)
    done(erasure)
    assert Session.objects.count() == 0
    assert Revocation.objects.filter(pk=sid).exists()
    assert "alice" not in str(Erasure.objects.values().get())
    last = OutboxEvent.objects.filter(type="user.erased").get()
    assert "alice" not in last.envelope


def test_sending_again_repeats_what_the_state_asks_for_with_a_new_number(erasure):
    assert services.send_again(erasure_id=erasure.id)
    prepared(erasure)
    assert services.send_again(erasure_id=erasure.id)
    done(erasure)
    assert not services.send_again(erasure_id=erasure.id)
    kinds = ["requested", "requested", "committed", "committed"]
    assert told(erasure.id) == [(f"erasure.{kind}", number) for number, kind in enumerate(kinds, start=1)]


def test_an_answer_to_what_nobody_asked_is_an_error_that_shows(db, erasure):
    unknown = events.ErasurePrepared(id=uuid7(), version=1, user_id=uuid7())
    assert isinstance(inbox.receive([envelope(unknown)])[0], Erasure.DoesNotExist)


def test_a_task_that_was_erased_is_a_tombstone_here_whatever_comes_late(db):
    task = task_event(title="Secret")
    hear(events.TaskErased(id=task.id, version=2, erased_at=datetime.now(UTC)))
    hear(task)
    found = MirroredTask.objects.get()
    assert (found.version, found.title, found.people) == (2, "", [])
    assert found.deleted_at is not None
