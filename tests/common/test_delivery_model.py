"""A model of outbox, relay, broker and inbox that may die between any two steps, and the laws that it can't do without.

Each process is a generator: a `yield` is where it may be killed, or stand still while the others go on.
"""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from common import outbox

AGGREGATES = range(3)
SETTINGS = settings(max_examples=150, stateful_step_count=40, deadline=None, database=None, derandomize=True)
UNTIL_IT_FAILS = settings(SETTINGS, max_examples=1000, phases=[Phase.generate], print_blob=False)


class Delivery:
    """The real thing in small. Each method that is a law of its own is broken by a class below."""

    def __init__(self):
        self.last_id = 0
        self.open, self.rows, self.sent, self.failing = [], [], set(), set()  # of the outbox
        self.versions, self.confirmed = {}, Counter()
        self.queue, self.full = [], False
        self.inbox, self.effects, self.applied = set(), Counter(), {key: [] for key in AGGREGATES}

    # --- A change and its event: one transaction, numbered under the lock of the aggregate's row

    def begin(self, aggregate):
        self.last_id += 1
        self.open.append(outbox.Due(self.last_id, self.last_id, "changed", aggregate, ""))

    def commit(self, row):
        self.open.remove(row)
        self.rows.append(row)
        self.versions[row.id] = 1 + sum(other.aggregate_id == row.aggregate_id for other in self.rows[:-1])

    # --- The relay

    def due(self):
        held = {row.aggregate_id: row.id for row in sorted(self.rows, reverse=True) if row.id in self.failing}
        pending = [row for row in sorted(self.rows) if row.id not in self.sent and row.id not in self.failing]
        return [row for row in pending if held.get(row.aggregate_id, row.id) >= row.id]

    def waves(self, rows):
        return outbox.waves(rows)

    def relay(self):
        held_back = set()
        for wave in self.waves(self.due()):
            going = [row for row in wave if row.aggregate_id not in held_back]
            yield from self.send_and_mark(going)
            held_back |= {row.aggregate_id for row in going if row.id in self.failing}

    def send_and_mark(self, rows):
        refused = yield from self.send(rows)
        yield
        self.mark(rows, refused)
        yield

    def send(self, rows):
        refused = set()
        for row in rows:
            if self.full:
                refused.add(row.id)
            else:
                self.queue.append(row)
                self.confirmed[row.id] += 1
            yield
        return refused

    def mark(self, rows, refused=frozenset()):
        self.failing |= refused
        self.sent |= {row.id for row in rows} - refused

    # --- The consumer

    def consume(self, unacked):
        yield
        self.take(unacked)
        yield
        unacked.clear()

    def take(self, batch):
        """Inbox rows and effects: one transaction."""
        for row in batch:
            if row.id not in self.inbox:
                self.inbox.add(row.id)
                self.effect(row)

    def effect(self, row):
        self.effects[row.id] += 1
        applied, version = self.applied[row.aggregate_id], self.versions[row.id]
        if self.is_news(applied, version):
            applied.append(version)

    def is_news(self, applied, version):
        return not applied or applied[-1] < version


