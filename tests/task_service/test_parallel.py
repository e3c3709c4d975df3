"""Requests at the same moment, each in its own thread and transaction."""

import pytest

from common.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


def statuses(responses):
    return sorted(getattr(response, "status_code", response) for response in responses)


def test_parallel_patches_of_different_fields_lose_nothing(alice, in_threads):
    task = alice.make()
    changes = [
        {"title": "New"},
        {"description": "New"},
        {"priority": "high"},
        {"due_at": "2030-05-01T12:00:00.000000Z"},
    ]
    answers = in_threads(4, lambda number: alice.patch(task, changes[number]))
    assert statuses(answers) == [200] * 4
    after = alice.read(task).json()
    for change in changes:
        assert after == after | change
    assert after["version"] == 5


def test_of_parallel_patches_with_one_etag_one_wins(alice, in_threads):
    task = alice.make()
    answers = in_threads(4, lambda number: alice.patch(task, {"title": f"By {number}"}, if_match='"1"'))
    assert statuses(answers) == [200, 412, 412, 412]
    assert alice.read(task).json()["version"] == 2


def test_parallel_changes_are_told_in_the_order_of_their_versions(alice, in_threads, told):
    task = alice.make()
    in_threads(4, lambda number: [alice.patch(task, {"title": f"By {number}.{turn}"}) for turn in range(3)])
    assert [event["data"]["version"] for event in told(task)] == list(range(1, 14))


def test_parallel_completions_are_one(alice, bob, in_threads, told):
    task = alice.make(assignees=[str(bob.id)])
    answers = in_threads(4, lambda number: (alice, bob)[number % 2].act(task, "complete"))
    assert statuses(answers) == [200] * 4
    assert [event["type"] for event in told(task)] == ["task.created", "task.completed"]


def test_of_parallel_deletes_one_finds_the_task(alice, in_threads, told):
    task = alice.make()
    assert statuses(in_threads(4, lambda _: alice.delete(task))) == [204, 404, 404, 404]
    assert [event["type"] for event in told(task)] == ["task.created", "task.deleted"]


def test_a_change_that_meets_a_delete_is_done_or_not_found(alice, in_threads, told):
    for _ in range(5):
        task = alice.make()
        requests = [lambda task=task: alice.delete(task), lambda task=task: alice.patch(task, {"title": "New"})]
        deleted, patched = in_threads(2, lambda number, requests=requests: requests[number]())
        assert (deleted.status_code, patched.status_code) in ((204, 200), (204, 404))
        assert told(task)[-1]["type"] == "task.deleted"


def test_two_moves_at_once_never_close_a_ring(alice, in_threads):
    for _ in range(5):
        tasks = [alice.make(title="A"), alice.make(title="B")]

        def move(number, tasks=tasks):
            return alice.patch(tasks[number], {"parent": tasks[1 - number]["id"]})

        assert statuses(in_threads(2, move)) == [200, 400]
        parents = [alice.read(task).json()["parent"] for task in tasks]
        assert sorted(parent is None for parent in parents) == [False, True]


def test_a_child_can_be_added_while_its_parent_changes(alice, in_threads):
    parent = alice.make()
    for turn in range(5):
        requests = [
            lambda turn=turn: alice.patch(parent, {"title": f"Turn {turn}"}),
            lambda: alice.create(parent=parent["id"]),
        ]
        assert statuses(in_threads(2, lambda number, requests=requests: requests[number]())) == [200, 201]


def test_swaps_of_assignees_at_once_end_as_one_of_them(alice, bob, charlie, in_threads):
    task = alice.make()
    people = [[str(bob.id), str(charlie.id)], [str(charlie.id)], [str(bob.id)], []]
    answers = in_threads(4, lambda number: alice.patch(task, {"assignees": people[number]}))
    assert set(statuses(answers)) == {200}
    after = alice.read(task).json()["assignees"]
    assert after in [sorted(group) for group in people]
    sees = {str(who.id) for who in (bob, charlie) if who.read(task).status_code == 200}
    assert sees == set(after)


def test_a_person_unknown_here_makes_tasks_in_parallel(stranger_here, in_threads):
    dora = stranger_here("dora")
    assert statuses(in_threads(4, lambda _: dora.create())) == [201] * 4
    assert OutboxEvent.objects.filter(type="task.created").count() == 4
