import time

from django.db import connection


def wait_until(condition, *, seconds=10):
    """Return what the condition returned as soon as that is true; fail after the deadline."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return found


def waiting_for_locks():
    """How many sessions of the test's database server wait for another's lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]