class Machine(RuleBasedStateMachine):
    model = Delivery

    def __init__(self):
        super().__init__()
        self.all = self.model()
        self.relay, self.consumers = iter(()), {}

    @rule(aggregate=st.sampled_from(AGGREGATES), commits_at_once=st.booleans())
    def change(self, aggregate, commits_at_once):
        if aggregate not in {row.aggregate_id for row in self.all.open}:  # else it waits for the lock
            self.all.begin(aggregate)
            if commits_at_once:
                self.all.commit(self.all.open[-1])

    @precondition(lambda self: self.all.open)
    @rule(data=st.data(), commits=st.sampled_from([True, True, False]))
    def end_a_slow_change(self, data, commits):
        row = data.draw(st.sampled_from(self.all.open))
        self.all.commit(row) if commits else self.all.open.remove(row)

    @rule(steps=st.sampled_from([1, 2, 3, 20]))
    def let_the_relay_go_on(self, steps):
        for _ in range(steps):
            if next(self.relay, "over") == "over":
                self.relay = self.all.relay()

    @rule()
    def kill_the_relay(self):
        self.relay = iter(())

    @rule()
    def time_passes(self):
        self.all.failing.clear()

    @rule()
    def fill_or_empty_the_queue(self):
        self.all.full = not self.all.full

    @precondition(lambda self: self.all.queue)
    @rule(data=st.data(), consumer=st.sampled_from([1, 2]), steps=st.integers(0, 3))
    def deliver_in_any_order(self, data, consumer, steps):
        if consumer not in self.consumers:
            batch = data.draw(st.lists(st.sampled_from(self.all.queue), min_size=1, max_size=3, unique=True))
            for row in batch:
                self.all.queue.remove(row)
            self.consumers[consumer] = (batch, self.all.consume(batch))
            for _ in range(steps):
                self.let_a_consumer_go_on(consumer)

    @precondition(lambda self: self.consumers)
    @rule(consumer=st.sampled_from([1, 2]))
    def let_a_consumer_go_on(self, consumer):
        if consumer in self.consumers and next(self.consumers[consumer][1], "over") == "over":
            del self.consumers[consumer]

    @precondition(lambda self: self.consumers)
    @rule(consumer=st.sampled_from([1, 2]))
    def kill_a_consumer(self, consumer):
        """What it has not acked comes again."""
        unacked, _ = self.consumers.pop(consumer, ((), None))
        self.all.queue.extend(unacked)

    @precondition(lambda self: self.all.queue)
    @rule(data=st.data())
    def deliver_twice(self, data):
        self.all.queue.append(data.draw(st.sampled_from(self.all.queue)))

    @invariant()
    def nothing_has_two_effects(self):
        assert max(self.all.effects.values(), default=0) <= 1

    @invariant()
    def versions_increase(self):
        assert all(one < two for versions in self.all.applied.values() for one, two in pairwise(versions))

    @invariant()
    def an_aggregate_s_events_are_sent_in_their_order(self):
        for key in AGGREGATES:
            sent = [row.id in self.all.confirmed for row in sorted(self.all.rows) if row.aggregate_id == key]
            assert sent == sorted(sent, reverse=True)

    def teardown(self):
        """Heal, wait until quiet: then each event has had its effect, and each aggregate its last version."""
        for row in list(self.all.open):
            self.all.commit(row)
        self.all.full, self.relay = False, iter(())
        for consumer in (1, 2):
            self.kill_a_consumer(consumer)
        for _ in range(2):
            self.all.failing.clear()
            list(self.all.relay())
        batch, self.all.queue = self.all.queue, []
        list(self.all.consume(batch))
        assert self.all.effects.keys() == {row.id for row in self.all.rows}
        for key, applied in self.all.applied.items():
            assert applied[-1:] == [count for count in [self.count(key)] if count]
        self.nothing_has_two_effects()
        self.versions_increase()

    def count(self, key):
        return sum(row.aggregate_id == key for row in self.all.rows)


class MarkedBeforeTheConfirm(Delivery):
    def send_and_mark(self, rows):
        self.mark(rows)
        yield
        yield from self.send(rows)


class AckedBeforeTheCommit(Delivery):
    def consume(self, unacked):
        batch = list(unacked)
        unacked.clear()
        yield
        self.take(batch)


class SelectedByACursor(Delivery):
    def due(self):
        return [row for row in sorted(self.rows) if row.id > max(self.sent, default=0)]


class AllInOneWave(Delivery):
    def waves(self, rows):
        return [rows]

    def send(self, rows):
        """The queue has room again after the first."""
        refused = yield from super().send(rows[:1])
        self.full = False
        return refused | (yield from super().send(rows[1:]))


class NoInbox(Delivery):
    def take(self, batch):
        for row in batch:
            self.effect(row)


class EffectAndInboxApart(Delivery):
    def consume(self, unacked):
        for row in [row for row in unacked if row.id not in self.inbox]:
            self.effect(row)
        yield
        self.inbox |= {row.id for row in unacked}
        unacked.clear()


class WithoutVersions(Delivery):
    def is_news(self, applied, version):
        return True


def test_the_laws_are_enough():
    run_state_machine_as_test(Machine, settings=SETTINGS)


@pytest.mark.parametrize("broken", Delivery.__subclasses__())
def test_each_law_is_needed(broken):
    machine = type(broken.__name__, (Machine,), {"model": broken})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=UNTIL_IT_FAILS)
