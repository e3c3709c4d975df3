"""How a consumer starts, and in which order it settles: one of what it takes may kill it."""

import struct
import threading

import pika
import pytest

from common.broker.consumer import Delivery
from common.management.commands import consume_events
from common.models import FailedEvent
from tests.common.queues import told
from tests.waiting import wait_until

FRESH, AGAIN = Delivery(1, False, b"fresh"), Delivery(1, True, b"again")


@pytest.fixture
def taken(monkeypatch, queues, heard):
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


def test_dead_letters_are_kept_before_what_is_alive_is_taken(db, queues, heard, taken):
    queues.put(told("dead"), ".dead", headers={"x-death": [{"reason": "expired"}]})
    assert wait_until(lambda: queues.count(".dead") == 1)
    taken([[FRESH]])
    assert FailedEvent.objects.get().error == "DeadLetter: expired"


@pytest.mark.parametrize("headers", [None, {}, {"x-death": []}, {"x-death": "no list"}, {"x-death": ["no table"]}])
def test_whatever_its_headers_are_a_dead_letter_is_kept(db, queues, taken, headers):
    queues.put(told("dead"), ".dead", headers=headers)
    assert wait_until(lambda: queues.count(".dead") == 1)
    taken([[FRESH]])
    assert FailedEvent.objects.get().error == "DeadLetter: unknown"
    assert wait_until(lambda: queues.count(".dead") == 0)


def test_one_that_pika_can_t_read_holds_up_no_event(queues, consuming, heard, monkeypatch):
    far_off = struct.pack(">cQ", b"T", 1732464000000)  # in milliseconds, as some clients send it
    with monkeypatch.context() as patch:
        patch.setattr(pika.data, "encode_value", lambda pieces, value: pieces.append(far_off) or len(far_off))
        queues.put(told("dead"), ".dead", headers={"sent": "at"})
    queues.put(told("dora"))
    assert consuming(until=lambda: "dora" in heard) is None
