"""Who does which shards: processes are threads here, each with a database session of its own."""

import threading

import pytest
from django.db import connection

from common import shards
from common.shards import Shards

KIND, COUNT = 4711, 16


class Member:
    """A process of its own; `held()` is what it holds after one more look."""

    def __init__(self):
        self.asked, self.answered, self.alive = threading.Event(), threading.Event(), True
        self.thread = threading.Thread(target=self.live)
        self.thread.start()

    def live(self):
        mine = Shards(KIND, COUNT, session_settings="SET enable_seqscan = off")
        while self.asked.wait() and self.alive:
            self.asked.clear()
            self.found = mine.held()
            self.answered.set()
        connection.close()

    def held(self):
        self.answered.clear()
        self.asked.set()
        assert self.answered.wait(10)
        return self.found

    def end(self):
        self.alive = False
        self.asked.set()
        self.thread.join(10)


@pytest.fixture
def member(transactional_db, monkeypatch):
    """`member()` is one more; each looks at the others whenever it is asked."""
    monkeypatch.setattr(shards, "LOOK_SECONDS", 0)
    members = []

    def join():
        members.append(Member())
        return members[-1]

    yield join
    for each in members:
        each.end()


def settled(*members):
    """After two looks each has given up and taken what it should."""
    for _ in range(2):
        for each in members:
            each.held()
    return [each.held() for each in members]


def test_one_alone_does_everything(member):
    assert member().held() == list(range(COUNT))


@pytest.mark.parametrize("number", [2, 3, 5])
def test_all_that_live_share_the_work_evenly_and_nothing_is_done_twice(member, number):
    members = [member() for _ in range(number)]
    parts = settled(*members)
    assert sorted(shard for part in parts for shard in part) == list(range(COUNT))
    assert max(map(len, parts)) <= -(-COUNT // number)


def test_at_no_moment_are_two_at_the_same_one(member):
    first, second = member(), member()
    before = first.held()
    assert second.held() == []
    assert set(first.held()) < set(before)
    assert not set(second.held()) & set(first.held())


def test_who_ends_is_replaced_at_the_next_look(member):
    first, second, third = members = [member() for _ in range(3)]
    settled(*members)
    second.end()
    parts = settled(first, third)
    assert sorted(shard for part in parts for shard in part) == list(range(COUNT))


def test_who_comes_late_where_there_are_enough_stands_by(member):
    members = [member() for _ in range(COUNT + 1)]
    parts = settled(*members)
    assert sorted(map(len, parts)) == [0] + [1] * COUNT


def test_who_lost_its_session_has_lost_its_shards(transactional_db, monkeypatch, member):
    monkeypatch.setattr(shards, "LOOK_SECONDS", 0)
    mine = Shards(KIND, COUNT, session_settings="SET enable_seqscan = off")
    assert mine.held() == list(range(COUNT))
    connection.close()
    other = member()
    assert other.held() == list(range(COUNT))
    assert mine.held() == []
    connection.close()


def test_between_two_looks_nothing_is_asked(transactional_db, django_assert_num_queries):
    mine = Shards(KIND, COUNT, session_settings="SET enable_seqscan = off")
    mine.held()
    with django_assert_num_queries(0):
        assert mine.held() == list(range(COUNT))
    connection.close()
