"""Mirrors: rows that another service owns, kept from its events."""

from django.db import connection
from django.db.models import Model


def upsert(row: Model) -> None:
    """Write the row unless what is there is as new or newer: late and doubled events change nothing (law 3).

    One statement, so that two consumers can't both read the old version and write.
    """
    table, key = row._meta.db_table, row._meta.pk.attname
    fields = {field.attname: field for field in row._meta.concrete_fields if not field.generated}
    values = [field.get_db_prep_save(getattr(row, name), connection) for name, field in fields.items()]
    assignments = ", ".join(f"{name} = EXCLUDED.{name}" for name in fields if name != key)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({', '.join(['%s'] * len(fields))}) "  # noqa: S608
            f"ON CONFLICT ({key}) DO UPDATE SET {assignments} WHERE {table}.version < EXCLUDED.version",
            values,
        )
