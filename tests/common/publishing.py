"""A publisher that does as a test says."""

from common.transport import CONFIRMED


class FakePublisher:
    """`outcomes` maps an event's type or id to what becomes of it; an exception is raised."""

    def __init__(self, **outcomes):
        self.outcomes, self.sent, self.waits, self.closed = outcomes, [], [], False
        self.trouble = None

    def publish(self, messages):
        if self.trouble:
            raise self.trouble
        self.sent.append([message.id for message in messages])
        return {message.id: self.outcomes.get(message.id, CONFIRMED) for message in messages}

    def wait(self, seconds):
        self.waits.append(seconds)

    def close(self):
        self.closed = True
