"""A sign-in that was ended: its access tokens are refused, and nobody else pays for it."""

import pytest
from django.db import OperationalError, ProgrammingError
from django.db.models import F

from common import revocations
from common.ids import uuid7
from common.models import Revocation
from tests.answers import assert_problem

URL = "/api/who/"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """As in a process that has just started."""
    found = revocations.Revocations()
    monkeypatch.setattr("common.authentication.revoked", found)
    return found


@pytest.fixture
def ask(api):
    return lambda token: api.get(URL, headers={"authorization": f"Bearer {token}"})


def test_a_token_of_an_ended_sign_in_is_refused_also_one_that_was_good(alice, issuer, ask, fresh):
    ended, other = uuid7(), uuid7()
    tokens = [issuer.token(alice, sid=str(sid)) for sid in (ended, other)]
    assert [ask(token).status_code for token in tokens] == [200, 200]
    revocations.revoke([ended])
    fresh.refresh()
    assert_problem(ask(tokens[0]), 401, "token_not_valid")
    assert ask(tokens[1]).status_code == 200


def test_a_cookie_of_an_ended_sign_in_signs_nobody_in(alice, issuer, api, fresh):
    sid = uuid7()
    api.cookies["tandem_access"] = issuer.token(alice, sid=str(sid))
    revocations.revoke([sid])
    fresh.refresh()
    assert_problem(api.get(URL), 401, "not_authenticated")


def test_checking_costs_no_query(alice, issuer, api, django_assert_num_queries, fresh):
    revocations.revoke([uuid7()])
    fresh.refresh()
    from common.authentication import verify

    with django_assert_num_queries(0):
        verify(issuer.token(alice).encode())


def test_it_may_be_said_twice(db):
    sid = uuid7()
    revocations.revoke([sid])
    revocations.revoke([sid])
    assert Revocation.objects.count() == 1


def age(**interval):
    from datetime import timedelta

    Revocation.objects.update(created_at=F("created_at") - timedelta(**interval))


def test_a_process_that_starts_knows_what_was_ended_before(db, fresh):
    sid = uuid7()
    revocations.revoke([sid])
    age(minutes=10)
    fresh.refresh()
    assert str(sid) in fresh


def test_a_row_that_was_committed_late_is_seen(db, fresh):
    fresh.refresh()
    sid = uuid7()
    revocations.revoke([sid])
    age(seconds=50)
    fresh.refresh()
    assert str(sid) in fresh


def test_what_was_missed_while_the_database_was_away_is_seen_afterwards(db, fresh, monkeypatch):
    fresh.refresh()
    rounds = iter([OperationalError("away"), ProgrammingError("no such table yet"), None])

    class Over(BaseException):
        pass

    real = fresh.refresh

    def refresh():
        error = next(rounds, Over())
        if error:
            raise error
        real()

    monkeypatch.setattr(fresh, "refresh", refresh)
    monkeypatch.setattr(revocations.connection, "close", lambda: None)
    monkeypatch.setattr(revocations, "POLL_SECONDS", 0)
    sid = uuid7()
    revocations.revoke([sid])
    age(minutes=5)
    with pytest.raises(Over):
        fresh._follow()
    assert str(sid) in fresh


def test_it_is_forgotten_when_its_tokens_have_run_out(db, fresh):
    sid = uuid7()
    revocations.revoke([sid])
    fresh.refresh()
    age(minutes=20)
    assert revocations.purge() == 0
    age(minutes=2)
    assert revocations.purge() == 1
    fresh.refresh()
    assert str(sid) not in fresh
