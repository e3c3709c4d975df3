"""Mirrors: rows that another service owns, kept from its events."""

from functools import cache

from django.db import connection
from django.db.models import Model


def upsert(row: Model) -> None:
    """Write the row unless what is there is as new or newer: late and doubled events change nothing (law 3).

    One statement, so that two consumers can't both read the old version and write.
    """
    fields = row._meta.concrete_fields
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement(type(row)), values)


@cache
def statement(model: type[Model]) -> str:
    table, key = model._meta.db_table, model._meta.pk.attname
    columns = [field.attname for field in model._meta.concrete_fields]
    assignments = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns if column != key)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) "  # noqa: S608
        f"ON CONFLICT ({key}) DO UPDATE SET {assignments} WHERE {table}.version < EXCLUDED.version"
    )
