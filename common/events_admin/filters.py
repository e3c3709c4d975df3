"""Lists that stay fast over millions of rows: what they are filtered by, and how far they count."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.db.models.functions import Left, Now
from django.http import HttpRequest
from django.utils.functional import cached_property

from common import deliveries
from common.deliveries import Direction

LOOKED_AT = 1_000  # rows whose types and errors are offered
OFFERED = 20
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AGES = {"hour": ("Last hour", "gte", HOUR), "day": ("Last day", "gte", DAY), "older": ("Older than a day", "lt", DAY)}


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # generic in the stubs only
    """Has pages for so many rows and no more: the rest is found by filters."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return deliveries.count(rows)


def state_of(request: HttpRequest, direction: Direction) -> str:
    """Return the state that is asked for: without a word what wants a person, and all where an id is searched for."""
    return request.GET.get("state") or ("all" if request.GET.get("q") else next(iter(direction.standings)))


class StateFilter(SimpleListFilter):
    title = parameter_name = "state"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.direction: Direction = model_admin.direction
        self.chosen = state_of(request, self.direction)
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((name, name.capitalize()) for name in self.direction.standings), ("all", "All")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        for name, title in self.lookup_choices:
            link = changelist.get_query_string({"state": name})
            yield {"selected": name == self.chosen, "query_string": link, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        standing = self.direction.standings.get(self.chosen)
        return queryset.filter(standing) if standing else queryset


class OfferedFilter(SimpleListFilter):
    """Offers what the youngest LOOKED_AT rows have, the most frequent first."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        given = model_admin.youngest(request).values_list(self.column(), flat=True)[:LOOKED_AT]
        counted = Counter(filter(None, map(self.group, given)))
        return [(name, name) for name, _ in counted.most_common(OFFERED)]

    def has_output(self) -> bool:
        return bool(self.lookup_choices) or self.value() is not None

    def column(self) -> Any:
        return self.parameter_name

    def group(self, value: str) -> str:
        return value

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class TypeFilter(OfferedFilter):
    title = parameter_name = "type"


class ErrorFilter(OfferedFilter):
    """By how the error begins: the class of an exception, else the first line."""

    title = parameter_name = "error"

    def column(self) -> Any:
        return Left("error", 100)

    def group(self, value: str) -> str:
        return value.partition("\n")[0].partition(":")[0]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(error__startswith=self.value()) if self.value() else queryset


class AgeFilter(SimpleListFilter):
    title = parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self.since = model_admin.since
        return [(name, title) for name, (title, _, _) in AGES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in AGES:
            return queryset
        _, comparison, age = AGES[str(self.value())]
        return queryset.filter(**{f"{self.since}__{comparison}": Now() - age})
