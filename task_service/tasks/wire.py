"""The two hot reads, as JSON that PostgreSQL renders: a page of tasks and one task.

The ORM and the serializer cost four times what the query does. What is special here is held in one place: the columns
come from TaskSerializer's own fields, and a test compares every byte with what the serializer answers.
"""

from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from rest_framework import serializers

from task_service.tasks.serializers import TaskSerializer

FIRST = UUID(int=2**128 - 1)  # a page that starts after it starts with the newest
SOURCES = {
    "parent": "t.parent_id",
    "created_by": "t.created_by_id",
    "assignees": "ARRAY(SELECT a.user_id FROM tasks_participant a WHERE a.task_id = t.id AND a.is_assignee ORDER BY 1)",
}


class Row(NamedTuple):
    json: str
    id: UUID
    version: int


@cache
def select() -> str:
    """Return the query's head: every field of the serializer, in its order and its format."""
    columns = []
    for name, field in TaskSerializer().fields.items():
        source = SOURCES.get(name, f"t.{name}")
        if isinstance(field, serializers.DateTimeField):
            source = f"""to_char({source} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
        columns.append(f"{source} AS {name}")
    return (
        "SELECT row_to_json(wire)::text, t.id, t.version "  # noqa: S608 - names of fields
        "FROM tasks_participant p JOIN tasks_task t ON t.id = p.task_id "
        f"CROSS JOIN LATERAL (SELECT {', '.join(columns)}) wire WHERE p.user_id = %s AND t.deleted_at IS NULL "
    )


def newest(*, user_id: UUID, after: UUID, limit: int) -> list[Row]:
    """Return the person's tasks that come after the given one, newest first."""
    return _rows(f"AND p.task_id < %s ORDER BY p.task_id DESC LIMIT {limit:d}", [user_id, after])


def one(*, user_id: UUID, task_id: UUID) -> Row | None:
    return next(iter(_rows("AND p.task_id = %s", [user_id, task_id])), None)


def _rows(tail: str, parameters: list[UUID]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(select() + tail, parameters)
        # JavaScript once could not read these two in a string; DRF escapes them, PostgreSQL does not.
        return [
            Row(json.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"), task_id, version)
            for json, task_id, version in cursor.fetchall()
        ]
