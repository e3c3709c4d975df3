"""A real task_service, without web or broker, for a test of user_service: a process with a database of its own.

Its handlers are called without the inbox before them, so that what comes twice reaches them twice.
"""

import json
import os
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg

from local.settings import ROOT
from local.test import settings

DATABASE = "other_service"


class OtherService:
    """`ask("hear", envelope)` calls the function of that name below, and answers what it returned."""

    def __init__(self, server):
        parts = urlsplit(server)
        self.server = urlunsplit(parts._replace(path="/postgres"))
        self.url = urlunsplit(parts._replace(path=f"/{DATABASE}"))

    def __enter__(self):
        self._sql(f"DROP DATABASE IF EXISTS {DATABASE}", f"CREATE DATABASE {DATABASE}")
        environment = os.environ | settings(self.url, "") | {"DJANGO_SETTINGS_MODULE": "task_service.settings"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.other_service"],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()
        self._sql(f"DROP DATABASE {DATABASE}")

    def _sql(self, *statements):
        with psycopg.connect(self.server, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def ask(self, what, *arguments):
        self.process.stdin.write(json.dumps([what, arguments]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def hear(envelope):
    from common import inbox
    from common.cloudevents import decode_envelope, decode_event

    found = decode_envelope(envelope.encode())
    kind, handler = next((kind, handler) for kind, handler in inbox.handlers().items() if kind.type == found.type)
    handler(decode_event(kind, found))


def erase_committed():
    from task_service.erasure.services import erase_committed

    erase_committed()


def told(after):
    """[[id, envelope]] of what was published after the outbox row of that id."""
    from common.models import OutboxEvent

    rows = OutboxEvent.objects.filter(id__gt=after).order_by("id")
    return [[row.id, row.envelope] for row in rows]


def create(owner, *assignees):
    from task_service.tasks.services import create_task
    from task_service.user_mirror.models import User

    people = User.objects.in_bulk([owner, *assignees])
    task = create_task(by=people[UUID(owner)], assignees=[people[UUID(key)] for key in assignees], title="Task")
    return str(task.pk)


def hold(person, operator):
    """Say whether it could still be placed."""
    from django.core.exceptions import ValidationError

    from task_service.erasure.services import place_hold
    from task_service.user_mirror.models import User

    people = User.objects.in_bulk([person, operator])
    try:
        place_hold(person=people[UUID(person)], why="", by=people[UUID(operator)])
    except ValidationError:
        return False
    return True


def lift(person):
    from task_service.erasure.models import LegalHold
    from task_service.erasure.services import lift_holds

    lift_holds(holds=LegalHold.objects.filter(person=person))


def creators(*tasks):
    """{task: its creator}, without those that are gone."""
    from task_service.tasks.models import Task

    found = Task.objects.filter(pk__in=tasks).values_list("pk", "created_by")
    return {str(task): str(person) for task, person in found}


def state_of(erasure):
    from task_service.erasure.models import Erasure

    return Erasure.objects.get(pk=erasure).state


def name_of(person):
    from task_service.user_mirror.models import User

    return User.objects.get(pk=person).username


def serve():
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", verbosity=0)
    for line in sys.stdin:
        what, arguments = json.loads(line)
        with transaction.atomic():
            result = globals()[what](*arguments)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
