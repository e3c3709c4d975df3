"""A person's copy of all that is held about them: asked for, gathered over events, kept for a day."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from rest_framework.exceptions import Throttled

from common import events, outbox
from common.purges import delete_some
from user_service.exports.models import Export, Part
from user_service.users.models import User

State = Export.State
ANEW_AFTER = timedelta(minutes=5)


def request_export(*, user: User) -> Export:
    """Ask the others for what they hold. While one is running it is the one; a finished one is replaced.

    Raises Throttled while that one is younger than ANEW_AFTER.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        last = Export.objects.alive().filter(user=user)
        if running := last.filter(state=State.REQUESTED).first():
            return running
        age = last.values_list(Now() - F("requested_at"), flat=True).first()
        if age is not None and age < ANEW_AFTER:
            raise Throttled((ANEW_AFTER - age).total_seconds(), "Your last copy is still new: get that one.")
        Export.objects.filter(user=user).delete()
        export = Export.objects.create(user=user)
        outbox.publish(events.ExportRequested(id=export.pk, version=1, user_id=user.pk))
    return export


def keep_part(*, export_id: UUID, number: int, parts: int, data: bytes) -> None:
    """Keep a piece; the last one to come makes the export ready. For an export that is gone there is nothing to do."""
    with transaction.atomic():
        export = Export.objects.select_for_update(no_key=True).filter(pk=export_id, state=State.REQUESTED).first()
        if export is None:
            return
        Part.objects.bulk_create([Part(export=export, number=number, data=data)], ignore_conflicts=True)
        if export.parts.count() == parts:
            Export.objects.filter(pk=export.pk).update(state=State.READY, ready_at=Now())


def purge_exports(limit: int = 500) -> int:
    """Delete what has expired, at most `limit` with their parts, which are megabytes; return how many rows."""
    return delete_some(Export.objects.expired(), limit)
