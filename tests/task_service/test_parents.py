"""A task's parent: one that the person sees, and never below the task itself."""

import pytest
from django.db import connection

from task_service.tasks.services import PARENTS_LOCK


def test_a_task_lies_below_its_parent_until_it_is_moved(alice):
    house, garden = alice.make(title="House"), alice.make(title="Garden")
    task = alice.make(title="Fence", parent=house["id"])
    assert task["parent"] == house["id"]
    assert alice.patch(task, {"parent": garden["id"]}).json()["parent"] == garden["id"]
    assert alice.patch(task, {"parent": None}).json()["parent"] is None


def test_a_strangers_task_can_not_be_a_parent(alice, bob, charlie, errors):
    house = alice.make(title="House", assignees=[str(bob.id)])
    for who, expected in ((alice, 201), (bob, 201), (charlie, 400)):
        assert who.create(parent=house["id"]).status_code == expected
    assert errors(charlie.patch(charlie.make(), {"parent": house["id"]})) == {"parent": "does_not_exist"}


def test_a_task_in_the_trash_can_not_become_a_parent(alice, errors):
    house, task = alice.make(title="House"), alice.make()
    alice.delete(house)
    assert errors(alice.create(parent=house["id"])) == {"parent": "does_not_exist"}
    assert errors(alice.patch(task, {"parent": house["id"]})) == {"parent": "does_not_exist"}


def test_a_task_keeps_a_parent_that_went_to_the_trash(alice):
    house = alice.make(title="House")
    task = alice.make(parent=house["id"])
    alice.delete(house)
    response = alice.patch(task, {"title": "New", "parent": house["id"]})
    assert (response.status_code, response.json()["parent"]) == (200, house["id"])


def test_bob_may_leave_the_task_below_a_parent_that_he_does_not_see(alice, bob, charlie):
    house = alice.make(title="House")
    task = alice.make(parent=house["id"], assignees=[str(bob.id)])
    changes = {"title": "New", "parent": house["id"]}
    assert [who.patch(task, changes).status_code for who in (alice, bob, charlie)] == [200, 200, 404]


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
def test_a_task_can_not_be_moved_below_itself(alice, errors, depth):
    chain = [alice.make()]
    for _ in range(depth):
        chain.append(alice.make(parent=chain[-1]["id"]))
    assert errors(alice.patch(chain[0], {"parent": chain[-1]["id"]})) == {"parent": "cycle"}
    assert errors(alice.put(chain[0], {"title": "x", "parent": chain[-1]["id"]})) == {"parent": "cycle"}
    assert alice.read(chain[0]).json() == chain[0]


def test_a_branch_may_be_moved_to_another(alice):
    root = alice.make()
    left, right = alice.make(parent=root["id"]), alice.make(parent=root["id"])
    assert alice.patch(left, {"parent": right["id"]}).status_code == 200
    assert alice.patch(right, {"parent": None}).status_code == 200
    assert alice.patch(root, {"parent": left["id"]}).status_code == 200


def test_a_ring_through_a_trashed_task_is_refused_too(alice, errors):
    top = alice.make()
    middle = alice.make(parent=top["id"])
    bottom = alice.make(parent=middle["id"])
    alice.delete(middle)
    assert errors(alice.patch(top, {"parent": bottom["id"]})) == {"parent": "cycle"}


@pytest.fixture
def _somebody_moves_a_task(db):
    """Another session holds the lock of those who move tasks."""
    with connection.copy().cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [PARENTS_LOCK])
        yield
        cursor.execute("SELECT pg_advisory_unlock(%s)", [PARENTS_LOCK])
        cursor.db.close()


def test_who_leaves_a_task_where_it_is_waits_for_nobody(alice, request):
    house = alice.make(title="House")
    task = alice.make(parent=house["id"])
    request.getfixturevalue("_somebody_moves_a_task")
    fields = {"title": "New", "parent": house["id"]}
    assert [alice.patch(task, fields).status_code, alice.put(task, fields).status_code] == [200, 200]
