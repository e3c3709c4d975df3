"""What task_service holds about a person, told in pieces that a broker carries easily."""

import zlib
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import BigIntegerField, Func, Sum
from django.db.models.functions import Concat

from common import admin_log, events, outbox
from common.models import ApiToken
from common.process import for_each
from task_service.erasure.models import Erasure, LegalHold
from task_service.erasure.services import log_about
from task_service.exports.models import ExportRequest
from task_service.tasks.models import Task
from task_service.tasks.services import event_of
from task_service.user_mirror.models import User

API_TOKEN = ["id", "name", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at"]
LIMIT = 256 * 1024 * 1024  # bytes of text in tasks: all of it is in memory, about three times
CHUNK = 2000  # tasks that are read at once
PIECE = 180 * 1024  # bytes; in an event they are base64, a third longer


def request_export(*, export_id: UUID, user_id: UUID) -> None:
    """Leave it to the schedule: what a person holds may be much, and other events, such as revocations, wait behind."""
    ExportRequest.objects.bulk_create([ExportRequest(id=export_id, user_id=user_id)], ignore_conflicts=True)


def tell_requested() -> None:
    for_each(list(ExportRequest.objects.order_by("id").values_list("id", flat=True)), tell_export)


def tell_export(export_id: UUID) -> None:
    """Publish everything about the person, all pieces in one transaction: they belong to one moment.

    Of who has more than LIMIT it is only told that it fails.
    """
    with transaction.atomic():
        request = ExportRequest.objects.select_for_update().filter(id=export_id).first()
        if request is None:
            return
        request.delete()
        if size_of_tasks(request.user_id) > LIMIT:
            outbox.publish(events.ExportFailed(id=export_id, version=1))
            return
        data = zlib.compress(msgspec.json.encode(gather(request.user_id)))
        pieces = [data[start : start + PIECE] for start in range(0, len(data), PIECE)]
        for number, piece in enumerate(pieces, start=1):
            outbox.publish(events.ExportPart(id=export_id, version=number, parts=len(pieces), data=piece))


def size_of_tasks(user_id: UUID) -> int:
    """In bytes, found by the database."""
    size = Func(Concat("title", "description"), function="octet_length", output_field=BigIntegerField())
    found = Task.objects.filter(participants__user=user_id).aggregate(size=Sum(size, default=0))
    return int(found["size"])


def gather(user_id: UUID) -> dict[str, Any]:
    """Return {file: rows}. A new table that holds something about people gets a line here.

    tests/task_service/test_what_is_held.py lists every table, and why some are left out.
    """
    tasks = Task.objects.filter(participants__user=user_id).order_by("id").prefetch_related("participants")
    return {
        "tasks": [event_of(events.TaskCreated, task) for task in tasks.iterator(chunk_size=CHUNK)],
        "known_to_tasks": [_known(user) for user in User.objects.filter(pk=user_id)],
        "api_tokens_in_tasks": list(ApiToken.objects.filter(user=user_id).order_by("id").values(*API_TOKEN)),
        "legal_holds": list(LegalHold.objects.filter(person=user_id).values("since")),
        "legal_holds_placed": list(LegalHold.objects.filter(placed_by=user_id).values("id", "since")),
        "erasures_in_tasks": list(Erasure.objects.filter(user_id=user_id).values("id", "state", "reason", "done_at")),
        "admin_log_in_tasks": {
            "about_you": admin_log.about(log_about(user_id=user_id).order_by("id")),
            "by_you": admin_log.by(user_id),
        },
    }


def _known(user: User) -> dict[str, Any]:
    fields = ["id", "username", "display_name", "is_active", "is_staff", "is_superuser", "version"]
    rights = user.user_permissions.values_list("content_type__app_label", "codename").order_by("id")
    groups = user.groups.values_list("name", flat=True).order_by("id")
    return {name: getattr(user, name) for name in fields} | {
        "permissions": [".".join(right) for right in rights],
        "groups": list(groups),
    }
