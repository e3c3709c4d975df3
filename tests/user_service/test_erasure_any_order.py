"""Both services with their real databases, and a network between them that does what networks do.

Events are delivered in any order, some twice, some only at the end; meanwhile the deadline passes and operators meddle.
"""

import json
import os
from itertools import count

import pytest
from django.db.models.functions import Now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common import inbox
from common.cloudevents import decode_envelope, decode_event
from common.models import OutboxEvent
from tests.other_service import OtherService
from user_service.erasure import services
from user_service.erasure.models import Erasure
from user_service.users import services as users
from user_service.users.models import User

TERMINAL = {"done", "refused", "expired", "cancelled"}
NUMBERS = count()


@pytest.fixture(scope="module")
def task_service():
    with OtherService(os.environ["DATABASE_URL"]) as other:
        yield other


class World:
    """A person with a task of their own and one that is shared, on their way out."""

    def __init__(self, task_service):
        self.task_service = task_service
        self.mark = self.their_mark = 0
        self.in_flight, self.delivered, self.seen = [], [], []
        self.collect()
        self.in_flight.clear()  # of the examples before
        self.alice, self.bob = (self.register(name) for name in ("alice", "bob"))
        self.collect()
        self.deliver_all()
        self.private = task_service.ask("create", str(self.alice.pk))
        self.shared = task_service.ask("create", str(self.alice.pk), str(self.bob.pk))
        self.erasure = services.request_erasure(user=self.alice).erasure
        self.collect()

    def register(self, name):
        name = f"{name}-{next(NUMBERS)}"
        return users.register_user(username=name, email=f"{name}@example.org", password="correct-horse-9")

    def collect(self):
        """What was published since the last time is on its way."""
        for row in OutboxEvent.objects.filter(id__gt=self.mark).order_by("id"):
            self.mark = row.id
            if row.type != "session.revoked":
                self.in_flight.append(("task_service", row.envelope))
        for row_id, envelope in self.task_service.ask("told", self.their_mark):
            self.their_mark = row_id
            self.in_flight.append(("user_service", envelope))

    def hear(self, message):
        receiver, envelope = message
        if receiver == "task_service":
            assert self.task_service.ask("hear", envelope) is None
            return
        found = decode_envelope(envelope.encode())
        kind = next(kind for kind in inbox.handlers() if kind.type == found.type)
        inbox.handlers()[kind](decode_event(kind, found))

    def deliver(self, position):
        message = self.in_flight.pop(position % len(self.in_flight))
        self.delivered.append(message)
        self.hear(message)

    def deliver_all(self):
        self.task_service_looks(0)
        self.collect()
        while self.in_flight:
            self.deliver(0)
            self.task_service_looks(0)
            self.collect()

    # --- What may happen at any time

    def something_arrives(self, number):
        if self.in_flight:
            self.deliver(number)

    def something_arrives_again(self, number):
        if self.delivered:
            self.hear(self.delivered[number % len(self.delivered)])

    def the_deadline_passes(self, number):
        Erasure.objects.filter(pk=self.erasure.pk).update(deadline=Now())

    def the_schedule_looks(self, number):
        services.expire_overdue()

    def task_service_looks(self, number):
        self.task_service.ask("erase_committed")

    def an_operator_cancels(self, number):
        services.cancel_erasure(erasure_id=self.erasure.pk)

    def an_operator_sends_again(self, number):
        services.send_again(erasure_id=self.erasure.pk)

    def a_hold_is_placed(self, number):
        self.task_service.ask("hold", str(self.alice.pk), str(self.bob.pk))

    def a_hold_is_lifted(self, number):
        self.task_service.ask("lift", str(self.alice.pk))

    # --- What must be so

    def step(self, what, number):
        getattr(self, what)(number)
        self.collect()
        state = Erasure.objects.get(pk=self.erasure.pk).state
        if self.seen and self.seen[-1] in TERMINAL:
            assert state == self.seen[-1], "a terminal state is not left"
        self.seen.append(state)

    def check(self):
        state = Erasure.objects.get(pk=self.erasure.pk).state
        assert state in TERMINAL, state
        alice, bob = str(self.alice.pk), str(self.bob.pk)
        person = User.objects.filter(pk=self.alice.pk).first()
        found = self.task_service.ask("creators", self.private, self.shared)
        if state == "done":
            assert person is None
            assert found == {self.shared: bob}
            assert self.task_service.ask("name_of", alice) == ""
        else:
            assert person.is_active
            assert found == {self.private: alice, self.shared: alice}
            assert self.task_service.ask("name_of", alice) == self.alice.username
        theirs = self.task_service.ask("state_of", str(self.erasure.pk))
        assert theirs == ("done" if state == "done" else "cancelled")
        self.check_told()
        return state

    def check_that_old_news_are_no_news(self):
        """What task_service has heard before, in any order, it neither acts on nor answers."""
        for message in reversed([message for message in self.delivered if message[0] == "task_service"]):
            self.hear(message)
        self.collect()
        assert not self.in_flight
        self.check()

    def check_told(self):
        """Decided once, and then only repeated."""
        told = [json.loads(envelope)["type"] for _, envelope in self.delivered]
        assert not {"erasure.committed", "erasure.cancelled"} <= set(told)
        assert told.count("user.erased") <= 1


EVENTS = [
    *["something_arrives"] * 4,
    "something_arrives_again",
    "the_deadline_passes",
    "the_schedule_looks",
    "task_service_looks",
    "an_operator_cancels",
    "an_operator_sends_again",
    "a_hold_is_placed",
    "a_hold_is_lifted",
]


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 9)), max_size=25))
def test_it_ends_in_one_state_with_everything_there_or_everything_gone(task_service, happenings):
    world = World(task_service)
    for what, number in happenings:
        world.step(what, number)
    world.deliver_all()
    state = world.check()
    world.check_that_old_news_are_no_news()
    for message in list(world.delivered):
        world.hear(message)
    services.expire_overdue()
    world.collect()
    world.deliver_all()
    assert world.check() == state
