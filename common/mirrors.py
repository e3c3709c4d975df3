"""Mirrors: rows that another service owns, kept from its events."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection
from django.db.models import Model, QuerySet
from django.utils.module_loading import import_string

from common.digests import Comparable
from common.events import Event

Condition = Callable[[str, Sequence[str]], str]  # of a table and the columns that are written


class Written(NamedTuple):
    inserted: int
    updated: int


class Mirror:
    """A handler made of a function that says which row an event stands for, or None; it takes events in bulk."""

    def __init__(self, row_of: Callable[[Any], Model | None]) -> None:
        self.row_of = row_of

    def __call__(self, *events: Any) -> None:
        rows = [row for event in events if (row := self.row_of(event)) is not None]
        if rows:
            upsert(rows)


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """Rows here that can be compared with their source's snapshot of the same name, and filled from it.

    `rows` leaves out tombstones: the source has no such row any more. `fields` are the columns that are the source's,
    by the names that both have; the others are our own and never touched. `tombstone` makes the event that buries a
    row of an id, to be newer than a version; without one the row is deleted.
    """

    name: str
    source: str
    rows: QuerySet[Any]
    fields: Sequence[str]
    tombstone: Callable[[UUID, int], Event] | None = None

    @property
    def comparable(self) -> Comparable:
        return Comparable(self.rows, self.fields)


def mirrors() -> Mapping[str, Mirrored]:
    """Return what this service mirrors, by name: MIRRORS of its subscriptions.py."""
    declared: Sequence[Mirrored] = import_string(f"{settings.SERVICE}.subscriptions.MIRRORS")
    return {mirror.name: mirror for mirror in declared}


def upsert(rows: Sequence[Model]) -> None:
    """Write the rows, all of one model, unless what is there is as new or newer.

    Late and doubled events change nothing (law 3). One statement, so that two consumers can't both read the old version
    and write; in the order of the keys, so that they don't wait for each other in a ring.
    """
    write(rows, older)


def restore(rows: Sequence[Model], fields: Sequence[str]) -> Written:
    """Write the rows as their source has them now, but only the fields, and nothing that is newer here or the same."""
    if not rows:
        return Written(0, 0)
    columns = ("version", *fields)
    found = write(rows, older_or_spoilt, columns)
    return Written(sum(found), len(found) - sum(found))


def older(table: str, columns: Sequence[str]) -> str:
    return f"{table}.version < EXCLUDED.version"


def older_or_spoilt(table: str, columns: Sequence[str]) -> str:
    here = ", ".join(f"{table}.{column}" for column in columns)
    there = ", ".join(f"EXCLUDED.{column}" for column in columns)
    return f"{table}.version <= EXCLUDED.version AND ({here}) IS DISTINCT FROM ({there})"


def write(rows: Sequence[Model], condition: Condition, columns: Sequence[str] | None = None) -> list[bool]:
    """Upsert the columns, or all; say of each row that was written whether it is a new one.

    The rows go as one JSON text: a placeholder for each value cost three quarters of what a consumer did.
    """
    newest = {row.pk: row for row in sorted(rows, key=lambda row: row.version)}  # type: ignore[attr-defined]
    names = [field.attname for field in rows[0]._meta.concrete_fields]
    values = [{name: getattr(newest[key], name) for name in names} for key in sorted(newest)]
    with connection.cursor() as cursor:
        statement = upsert_statement(type(rows[0]), condition, columns and tuple(columns))
        cursor.execute(statement, [msgspec.json.encode(values).decode()])
        return [row[0] for row in cursor.fetchall()]


@cache
def upsert_statement(model: type[Model], condition: Condition, updated: tuple[str, ...] | None) -> str:
    table, key = model._meta.db_table, model._meta.pk.attname
    columns = [field.attname for field in model._meta.concrete_fields]
    updated = updated or tuple(column for column in columns if column != key)
    assignments = ", ".join(f"{column} = EXCLUDED.{column}" for column in updated)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - names of ours
        f"SELECT {', '.join(columns)} FROM json_populate_recordset(NULL::{table}, %s) "
        f"ON CONFLICT ({key}) DO UPDATE SET {assignments} WHERE {condition(table, updated)} "
        "RETURNING xmax = 0"  # PostgreSQL's sign of a row that no UPDATE made
    )
