"""What task_service says of an erasure, and how an erasure stands."""

from datetime import timedelta

from django.db.models.functions import Now

from common import events, inbox
from common.models import OutboxEvent
from tests.envelopes import envelope
from user_service.erasure.models import Erasure

REASON = "A legal hold keeps the data of this account."


def hear(event):
    assert inbox.receive([envelope(event)]) == [None]


def answer(kind, erasure, *, version=1, **fields):
    """task_service's answer, as a new message: the inbox does not know it yet."""
    hear(kind(id=erasure.id, version=version, user_id=erasure.user_id, **fields))


def prepared(erasure, **fields):
    answer(events.ErasurePrepared, erasure, **fields)


def refused(erasure, **fields):
    answer(events.ErasureRefused, erasure, reason=REASON, **fields)


def done(erasure, **fields):
    answer(events.ErasureDone, erasure, **{"version": 2} | fields)


def pass_deadline(erasure):
    Erasure.objects.filter(pk=erasure.pk).update(deadline=Now() - timedelta(seconds=1))


def state_of(erasure):
    return Erasure.objects.get(pk=erasure.pk).state


def told(aggregate_id):
    """[(type, version)] of what was published about it."""
    rows = OutboxEvent.objects.filter(aggregate_id=aggregate_id).order_by("id")
    return list(rows.values_list("type", "version"))
