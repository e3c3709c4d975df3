from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from common.models import OutboxEvent
from user_service.users import services
from user_service.users.models import User


@pytest.fixture
def ensure(monkeypatch, db):
    def run(username="olga", password="operator-secret-1"):
        monkeypatch.setenv("OPERATOR_USERNAME", username)
        monkeypatch.setenv("OPERATOR_PASSWORD", password)
        said = StringIO()
        call_command("ensure_operator", stdout=said)
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


def test_it_gives_rights_back_and_sets_the_password(ensure):
    ensure()
    services.update_user(user=User.objects.get(), changes={"is_active": False, "is_staff": False})
    ensure(password="operator-secret-2")
    operator = User.objects.get()
    assert (operator.is_active, operator.is_staff) == (True, True)
    assert operator.check_password("operator-secret-2")


def test_it_needs_name_and_password(ensure):
    with pytest.raises(CommandError, match="OPERATOR_PASSWORD"):
        ensure(password="")
