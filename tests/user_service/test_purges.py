"""What user_service deletes by itself: a bounded number of rows at a time, by an index where there may be many."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.db import connection
from django.db.models.functions import Now

from common import api_tokens, idempotency, revocations
from common.ids import uuid7
from common.models import ApiToken, IdempotencyKey, Revocation
from tests.envelopes import api_token_event
from user_service.erasure.models import Erasure
from user_service.exports import services as exports
from user_service.exports.models import Export
from user_service.lockout import services as lockout
from user_service.mail import services as mail
from user_service.mail.models import OutgoingMail
from user_service.schedule import SCHEDULE
from user_service.tokens import services as tokens
from user_service.tokens.models import Session

OLD = Now() - timedelta(days=60)


def old_sessions(people):
    for person in people:
        Session.objects.create(user=person, expires_at=OLD)


def old_mails(people):
    for person in people:
        OutgoingMail.objects.create(person=person, recipient=person.email, subject="x", created_at=OLD, state="failed")


def old_attempts(people):
    for person in people:
        AccessAttempt.objects.create(username=person.username, failures_since_start=1)
    AccessAttempt.objects.update(attempt_time=OLD)


def old_exports(people):
    for person in people:
        Export.objects.create(user=person, expires_at=OLD)


def old_api_tokens(people):
    for person in people:
        facts = vars(api_token_event(user_id=person.id))
        ApiToken.objects.create(**facts | {"expires_at": OLD})


def old_revocations(people):
    Revocation.objects.bulk_create(Revocation(id=uuid7(), created_at=OLD) for _ in people)


def old_idempotency_keys(people):
    for person in people:
        IdempotencyKey.objects.create(digest=person.id.hex, user=person, created_at=OLD)


PURGES = {
    tokens.purge_sessions: old_sessions,
    mail.purge: old_mails,
    lockout.purge_attempts: old_attempts,
    exports.purge_exports: old_exports,
    api_tokens.purge: old_api_tokens,
    revocations.purge: old_revocations,
    idempotency.purge: old_idempotency_keys,
}


@pytest.mark.parametrize(("purge", "make"), PURGES.items(), ids=lambda each: each.__qualname__)
def test_a_purge_takes_no_more_than_asked_for(alice, bob, charlie, purge, make):
    make([alice, bob, charlie])
    assert [purge(2), purge(2), purge(2)] == [2, 1, 0]


def test_what_one_turn_leaves_goes_within_minutes():
    minute = timedelta(minutes=1)
    scheduled = {job.do: job.every for job in SCHEDULE if job.do in PURGES}
    assert scheduled == {purge: minute for purge in PURGES if purge.__module__.startswith("user_service.")}


@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (lambda: Session.objects.ended_before(OLD), "session_ended"),
        (lambda: OutgoingMail.objects.filter(created_at__lt=OLD), "mail_created"),
        (lambda: Export.objects.expired(), "exports_expiry"),
        (lambda: Export.objects.gathered(), "exports_gathered"),
        (lambda: ApiToken.objects.filter(expires_at__lt=OLD), "api_token_expiry"),
        (lambda: Revocation.objects.filter(created_at__lt=OLD), "revocation_created"),
        (lambda: IdempotencyKey.objects.filter(created_at__lt=OLD), "idempotency_key_created"),
        (lambda: Erasure.objects.overdue(), "erasure_overdue"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_an_index_leads_to_what_is_due(db, rows, index):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # as in a table that is not empty
        cursor.execute("DROP INDEX erasure_one_running")  # costs the same in one that is
    assert index in rows().explain()
