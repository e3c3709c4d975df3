"""The broker as who is not one of us sees it, and what to put there."""

import pika

from common import broker, events
from tests.envelopes import envelope, user_event

TYPE = events.UserRegistered.type


def told(username="dora"):
    return envelope(user_event(username=username))


class Queues:
    """A service's queue and its dead letters."""

    def __init__(self, url, service):
        self.service = service
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel = self.connection.channel()

    def declare(self):
        broker.declare(self.channel, self.service, [TYPE])

    def count(self, queue=""):
        return self.channel.queue_declare(f"{self.service}{queue}", passive=True).method.message_count

    def take(self, queue=""):
        """The next message's properties and body, None if there is none."""
        method, properties, body = self.channel.basic_get(f"{self.service}{queue}", auto_ack=True)
        return (properties, body) if method else None

    def put(self, body, queue="", **properties):
        self.channel.basic_publish("", f"{self.service}{queue}", body, pika.BasicProperties(**properties))

    def delete(self, queue=""):
        self.channel.queue_delete(f"{self.service}{queue}")

    def clear(self):
        for queue in ("", ".dead"):
            self.delete(queue)
        self.connection.close()
