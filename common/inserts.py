"""Several new rows, of several tables, in one statement: one round trip, and a transaction by itself."""

from collections.abc import Sequence
from functools import cache
from itertools import groupby

from django.db import connection
from django.db.models import JSONField, Model


def insert(rows: Sequence[Model], *, unless_there: Sequence[Model] = ()) -> None:
    """Insert the rows, those of one model next to each other; what `unless_there` holds only if its key is new.

    The ORM takes a statement for each table, and a BEGIN and a COMMIT around them.
    """
    groups = [(model, list(group)) for model, group in groupby([*unless_there, *rows], key=model_of)]
    shape = tuple((model, len(group)) for model, group in groups)
    values = [getattr(row, name) for model, group in groups for row in group for name in columns(model)]
    with connection.cursor() as cursor:
        cursor.execute(statement(shape, frozenset(map(model_of, unless_there))), values)
    for row in (*rows, *unless_there):
        row._state.adding = False


def model_of(row: Model) -> type[Model]:
    return row.__class__  # not type(): the admin's request.user is a proxy


@cache
def columns(model: type[Model]) -> list[str]:
    """Return what an INSERT names: not what PostgreSQL generates, nor its own serial key.

    The values go to psycopg as they are, so a field whose values it does not take is refused.
    """
    fields = [f for f in model._meta.concrete_fields if f.column and not f.generated and not f.db_returning]
    if any(isinstance(field, JSONField) for field in fields):
        raise TypeError(f"{model.__name__} has a field that only the ORM can write")
    return [field.attname for field in fields]


@cache
def statement(shape: tuple[tuple[type[Model], int], ...], unless_there: frozenset[type[Model]]) -> str:
    parts = []
    for number, (model, count) in enumerate(shape):
        fields = columns(model)
        row = f"({', '.join(['%s'] * len(fields))})"
        conflict = " ON CONFLICT DO NOTHING" if model in unless_there else ""
        names = ", ".join(f'"{name}"' for name in fields)
        insertion = f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES {", ".join([row] * count)}{conflict}'  # noqa: S608
        parts.append(f"part_{number} AS ({insertion})")
    return f"WITH {', '.join(parts)} SELECT"
