"""Mirrors: rows that another service owns, kept from its events."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Model


class Mirror:
    """A handler made of a function that says which row an event stands for, or None; it takes events in bulk."""

    def __init__(self, row_of: Callable[[Any], Model | None]) -> None:
        self.row_of = row_of

    def __call__(self, *events: Any) -> None:
        rows = [row for event in events if (row := self.row_of(event)) is not None]
        if rows:
            upsert(rows)


def upsert(rows: Sequence[Model]) -> None:
    """Write the rows, all of one model, unless what is there is as new or newer.

    Late and doubled events change nothing (law 3). One statement, so that two consumers can't both read the old version
    and write; in the order of the keys, so that they don't wait for each other in a ring.
    """
    newest = {row.pk: row for row in sorted(rows, key=lambda row: row.version)}  # type: ignore[attr-defined]
    fields = rows[0]._meta.concrete_fields
    values = [
        field.get_db_prep_save(getattr(newest[key], field.attname), connection)
        for key in sorted(newest)
        for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement(type(rows[0]), len(newest)), values)


@cache
def statement(model: type[Model], count: int) -> str:
    table, key = model._meta.db_table, model._meta.pk.attname
    columns = [field.attname for field in model._meta.concrete_fields]
    row = f"({', '.join(['%s'] * len(columns))})"
    assignments = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns if column != key)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * count)} "  # noqa: S608
        f"ON CONFLICT ({key}) DO UPDATE SET {assignments} WHERE {table}.version < EXCLUDED.version"
    )
