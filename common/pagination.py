"""Keyset pages: the cost of a page does not grow with the table or with how deep it is."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import F, Q, QuerySet
from django.template import loader
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from common import page_parameters as parameters
from common.page_parameters import Cursor, refuse
from common.rendering import RenderedJSON


class KeysetPagination(BasePagination):
    """Pages of a view with `orderings` (name → sort expression, None for the key alone), `default_ordering` and
    `page_key`, the unique and time-ordered column that breaks ties.

    A sort expression must not be null.
    """

    display_page_controls = False  # a page of the browsable API that is no list has none

    def read(self, request: Request, view: Any) -> None:
        """Take the page's parameters from the request. Raises ValidationError that names the bad one."""
        self.request = request
        self.key = view.page_key
        self.size = parameters.read_page_size(request)
        self.with_count = parameters.read_with_count(request)
        self.ordering = request.query_params.get("ordering", view.default_ordering)
        if self.ordering.removeprefix("-") not in view.orderings:
            raise refuse("ordering", f"Give one of {', '.join(view.orderings)}, with - before it for descending.")
        self.sort = view.orderings[self.ordering.removeprefix("-")]
        self.cursor = parameters.read_cursor(request, self.ordering)
        self.backwards = self.cursor is not None and self.cursor.backwards
        self.next: str | None = None
        self.previous: str | None = None
        self.count: int | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.read(request, view)
        if self.with_count:
            self.count = queryset.count()
        rows = list(self.window(queryset))
        return self.cut(rows, position=lambda row: (getattr(row, "page_sort", ""), getattr(row, self.key)))

    def window(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the page's rows in reading order (against it when backwards), one more than fit."""
        descending = self.ordering.startswith("-") != self.backwards
        step = "lt" if descending else "gt"
        names = [self.key]
        if self.sort is not None:
            queryset = queryset.annotate(page_sort=self.sort)
            names = ["page_sort", self.key]
        if self.cursor is not None:
            queryset = queryset.filter(self._beyond(queryset, step))
        order = [F(name).desc() if descending else F(name).asc() for name in names]
        return queryset.order_by(*order)[: self.size + 1]

    def _beyond(self, queryset: QuerySet[Any], step: str) -> Q:
        assert self.cursor is not None  # noqa: S101 - window() asks
        try:
            beyond_key = Q(**{f"{self.key}__{step}": UUID(self.cursor.id)})
            if self.sort is None:
                return beyond_key
            value = parameters.read_sort(queryset.query.annotations["page_sort"].output_field, self.cursor.sort)
        except (ValueError, DjangoValidationError) as error:
            raise refuse("cursor", "This is no cursor of ours.") from error
        # The first condition says nothing new, but an index can use it.
        return Q(**{f"page_sort__{step}e": value}) & (Q(**{f"page_sort__{step}": value}) | beyond_key)

    def cut(self, rows: list[Any], *, position: Callable[[Any], tuple[Any, UUID]]) -> list[Any]:
        """Drop the row too many, turn the page the right way round, and note where its neighbours start."""
        self.display_page_controls = True
        more = len(rows) > self.size
        rows = rows[: self.size]
        if self.backwards:
            rows.reverse()
        if rows and (more or self.backwards):
            self.next = self._link(position(rows[-1]), backwards=False)
        if rows and (more if self.backwards else self.cursor is not None):
            self.previous = self._link(position(rows[0]), backwards=True)
        return rows

    def _link(self, position: tuple[Any, UUID], *, backwards: bool) -> str:
        sort, key = position
        text = sort.isoformat() if isinstance(sort, datetime) else str(sort)
        cursor = Cursor(ordering=self.ordering, backwards=backwards, sort=text, id=str(key))
        url = remove_query_param(self.request.build_absolute_uri(), "format")
        return replace_query_param(url, "cursor", cursor.encode())

    def envelope(self) -> dict[str, Any]:
        body: dict[str, Any] = {"next": self.next, "previous": self.previous}
        if self.with_count:
            body["count"] = self.count
        return body

    def after(self, first: UUID) -> UUID:
        """Return the key that a page by key alone starts after; `first` where no cursor is given."""
        try:
            return UUID(self.cursor.id) if self.cursor else first
        except ValueError as error:
            raise refuse("cursor", "This is no cursor of ours.") from error

    def rendered(self, results: Sequence[str]) -> RenderedJSON:
        """Return the page's body around results that are JSON already."""
        head = msgspec.json.encode(self.envelope())
        return RenderedJSON(head[:-1] + b',"results":[' + ",".join(results).encode() + b"]}")

    def get_paginated_response(self, data: Sequence[Any]) -> Response:
        return Response(self.envelope() | {"results": data})

    def to_html(self) -> str:
        template = loader.get_template("rest_framework/pagination/previous_and_next.html")
        return template.render({"previous_url": self.previous, "next_url": self.next})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        properties = {"next": link, "previous": link, "count": {"type": "integer"}}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": properties | {"results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return parameters.described(view.orderings, view.default_ordering)
