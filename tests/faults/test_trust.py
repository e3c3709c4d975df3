"""user_service goes away and signs with a new key under load, and a saga's participant answers too late."""

import pytest

from tests.system.leaving import check_there, ended, erase, make_tasks, pass_deadline
from tests.system.test_rotation import Load as SignedIn
from tests.system.test_rotation import folder, rotate_now  # noqa: F401 - `folder` is a fixture
from tests.system.test_tokens import Pen


def tasks_status(person, token):
    return person.get("/api/v1/tasks/", headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.usefixtures("folder")
def test_while_user_service_is_away_its_tokens_are_good_and_its_new_key_refuses_nobody(system, fault, alice):
    """When the new key signs is told in test_rotation."""
    with fault("user_service down, key rotated under load") as load:
        load.more(20)
        unseen = [Pen(system, alice.access).write(jti=f"unseen-{number}") for number in range(12)]
        with system.suspend("user_service.web"):
            assert {tasks_status(alice, token) for token in unseen} == {200}
            (_, old), (comes, new) = rotate_now(system)
            assert comes == "next"
        system.kill("task_service.web")
        system.heal()
        with SignedIn([system.register(name) for name in ("bob", "charlie")]) as signed_in:
            system.eventually(lambda: signed_in.kids[old] > 10, seconds=60)
            newest = min(system.data_dir.glob("signing_keys/*.pem"))
            newest.rename(newest.with_name("99991231T235959999999.pem"))
            system.eventually(lambda: signed_in.kids[new] > 20, seconds=60)
        assert signed_in.refused == []


def test_a_participant_that_answers_after_the_deadline_is_called_off_too(system, fault, alice, bob):
    tasks = make_tasks(system, alice, bob)
    with fault("saga: participant down past the deadline, answers late") as load:
        load.more(10)
        with system.suspend("task_service.relay"):
            where = erase(alice)
            prepared = "SELECT FROM erasure_erasure WHERE user_id = %s AND state = 'prepared'"
            system.eventually(lambda: system.sql("task_service", prepared, alice.id), seconds=30)
            pass_deadline(system, alice)
            assert ended(system, where)["state"] == "expired"
    assert ended(system, where)["state"] == "expired"
    check_there(system, alice, bob, tasks)
