"""Rows as a source and its mirror compare them: each by id, version and a digest of the fields that both have.

The digest is the first 64 bits of MD5 over the row as JSON: both are the same on every PostgreSQL, which its own hashes
are not. It finds what went wrong, not who wants to hide something. JSON shows moments in the session's zone: Django has
UTC.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import BigIntegerField, Func, QuerySet

RANGE = 1000  # rows that one digest stands for
RANGES = 20  # of an answer: some tenths of a second, in which a web process serves nobody else
ROWS = RANGE * RANGES


class RowDigest(Func):
    template = "('x' || left(md5(json_build_array(%(expressions)s)::text), 16))::bit(64)::bigint"
    output_field = BigIntegerField()


class Row(NamedTuple):
    id: UUID
    version: int
    digest: int


class Range(NamedTuple):
    """Rows in a row; their digests are combined by XOR."""

    first: UUID
    rows: int
    digest: int


class Page(NamedTuple):
    ranges: list[Range]
    next: UUID | None  # where the next page starts; None: there is none, this one has no upper end


class Comparable:
    """A queryset's rows, by the fields (columns, or annotations) that are compared. Windows are [start, end)."""

    def __init__(self, rows: QuerySet[Any], fields: Sequence[str]) -> None:
        digested = rows.order_by("pk").annotate(row_digest=RowDigest("pk", "version", *fields))
        self._rows = digested.values_list("pk", "version", "row_digest")

    def within(self, start: UUID | None, end: UUID | None, limit: int) -> list[Row]:
        return [Row(*row) for row in self._window(start, end)[:limit]]

    def among(self, ids: Collection[UUID]) -> list[Row]:
        return [Row(*row) for row in self._rows.filter(pk__in=ids)]

    def page(self, start: UUID | None) -> Page:
        """Return the digests of the ROWS rows from `start` on, in ranges as they come. One statement."""
        window = self._window(start, None)[: ROWS + 1]
        found = self._grouped("(row_number() OVER (ORDER BY id) - 1) / %s", [RANGE], window)
        ranges = [Range(*rest) for _, *rest in found]
        return Page(ranges[:RANGES], ranges[RANGES].first if len(ranges) > RANGES else None)

    def against(self, page: Page, start: UUID | None) -> list[tuple[int, int]]:
        """Return count and digest of what is here between the same ids as in each range of a source's page.

        Where far more is here than there, not all of it is looked at: then the ranges differ in any case.
        """
        bounds = [found.first for found in page.ranges[1:]]
        window = self._window(start, page.next)[: 2 * ROWS]
        found = self._grouped("width_bucket(id, %s::uuid[])", [bounds], window)
        by_bucket = {bucket: (count, digest) for bucket, _, count, digest in found}
        return [by_bucket.get(bucket, (0, 0)) for bucket in range(len(bounds) + 1)]

    def _window(self, start: UUID | None, end: UUID | None) -> QuerySet[Any, tuple[Any, ...]]:
        bounds = {"pk__gte": start, "pk__lt": end}
        given = {lookup: bound for lookup, bound in bounds.items() if bound is not None}
        window: QuerySet[Any, tuple[Any, ...]] = self._rows.filter(**given)
        return window

    @staticmethod
    def _grouped(key: str, values: list[Any], window: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
        sql, parameters = window.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT key, (array_agg(id ORDER BY id))[1], count(*), bit_xor(digest) FROM "  # noqa: S608 - ORM's SQL
                f"(SELECT {key} AS key, id, digest FROM ({sql}) AS windowed (id, version, digest)) AS keyed "
                "GROUP BY key ORDER BY key",
                [*values, *parameters],
            )
            return list(cursor.fetchall())
