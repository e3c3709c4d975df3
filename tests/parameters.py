"""How many parameters a statement has: PostgreSQL takes 65 535, so what has no bound may not be one each."""

from contextlib import contextmanager

from django.db import connection


@contextmanager
def counted():
    """`with counted() as found`: the list of how many each statement had."""
    found = []

    def count(execute, sql, params, many, context):
        found.append(len(params or ()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield found
