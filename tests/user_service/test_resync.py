"""What a repair does where a source is not what it was, or has far less; tests/system/test_mirrors.py has the rest."""

from uuid import UUID

import pytest

from common import digests, drift, events, inbox, resync
from common.digests import Page
from common.drift import Difference
from common.mirrors import mirrors
from tests.envelopes import envelope, task_event
from user_service.task_mirror.models import MirroredTask


class FakeSource:
    def __init__(self, *told):
        self.told = told

    def page(self, start):
        return Page([], None)

    def rows(self, start, end):
        return []

    def events(self, ids):
        return [event for event in self.told if event.id in ids]


@pytest.fixture
def mirror():
    return mirrors()["tasks"]


def hear(*told):
    assert inbox.receive([envelope(event) for event in told]) == [None] * len(told)


def states():
    return set(MirroredTask.objects.not_erased().values_list("id", "version"))


def test_what_was_buried_while_its_source_lacked_it_comes_back_with_it(db, mirror):
    task = task_event(events.TaskUpdated, version=3)
    hear(task)
    resync.mend(mirror, FakeSource(), [Difference(task.id, 3, None)])
    assert states() == set()
    resync.mend(mirror, FakeSource(task), [Difference(task.id, None, 3)])
    assert states() == {(task.id, 3)}


def test_a_tombstone_that_comes_while_a_repair_asks_stays(db, mirror):
    task = task_event(events.TaskUpdated, version=3)

    class Erasing(FakeSource):
        def events(self, ids):
            hear(events.TaskErased(id=task.id, version=4, erased_at=task.created_at))
            return super().events(ids)

    resync.mend(mirror, Erasing(task), [Difference(task.id, None, 3)])
    assert states() == set()
    assert MirroredTask.objects.get().version == 4


def test_where_far_more_is_here_than_there_all_of_it_is_found(db, mirror, monkeypatch):
    for module in (digests, drift):
        monkeypatch.setattr(module, "ROWS", 2)
    ids = [UUID(int=number) for number in range(1, 14)]
    hear(*(task_event(id=key) for key in ids))
    found = list(drift.windows(mirror, FakeSource()))
    assert set.union(*(window.differing for window in found)) == set(ids)
    assert [window.is_last for window in found] == [False] * (len(found) - 1) + [True]
