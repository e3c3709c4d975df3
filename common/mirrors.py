"""Mirrors: rows that another service owns, kept from its events."""

from django.db import connection
from django.db.models import Model


def upsert(row: Model) -> None:
    """Write the row unless what is there is as new or newer: late and doubled events change nothing (law 3).

    One statement, so that two consumers can't both read the old version and write.
    """
    meta = row._meta
    fields = [field for field in meta.concrete_fields if field.column]
    columns = [field.column for field in fields]
    others = [column for column in columns if column != meta.pk.column]  # type: ignore[union-attr]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    table = meta.db_table
    sql = (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) "  # noqa: S608 - from the model alone
        f"ON CONFLICT ({meta.pk.column}) DO UPDATE SET "  # type: ignore[union-attr]
        f"{', '.join(f'{column} = EXCLUDED.{column}' for column in others)} "
        f"WHERE {table}.version < EXCLUDED.version"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
