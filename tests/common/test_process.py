"""A long-running command ends on a signal, whenever it comes."""

import os
import signal
import time

import pytest

from common.process import stop_on_signals


@pytest.fixture
def stopping():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield stop_on_signals()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_it_waits_as_long_as_it_is_told_where_no_signal_comes(stopping):
    assert not stopping.wait(0.01)
    assert not stopping.is_set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait(stopping, number):
    signal.raise_signal(number)
    started = time.monotonic()
    assert stopping.wait(60)
    assert stopping.is_set()
    assert time.monotonic() - started < 30


@pytest.mark.timeout(20)
def test_signals_that_come_one_into_the_other_do_not_wait_for_each_other(stopping, monkeypatch):
    write, depth = os.write, iter([True, True])

    def interrupted(file, data):
        if next(depth, False):
            signal.raise_signal(signal.SIGTERM)
        return write(file, data)

    monkeypatch.setattr(os, "write", interrupted)
    signal.raise_signal(signal.SIGTERM)
    assert stopping.wait(60)
