"""What task_service tells of a person, and an export on its way."""

import json
import zlib
from datetime import timedelta

from django.db.models import F

from common import events
from tests.user_service.erasing import hear
from user_service.exports import services
from user_service.exports.models import Export

URL = "/api/v1/users/me/export/"
ARCHIVE = f"{URL}?format=zip"
GATHERED = {"tasks": [{"title": "Buy milk"}], "known_to_tasks": [], "legal_holds": []}


def pieces(count=3):
    data = zlib.compress(json.dumps(GATHERED).encode())
    size = len(data) // count + 1
    return [data[start : start + size] for start in range(0, len(data), size)]


def deliver(export_id, numbers, count=3):
    for number in numbers:
        data = pieces(count)[number - 1]
        hear(events.ExportPart(id=export_id, version=number, parts=count, data=data))


def gather(export):
    deliver(export.pk, [1, 2, 3])
    services.make_archives()


def ask_earlier(**span):
    Export.objects.update(requested_at=F("requested_at") - timedelta(**span))
