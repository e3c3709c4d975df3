from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from common.models import OutboxEvent
from user_service.tokens import services as sessions
from user_service.users import services
from user_service.users.models import User


@pytest.fixture
def ensure(monkeypatch, db):
    def run(username="olga", password="operator-secret-1", **options):
        monkeypatch.setenv("OPERATOR_USERNAME", username)
        monkeypatch.setenv("OPERATOR_PASSWORD", password)
        said = StringIO()
        call_command("ensure_operator", stdout=said, **options)
        return said.getvalue().strip()

    return run


def test_it_makes_an_operator_who_is_published(ensure):
    assert ensure() == "made: olga"
    operator = User.objects.get()
    assert operator.is_staff
    assert operator.is_superuser
    assert operator.check_password("operator-secret-1")
    assert '"is_superuser":true' in OutboxEvent.objects.get().envelope


def test_a_second_run_changes_nothing(ensure):
    ensure()
    assert ensure("OLGA") == "there: OLGA"
    assert User.objects.get().version == 1


def test_what_another_operator_took_is_not_given_back_by_a_start(ensure):
    ensure()
    services.update_user(user=User.objects.get(), changes={"is_active": False, "is_staff": False})
    ensure(password="operator-secret-2")
    operator = User.objects.get()
    assert (operator.is_active, operator.is_staff) == (False, False)
    assert operator.check_password("operator-secret-1")


def test_a_reset_gives_rights_back_and_sets_the_password(ensure):
    ensure()
    services.update_user(user=User.objects.get(), changes={"is_active": False, "is_staff": False})
    assert ensure(password="operator-secret-2", reset=True) == "reset: olga"
    operator = User.objects.get()
    assert (operator.is_active, operator.is_staff) == (True, True)
    assert operator.check_password("operator-secret-2")


def test_it_needs_name_and_password(ensure):
    with pytest.raises(CommandError, match="OPERATOR_PASSWORD"):
        ensure(password="")


@pytest.mark.parametrize("username", ["olga@example.org", "two words", "x" * 151])
def test_a_name_that_nobody_could_register_is_refused(ensure, username):
    with pytest.raises(CommandError, match="OPERATOR_USERNAME"):
        ensure(username)
    assert not User.objects.exists()


def test_a_reset_ends_all_sign_ins(ensure):
    ensure()
    pair = sessions.begin_session(user=User.objects.get())
    ensure(reset=True)
    with pytest.raises(sessions.RefreshRefused):
        sessions.renew_session(refresh=pair.refresh)


def test_another_start_ends_none(ensure):
    ensure()
    pair = sessions.begin_session(user=User.objects.get())
    ensure()
    assert sessions.renew_session(refresh=pair.refresh)


def test_a_lookalike_is_somebody_else(ensure, register):
    register("bo\u017fs")  # a long s, whose capital is S
    assert ensure("boss") == "made: boss"
