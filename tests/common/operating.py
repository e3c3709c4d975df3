"""Events that went wrong, for the doors by which operators mend them."""

from common import failures, inbox
from common.models import FailedEvent, OutboxEvent
from tests.common.publishing import publish
from tests.envelopes import envelope, user_event


def fail(*usernames, **context):
    """Events of these people come, and each handler fails; they are dead at once."""
    bodies = [envelope(user_event(username=name), **context) for name in usernames]
    failures.keep(zip(bodies, inbox.receive(bodies), strict=True))
    FailedEvent.objects.update(state="dead", attempts=failures.MAX_ATTEMPTS, next_attempt_at=None)
    return list(FailedEvent.objects.order_by("id"))


def keep(body):
    """A body that is no event is kept as it came."""
    failures.keep(zip([body], inbox.receive([body]), strict=True))
    return FailedEvent.objects.order_by("id").last()


def park(count=1):
    publish(*(user_event() for _ in range(count)))
    OutboxEvent.objects.update(state="parked", attempts=10, error="too large", next_attempt_at="2026-01-01T00:00Z")
    return list(OutboxEvent.objects.order_by("id"))


def rows_of(direction):
    return {"incoming": FailedEvent, "outgoing": OutboxEvent}[direction].objects.order_by("id")


def go_wrong(direction, count=1):
    """So many want a person."""
    if direction == "outgoing":
        return park(count)
    return fail(*(f"poison{number}" for number in range(count)))
