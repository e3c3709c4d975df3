"""Events as they come from the other service."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from common import cloudevents, events
from common.ids import uuid7


def envelope(event, *, event_id=None, source="elsewhere", **context):
    return cloudevents.encode(
        event, event_id=event_id or uuid7(), source=source, time=datetime.now(UTC), context=context
    )


def task_event(kind=events.TaskCreated, **changes):
    now = datetime.now(UTC)
    return kind(
        **{
            "id": uuid7(),
            "version": 1,
            "title": "Paint the door",
            "description": "",
            "status": "todo",
            "priority": "none",
            "start_at": None,
            "due_at": None,
            "parent": None,
            "assignees": [],
            "created_by": uuid7(),
            "completed_at": None,
            "created_at": now,
            "updated_at": now,
            "deleted_at": None,
        }
        | changes
    )


def user_event(kind=events.UserRegistered, **changes):
    return kind(
        **{
            "id": uuid7(),
            "version": 1,
            "username": "dora",
            "display_name": "Dora",
            "is_active": True,
            "is_staff": False,
            "is_superuser": False,
        }
        | changes
    )


def api_token_event(kind=events.ApiTokenCreated, **changes):
    now = datetime.now(UTC)
    return kind(
        **{
            "id": uuid7(),
            "version": 1,
            "user_id": uuid7(),
            "name": "backup",
            "digest": sha256(uuid7().bytes).hexdigest(),
            "scopes": ["tasks:read"],
            "created_at": now,
            "expires_at": now + timedelta(days=30),
            "revoked_at": None,
        }
        | changes
    )
