"""How a consumer starts, and in which order it settles: one of what it takes may kill it."""

import threading

import pytest

from common import inbox
from common.broker.consumer import Delivery
from common.management.commands import consume_events
from common.models import FailedEvent
from tests.common.queues import told

FRESH, AGAIN = Delivery(1, False, b"fresh"), Delivery(1, True, b"again")
DEAD = Delivery(1, False, b"dead", death="delivery_limit")


@pytest.fixture
def taken(monkeypatch):
    """`taken(batches)` is what was settled at which prefetch, of these batches, each time that a consumer is opened."""

    def run(batches):
        seen, stopping = [], threading.Event()

        class Consumer:
            def __init__(self, *_, prefetch, **__):
                self.prefetch = prefetch

            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

            def batches(self, _stopping):
                while batches:
                    batch = batches.pop(0)
                    seen.append((self.prefetch, [delivery.body for delivery in batch]))
                    yield batch

            def ack(self, tag):
                pass

        monkeypatch.setattr(consume_events, "Consumer", Consumer)
        monkeypatch.setattr(consume_events, "settle", lambda batch: None)
        consume_events.consume(stopping)
        return seen

    return run


def test_messages_come_one_by_one_until_there_is_a_fresh_one(db, taken):
    assert taken([[AGAIN], [AGAIN], [FRESH], [FRESH]]) == [
        (1, [b"again"]),
        (1, [b"again"]),
        (1, [b"fresh"]),
        (consume_events.PREFETCH, [b"fresh"]),
    ]


def test_a_dead_letter_is_no_sign_that_the_killers_are_gone(db, taken):
    assert taken([[DEAD], [AGAIN, DEAD], [AGAIN]]) == [(1, [b"dead"]), (1, [b"again", b"dead"]), (1, [b"again"])]


def test_what_is_dead_is_kept_also_if_what_is_alive_kills_the_process(db, heard, monkeypatch):
    def die(bodies):
        raise SystemExit

    monkeypatch.setattr(inbox, "receive", die)
    with pytest.raises(SystemExit):
        consume_events.settle([Delivery(1, False, told("killer")), Delivery(2, False, told("dead"), death="expired")])
    assert FailedEvent.objects.get().error == "DeadLetter: expired"
