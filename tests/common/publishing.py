"""Events that are owed, and a publisher that does with them as a test says."""

from dataclasses import replace

from django.db import transaction

from common import outbox
from common.ids import uuid7
from common.models import OutboxEvent
from common.transport import CONFIRMED, Message


def publish(*told):
    with transaction.atomic():
        for event in told:
            outbox.publish(event)
    return OutboxEvent.objects.order_by("id")


def versions(event, first, last):
    return [replace(event, version=version) for version in range(first, last + 1)]


class FakePublisher:
    """`outcomes` maps an event's id to what becomes of it, confirmed without; `trouble` is raised."""

    def __init__(self):
        self.outcomes, self.sent, self.waits, self.trouble = {}, [], [], None

    def publish(self, messages):
        if self.trouble:
            raise self.trouble
        self.sent.append([message.id for message in messages])
        return {message.id: self.outcomes.get(message.id, CONFIRMED) for message in messages}

    def wait(self, seconds):
        self.waits.append(seconds)

    def close(self):
        pass


def message(body=b"{}", **more):
    return Message(**{"id": uuid7().hex, "type": "user.registered", "body": body} | more)
