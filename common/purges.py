"""Old rows go in bounded steps, so that no statement runs into its timeout and nobody waits for a huge one."""

from typing import Any

from django.db.models import QuerySet

LIMIT = 10_000


def delete_some(old: QuerySet[Any], limit: int = LIMIT) -> int:
    """Delete at most that many of the rows, whichever they are; return how many went, those that hang on them too.

    The caller comes again: soon where it was the limit.
    """
    some = old.order_by().values("pk")[:limit]
    return int(old.model._base_manager.filter(pk__in=some).delete()[0])
