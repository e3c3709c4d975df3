"""A person's copy of all that is held about them: asked for, gathered over events, kept for a day."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from rest_framework.exceptions import Throttled

from common import events, outbox
from common.process import for_each
from common.purges import delete_some
from user_service.exports.archive import archive
from user_service.exports.models import Archive, Export, Part
from user_service.users.models import User

State = Export.State
ANEW_AFTER = timedelta(minutes=5)


def request_export(*, user: User) -> Export:
    """Ask the others for what they hold. While one is running it is the one; one that has ended is replaced.

    Raises Throttled while that one is younger than ANEW_AFTER.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        last = Export.objects.alive().filter(user=user)
        if running := last.filter(state=State.REQUESTED).first():
            return running
        age = last.values_list(Now() - F("requested_at"), flat=True).first()
        if age is not None and age < ANEW_AFTER:
            raise Throttled((ANEW_AFTER - age).total_seconds(), "You have asked for a copy just now.")
        Export.objects.filter(user=user).delete()
        export = Export.objects.create(user=user)
        outbox.publish(events.ExportRequested(id=export.pk, version=1, user_id=user.pk))
    return export


def keep_part(*, export_id: UUID, number: int, parts: int, data: bytes) -> None:
    """Keep a piece; after the last one to come the archive can be made. Who is gone, or has all, needs none."""
    with transaction.atomic():
        waiting = Export.objects.filter(pk=export_id, state=State.REQUESTED, gathered_at=None)
        export = waiting.select_for_update(no_key=True).first()
        if export is None:
            return
        Part.objects.bulk_create([Part(export=export, number=number, data=data)], ignore_conflicts=True)
        if export.parts.count() == parts:
            Export.objects.filter(pk=export.pk).update(gathered_at=Now())


def fail_export(*, export_id: UUID) -> None:
    """There will be no parts."""
    Export.objects.filter(pk=export_id, state=State.REQUESTED, gathered_at=None).update(state=State.FAILED)


def make_archives() -> None:
    """Here and not as it is fetched, nor in the consumer: it takes seconds where somebody has much."""
    for_each(list(Export.objects.gathered().order_by("id").values_list("id", flat=True)), make_archive)


def make_archive(export_id: UUID) -> None:
    """Make the ZIP, once. No row is locked meanwhile; if the export is gone at the end, so is the ZIP.

    What fails will fail again: the person is told, and may ask anew.
    """
    export = Export.objects.gathered().filter(pk=export_id).select_related("user").first()
    if export is None:
        return
    try:
        data = archive(export)
    except Exception:
        _end(export, State.FAILED)
        raise
    with transaction.atomic():
        if _end(export, State.READY, ready_at=Now()):
            Archive.objects.create(export=export, data=data)


def _end(export: Export, state: Export.State, **fields: Any) -> bool:
    """Leave the parts behind; say whether the export was still there."""
    with transaction.atomic():
        ended = Export.objects.gathered().filter(pk=export.pk).update(state=state, **fields)
        export.parts.all().delete()
    return bool(ended)


def purge_exports(limit: int = 500) -> int:
    """Delete what has expired, at most `limit` with their parts, which are megabytes; return how many rows."""
    return delete_some(Export.objects.expired(), limit)
