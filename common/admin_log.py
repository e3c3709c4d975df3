"""What the admin's log holds about a person, as they may read it in their copy of all that is held about them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry


def about(entries: Iterable[LogEntry]) -> list[dict[str, Any]]:
    """What was done to them. Not by whom: that is somebody else's."""
    return [facts(entry) | {"message": entry.get_change_message()} for entry in entries]


def by(user_id: UUID) -> list[dict[str, Any]]:
    """What they did as an operator; what it was done to is there as an id: a name may be somebody else's."""
    return [facts(entry) for entry in LogEntry.objects.filter(user=user_id).order_by("id")]


def facts(entry: LogEntry) -> dict[str, Any]:
    kind = entry.content_type.model if entry.content_type else None
    action = entry.get_action_flag_display()
    return {"at": entry.action_time, "action": action, "kind": kind, "object_id": entry.object_id}
